// One version of one package: all facts, the people's word, the law; and the refusal, where it comes to that.
import { createHash } from "node:crypto"
import type { ActiveGrant } from "../../approvals/types.ts"
import type { Item } from "../../audit/types.ts"
import { decide } from "../../policy/decide.ts"
import type { DecisionEvidence, PackageAction, Verdict } from "../../policy/types.ts"
import { type Answer, errorAnswer } from "../answer.ts"
import { refusalOf, renderRefusal } from "../refusal.ts"
import { correctVerdict } from "./corrected.ts"
import type { Known } from "./open.ts"
import type { Asked, Front, Law } from "./types.ts"

/** A verdict with what it was made of, as the record keeps it. */
export interface Decided {
  verdict: Verdict
  action: PackageAction
  evidence: DecisionEvidence
  /** What people agreed to, where the verdict rests on it. */
  grants: readonly ActiveGrant[]
}

/** Whether a verdict stops anything: in observe mode only what the law never lifts does. */
export const isRefused = ({ effect, mode }: Verdict) => effect !== "allow" && mode === "enforce"

/** Decides one version with everything that can be known of it. */
export async function decideVersion(
  front: Front,
  law: Law,
  asked: Asked,
  opened: Known,
  version: string,
): Promise<Decided> {
  const { ecosystem, name } = opened.subject
  const action = law.evidence.actionFor(ecosystem, name, version)
  const [facts, all] = await Promise.all([
    law.evidence.fullFacts(opened.subject, version),
    front.desk.grantsFor(asked.who, law.policy),
  ])
  const mine = all.filter(({ purl, integrity }) => purl === action.purl && isSame(integrity, opened, version))
  const grants = mine.map(({ grant }) => grant)
  const killed = front.killed?.(asked.who) === true
  const evidence = {
    now: front.now(),
    facts,
    ...(grants.length > 0 && { grants }),
    ...(killed && { killed }),
    ...scopeOf(asked.who),
  }
  const verdict = decide(law.policy, action, evidence)
  front.metrics.decided(verdict)
  const used = mine.filter(({ grant: { id } }) => verdict.excepted?.some(({ rule }) => rule === `approval ${id}`))
  return { verdict, action, evidence, grants: used }
}

/** Rights narrower than the policy, as evidence. */
const scopeOf = ({ scope }: Asked["who"]) => scope && { scope }

/** A person agreed to certain bytes, where they were known: other bytes under the same version are another question. */
function isSame(integrity: string | undefined, opened: Known, version: string): boolean {
  return integrity === undefined || integrity === integrityOf(opened, version)
}

/** The hash of a version that is one file, or one over those of its files: one that is added later counts. Undefined where none is promised. */
export function integrityOf({ result }: Known, version: string): string | undefined {
  const hashes = (result.ok && result.document.releases.get(version)?.integrity) || []
  if (hashes.length < 2) return hashes[0]
  const all = createHash("sha256")
    .update([...hashes].sort().join("\n"))
    .digest("base64")
  return `${hashes.length} files: sha256-${all}`
}

/** Refuses a version: looks for the way out, asks people where the law wants them, records, and only then answers. */
export async function refuse(
  front: Front,
  law: Law,
  asked: Asked,
  opened: Known | undefined,
  version: string,
  decided: Decided,
): Promise<Answer> {
  const { action, evidence } = decided
  const verdict = opened ? await correctVerdict(front, law, asked, opened, version, decided.verdict) : decided.verdict
  const integrity = opened && integrityOf(opened, version)
  const approval =
    verdict.effect === "ask" ? await front.desk.request(asked.who, law.policy, verdict, integrity) : undefined
  const seq = await front.recorder.decided(
    asked.who,
    { action, evidence, verdict },
    approval?.state === "pending" ? "held" : "refused",
    {
      item: itemOf(action),
      ...(approval && { approval: approval.id }),
      detail: { client: asked.client },
    },
  )
  const refusal = refusalOf(verdict, seq, approval)
  front.runs.refused(asked.who, refusal)
  return { ...renderRefusal(refusal), recorded: true }
}

/** Refuses what an upstream itself refused. */
export async function refuseUpstream(
  front: Front,
  law: Law,
  asked: Asked,
  version: string,
  verdict: Verdict,
  name: string,
): Promise<Answer> {
  const action = law.evidence.actionFor(asked.ecosystem, name, version)
  return refuse(front, law, asked, undefined, version, { verdict, action, evidence: { now: front.now() }, grants: [] })
}

/** The thing that an agent consumes, for the System of Record. */
export function itemOf({ purl, version }: PackageAction, digest?: string): Item {
  const name = version === "" ? purl : purl.replace(/@[^@/]*$/, "")
  return { kind: "package", name, ...(version !== "" && { version }), ...(digest !== undefined && { digest }) }
}

/** The answer about what is not there. */
export const noSuchFile = () => errorAnswer(404, "the registry has no such file")

/** Refuses whatever is asked by somebody who is under a kill, or may have no packages: with its name, where it has one. */
export async function refuseOutright(front: Front, asked: Asked, name: string, version: string): Promise<Answer> {
  const law = front.law()
  const action = law.evidence.actionFor(asked.ecosystem, name, version)
  const killed = front.killed?.(asked.who) === true
  const evidence = { now: front.now(), ...(killed && { killed }), ...scopeOf(asked.who) }
  const verdict = decide(law.policy, action, evidence)
  front.metrics.decided(verdict)
  return refuse(front, law, asked, undefined, version, { verdict, action, evidence, grants: [] })
}
