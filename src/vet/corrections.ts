// The way out of each finding, where there is one: found by `correct`, with the documents that it may need at hand.
import { type CorrectionInput, type CorrectionResult, correct } from "../packages/correction.ts"
import { ancestorsOf } from "../packages/graph.ts"
import { gateWarning, isGateSource } from "../packages/lockfiles/gate-addresses.ts"
import { parsePurl, purlOf } from "../packages/purl.ts"
import type { Dependency, Lockfile } from "../packages/types.ts"
import type { CompiledPolicy } from "../policy/compiled.ts"
import type { Ecosystem } from "../policy/types.ts"
import { versionsToAskAbout } from "./details.ts"
import type { EvidenceSet, WantedMore } from "./evidence.ts"
import type { VetResult } from "./vet.ts"

/** Findings that get a correction; whoever has more has another problem first. */
const MAX_CORRECTIONS = 300
/** Documents of parents that one run asks for again, with their dependencies. */
const MAX_PARENTS = 200

type Finding = VetResult["entries"][number]

/** Adds `verdict.correction`, and to its evidence what the correction was checked against, for what was refused or asked. */
export async function addCorrections(
  policy: CompiledPolicy,
  result: VetResult,
  evidence: EvidenceSet,
  now: number,
): Promise<void> {
  const findings = result.entries
    .filter(({ verdict }) => verdict.effect !== "allow" && verdict.code !== "evidence.missing")
    .slice(0, MAX_CORRECTIONS)
  warnOfGates(findings)
  await evidence.fetchMore(() => documentsFor(findings))
  const inputs = findings.map((finding): CorrectionInput => {
    const { lockfile, dependency, verdict } = finding
    return {
      ...{ policy, now, lockfile, dependency, verdict },
      document: (name) => evidence.documentOf(dependency.ecosystem, name, originIn(finding, name)),
      factsFor: (name, version) => evidence.factsFor(asIfPinned(evidence, finding, name, version)),
    }
  })
  await evidence.fetchMore(() => findings.flatMap((finding, index) => detailsFor(finding, inputs[index]!)))
  const rows = new Map(result.rows.map((row) => [row.verdict, row]))
  for (const [index, finding] of findings.entries()) {
    const { verdict } = finding
    const found = correct(inputs[index]!)
    if (found === undefined) continue
    verdict.correction = found.correction
    // To remove for want of another version takes having looked for one.
    const isLooked = found.correction.action !== "remove" || isHopeless(evidence, finding)
    if (found.moves !== undefined && isLooked)
      finding.correction = { moves: found.moves, hashes: hashesOf(evidence, finding, found) }
    const row = rows.get(verdict)
    if (row !== undefined && found.exception !== undefined) row.exception = found.exception
    if (found.checked.length > 0) verdict.evidence = [...verdict.evidence, ...found.checked]
  }
}

/** Says once a lockfile that it was written behind a gate, where the policy does not take its addresses. */
function warnOfGates(findings: readonly Finding[]): void {
  const written = findings.filter(
    ({ dependency, verdict }) => verdict.code === "source.unverified" && isGateSource(dependency.source),
  )
  for (const lockfile of new Set(written.map((finding) => finding.lockfile))) {
    const warning = gateWarning(lockfile)
    if (warning !== undefined) lockfile.warnings.push(warning)
  }
}

/** Whether no version can be better: the registry's were looked at, or the name itself is the trouble. */
function isHopeless(evidence: EvidenceSet, finding: Finding): boolean {
  const { dependency, verdict } = finding
  if (dependency.source.kind !== "registry" || /^(malware|name)\./.test(verdict.code)) return true
  return evidence.documentOf(dependency.ecosystem, dependency.name, originIn(finding, dependency.name)) !== undefined
}

/** What the registry states of the versions that moves bring in, for lockfiles that are edited here. */
function hashesOf(evidence: EvidenceSet, finding: Finding, { moves = [] }: CorrectionResult): readonly string[] {
  const to = moves.find((move) => move.kind !== "remove")
  return (to && releaseOf(evidence, finding, to.name, to.version)?.integrity) ?? []
}

function releaseOf(evidence: EvidenceSet, finding: Finding, name: string, version: string) {
  const document = evidence.documentOf(finding.dependency.ecosystem, name, originIn(finding, name))
  return document?.releases.get(version)
}

const origins = new WeakMap<Lockfile, Map<string, string>>()

/** The registry that a lockfile has a package from; what is not in it would come from the default one. */
function originIn({ lockfile, dependency }: Finding, name: string): string {
  if (dependency.name === name && dependency.source.kind === "registry") return dependency.source.origin
  let known = origins.get(lockfile)
  if (known === undefined) {
    known = new Map()
    for (const { name, source } of lockfile.dependencies)
      if (source.kind === "registry" && !known.has(name)) known.set(name, source.origin)
    origins.set(lockfile, known)
  }
  return known.get(name) ?? "default"
}

/** An entry as a lockfile would have it after the move, with the hashes that the registry states. */
function asIfPinned(evidence: EvidenceSet, finding: Finding, name: string, version: string): Dependency {
  const ecosystem = finding.dependency.ecosystem as Ecosystem
  const integrity = releaseOf(evidence, finding, name, version)?.integrity
  return {
    purl: purlOf(ecosystem, name, version),
    ecosystem,
    name,
    version,
    source: { kind: "registry", origin: originIn(finding, name) },
    integrity: integrity ?? ["sha512-"],
    dev: false,
    optional: false,
    peer: false,
    direct: false,
    key: "",
  }
}

/** What a registry has to be asked again for, since it tells it of one version at a time. */
function detailsFor(finding: Finding, input: CorrectionInput): WantedMore[] {
  const { name, ecosystem, source } = finding.dependency
  const versions = source.kind === "registry" ? versionsToAskAbout(input) : []
  if (versions.length === 0) return []
  return [{ ecosystem: ecosystem as Ecosystem, name, origin: originIn(finding, name), requires: false, versions }]
}

/** Parents with their dependencies, since a newer parent may be the way out, and the names that were probably meant. */
function documentsFor(findings: readonly Finding[]): WantedMore[] {
  const wanted = new Map<string, WantedMore>()
  for (const finding of findings) {
    const { lockfile, dependency, facts, verdict } = finding
    const ecosystem = dependency.ecosystem as Ecosystem
    const want = (name: string, requires: boolean) => {
      const origin = originIn(finding, name)
      const key = `${ecosystem} ${name} ${origin}`
      const known = wanted.get(key)
      if (known === undefined && wanted.size < MAX_PARENTS) wanted.set(key, { ecosystem, name, origin, requires })
      else if (known !== undefined && requires) known.requires = true
    }
    if (facts.lookalike) want(facts.lookalike.of, false)
    const instead = verdict.correction?.target === undefined ? undefined : parsePurl(verdict.correction.target)
    if (instead !== undefined && instead.ecosystem === ecosystem) want(instead.name, false)
    if (verdict.code === "script.unapproved") continue
    if (dependency.source.kind === "registry") want(dependency.name, false)
    for (const parent of parentsByName(lockfile, dependency)) want(parent, true)
  }
  return [...wanted.values()]
}

function parentsByName(lockfile: Lockfile, dependency: Dependency): Set<string> {
  const keys = ancestorsOf(lockfile, dependency.key)
  return new Set(lockfile.dependencies.filter(({ key }) => keys.has(key)).map(({ name }) => name))
}
