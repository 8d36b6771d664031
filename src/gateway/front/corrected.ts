// The way out of a refusal: what it takes is collected, then the packages room finds the correction.
import { candidateVersions } from "../../packages/candidates.ts"
import type { PackageDocument } from "../../packages/types.ts"
import { compareVersions, satisfies } from "../../packages/versions.ts"
import { decide } from "../../policy/decide.ts"
import type { PackageFacts, Verdict } from "../../policy/types.ts"
import { correctRefusal } from "../correct.ts"
import { overridesSoFar } from "../pnpm-overrides.ts"
import type { Parent } from "../refused-graph.ts"
import { servedParents } from "../served-parents.ts"
import { isOpen } from "./decide-listing.ts"
import type { Known } from "./open.ts"
import type { Asked, Front, Law } from "./types.ts"

/** Versions of which all facts are collected for one correction. */
const MAX_ASKED = 6
/** Held-back versions of a package that are looked at for the one that was meant. */
const MAX_WANTED = 20
/** Packages of a run whose requirements are read to find out who wants the refused one. */
const MAX_PARENTS = 300
/** Parents whose other versions are looked at, and how many of those to each side. */
const MAX_MOVED = 4
const AROUND = 4

/** The verdict with its correction, where there is one: a state that the same policy allows, and the client's command to get there. */
export async function correctVerdict(
  front: Front,
  law: Law,
  asked: Asked,
  opened: Known,
  version: string,
  verdict: Verdict,
): Promise<Verdict> {
  const { evidence, policy } = law
  const { subject, result } = opened
  const { ecosystem, name } = subject
  if (!result.ok) return verdict
  await settleCandidates(front, law, opened, version)
  const project = front.runs.projectOf(asked.who)
  const isLocked = project?.lockfiles?.some(({ dependencies }) =>
    dependencies.some((entry) => entry.name === name && entry.version === version),
  )
  const served = isLocked ? new Map<string, PackageDocument>() : await readServed(front, law, asked)
  const taken = (of: string) => front.runs.seenBy(asked.who, ecosystem).find((seen) => seen.name === of)?.taken
  const parents = servedParents(served.values(), taken)
  // Registries that state requirements version by version: those of the versions that a parent could move to.
  for (const parent of parents(name, version).slice(0, MAX_MOVED)) {
    const document = served.get(parent.name)
    if (document === undefined) continue
    const more = await evidence.requiring(ecosystem, parent.name, around(document, parent.version))
    if (more !== undefined) served.set(parent.name, more)
  }
  return correctRefusal({
    ...{ policy, now: front.now(), client: asked.client, verdict, ecosystem, name, version, project },
    document: (of) => (of === name ? result.document : served.get(of)),
    factsFor: (of, wanted) => evidence.knownFacts(ecosystem, of, wanted),
    parents,
    overrides: overridesSoFar(
      front.runs.summary(asked.who.visit ?? asked.who.run)?.summary.refusals.map((refusal) => refusal.verdict) ?? [],
    ),
    origin: evidence.actionFor(ecosystem, name, version).source,
  })
}

/**
 * Which of a package's held-back versions a run most likely wants: one that a package which it was served asks for, where no version that
 * is served would do. Undefined where none is asked for so.
 */
export async function wantedVersion(front: Front, law: Law, asked: Asked, name: string): Promise<string | undefined> {
  const { ecosystem, who } = asked
  const seen = front.runs.seenBy(who, ecosystem)
  const refused = seen.find((one) => one.name === name)?.refused ?? new Map()
  const served = await readServed(front, law, asked)
  const versions = [...(served.get(name)?.releases.keys() ?? [])]
  const parents = servedParents(served.values(), (of) => seen.find((one) => one.name === of)?.taken)
  const newest = [...refused.keys()].sort((a, b) => compareVersions(ecosystem, b, a)).slice(0, MAX_WANTED)
  const isOnly = ({ range }: Parent) =>
    !versions.some((version) => !refused.has(version) && satisfies(ecosystem, version, range))
  return newest.find((version) => parents(name, version).some(isOnly))
}

/** Collects what listings leave open of the nearest versions on, until one is allowed: only what is sure is recommended. */
async function settleCandidates(
  front: Front,
  { policy, evidence }: Law,
  { subject, result }: Known,
  version: string,
): Promise<void> {
  const { ecosystem, name } = subject
  const judge = {
    ...{ policy, now: front.now(), ecosystem, budget: { left: 0 } },
    factsFor: (_: string, wanted: string) => evidence.listedFacts(subject, result, wanted),
    document: () => (result.ok ? result.document : undefined),
    sourceOf: () => evidence.actionFor(ecosystem, name, version).source,
  }
  let left = MAX_ASKED
  for (const candidate of candidateVersions(judge, name, version)) {
    const action = evidence.actionFor(ecosystem, name, candidate)
    const judged = (facts: PackageFacts) => decide(policy, action, { now: front.now(), facts })
    const listed = judged(judge.factsFor(name, candidate))
    if (listed.effect === "allow") return
    if (!isOpen(listed) || left-- <= 0) continue
    if (judged(await evidence.fullFacts(subject, candidate)).effect === "allow") return
  }
}

/** Documents of what the run asked for, with what their releases require. */
async function readServed(
  front: Front,
  { evidence }: Law,
  { who, ecosystem }: Asked,
): Promise<Map<string, PackageDocument>> {
  const served = new Map<string, PackageDocument>()
  for (const { name, taken, use } of front.runs.seenBy(who, ecosystem).slice(0, MAX_PARENTS)) {
    const document = await evidence.requiring(
      ecosystem,
      name,
      [taken ?? use].filter((one) => one !== undefined),
    )
    if (document !== undefined) served.set(name, document)
  }
  return served
}

/** The version itself and the nearest ones to both sides of it. */
function around({ ecosystem, releases }: PackageDocument, version: string): string[] {
  const sorted = [...releases.keys()].sort((a, b) => compareVersions(ecosystem, a, b))
  const at = sorted.indexOf(version)
  return sorted.slice(Math.max(0, at - AROUND), at + 1 + AROUND)
}
