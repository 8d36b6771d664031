// The way out of a refusal: candidates are asked about until one is sure, then the packages room finds the correction.
import { candidateVersions } from "../../packages/candidates.ts"
import { decide } from "../../policy/decide.ts"
import type { PackageFacts, Verdict } from "../../policy/types.ts"
import { correctRefusal } from "../correct.ts"
import { isOpen } from "./decide-listing.ts"
import type { Opened } from "./open.ts"
import type { Asked, Front, Law } from "./types.ts"

/** Versions of which all facts are collected for one correction. */
const MAX_ASKED = 6

/** The verdict with its correction, where there is one: a state that the same policy allows, and the client's command to get there. */
export async function correctVerdict(
  front: Front,
  law: Law,
  asked: Asked,
  opened: Opened,
  version: string,
  verdict: Verdict,
): Promise<Verdict> {
  const { evidence, policy } = law
  const { subject, result } = opened
  const { ecosystem, name } = subject
  if (!result.ok) return verdict
  const facts = (of: string, wanted: string): PackageFacts =>
    of === name ? evidence.listedFacts(subject, result, wanted) : { absent: "not-collected" }
  await settleCandidates()
  return correctRefusal({
    ...{ policy, now: front.now(), client: asked.client, verdict, ecosystem, name, version },
    document: (of) => (of === name ? result.document : evidence.known({ ecosystem, name: of })),
    factsFor: facts,
    project: front.runs.projectOf(asked.who),
    origin: evidence.actionFor(ecosystem, name, version).source,
  })

  /** Collects what listings leave open, of the nearest versions on, until one is allowed. */
  async function settleCandidates(): Promise<void> {
    const judge = {
      ...{ policy, now: front.now(), ecosystem, budget: { left: 0 } },
      factsFor: facts,
      document: () => (result.ok ? result.document : undefined),
      sourceOf: () => evidence.actionFor(ecosystem, name, version).source,
    }
    let left = MAX_ASKED
    for (const candidate of candidateVersions(judge, name, version)) {
      const action = evidence.actionFor(ecosystem, name, candidate)
      const judged = (known: PackageFacts) => decide(policy, action, { now: front.now(), facts: known })
      const listed = judged(facts(name, candidate))
      if (listed.effect === "allow") return
      if (!isOpen(listed) || left-- <= 0) continue
      if (judged(await evidence.fullFacts(subject, candidate)).effect === "allow") return
    }
  }
}
