// What would be decided now about a package version, with the way out: for `nanoguard why`.
import { EXIT, NanoguardError } from "../../errors.ts"
import { parsePurl, purlOf } from "../../packages/purl.ts"
import type { Ecosystem, Verdict } from "../../policy/types.ts"
import type { HeldBack, RunSummary } from "../runs.ts"
import type { Attribution, Client } from "../types.ts"
import { correctVerdict, wantedVersion } from "./corrected.ts"
import { decideVersion, isRefused } from "./decide.ts"
import { openPackage } from "./open.ts"
import type { Asked, Front } from "./types.ts"

/** Clients by the ecosystem, where nobody says which one. */
const CLIENTS: Readonly<Record<Ecosystem, Client>> = { npm: "npm", pypi: "pip", cargo: "cargo", golang: "go" }

/** Decides a purl with its version as the gate would now, for nobody in particular unless `by` says for whom. Throws `NanoguardError` for what is no such purl, or not at hand. */
export async function whyPackage(
  front: Front,
  purl: string,
  by: Partial<Pick<Asked, "client" | "who">> = {},
): Promise<Verdict> {
  const parsed = parsePurl(purl)
  const ecosystem = parsed?.ecosystem as Ecosystem
  const protocol = parsed === undefined ? undefined : front.protocols.get(ecosystem)
  if (parsed === undefined || protocol === undefined || parsed.version === "") {
    throw new NanoguardError("that is not a purl of npm, pypi, cargo or golang with a version", {
      exit: EXIT.usage,
      hint: "write it as pkg:npm/axios@1.6.8",
    })
  }
  const law = front.law()
  const asked = askedBy(ecosystem, by)
  const opened = await openPackage(front, law, asked, protocol, parsed.name)
  if (!opened.ok) {
    if ("verdict" in opened) return opened.verdict
    throw new NanoguardError("the registry does not answer for that package", {
      exit: EXIT.nothingChecked,
      hint: "look whether name and upstream are right: nanoguard gateway status",
    })
  }
  const { verdict } = await decideVersion(front, law, asked, opened, parsed.version)
  return isRefused(verdict) ? correctVerdict(front, law, asked, opened, parsed.version, verdict) : verdict
}

/** A request that no client made. */
export function askedBy(ecosystem: Ecosystem, by: Partial<Pick<Asked, "client" | "who">> = {}): Asked {
  return {
    ecosystem,
    raw: { method: "GET", path: "", query: "", accept: "" },
    client: by.client ?? CLIENTS[ecosystem],
    who: by.who ?? { agent: "", operator: "", run: "", boxed: false },
    base: "",
  }
}

/** The summary of a visit with the way out for what was held back and never asked for. */
export async function explainHeldBack(front: Front, who: Attribution, summary: RunSummary): Promise<RunSummary> {
  const explain = async (held: HeldBack): Promise<HeldBack> => {
    const { client, ecosystem, name } = held
    const by = { client, who }
    const version = (await wantedVersion(front, front.law(), askedBy(ecosystem, by), name)) ?? held.version
    const verdict = await whyPackage(front, purlOf(ecosystem, name, version), by).catch(() => held.verdict)
    return isRefused(verdict) ? { ...held, version, verdict } : held
  }
  const first = summary.heldBack.slice(0, MAX_EXPLAINED)
  return {
    ...summary,
    heldBack: [...(await Promise.all(first.map(explain))), ...summary.heldBack.slice(MAX_EXPLAINED)],
  }
}

const MAX_EXPLAINED = 20
