// The way out of each finding, where there is one: found by `correct`, with the documents that it may need at hand.
import { type CorrectionResult, correct } from "../packages/correction.ts"
import { ancestorsOf } from "../packages/graph.ts"
import { parsePurl, purlOf } from "../packages/purl.ts"
import type { Dependency, Lockfile } from "../packages/types.ts"
import type { CompiledPolicy } from "../policy/compiled.ts"
import type { Ecosystem } from "../policy/types.ts"
import type { EvidenceSet } from "./evidence.ts"
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
  await evidence.fetchMore(documentsFor(findings))
  const rows = new Map(result.rows.map((row) => [row.verdict, row]))
  for (const finding of findings) {
    const { lockfile, dependency, verdict } = finding
    const ecosystem = dependency.ecosystem as Ecosystem
    const found = correct({
      policy,
      now,
      lockfile,
      dependency,
      verdict,
      document: (name) => evidence.documentOf(ecosystem, name),
      factsFor: (name, version) => evidence.factsFor(asIfPinned(evidence, ecosystem, name, version)),
    })
    if (found === undefined) continue
    verdict.correction = found.correction
    if (found.moves !== undefined)
      finding.correction = { moves: found.moves, hashes: hashesOf(evidence, ecosystem, found) }
    const row = rows.get(verdict)
    if (row !== undefined && found.exception !== undefined) row.exception = found.exception
    if (found.checked.length > 0) verdict.evidence = [...verdict.evidence, ...found.checked]
  }
}

/** What the registry states of the versions that moves bring in, for lockfiles that are edited here. */
function hashesOf(evidence: EvidenceSet, ecosystem: Ecosystem, { moves = [] }: CorrectionResult): readonly string[] {
  const to = moves.find((move) => move.kind !== "remove")
  return (to && evidence.documentOf(ecosystem, to.name)?.releases.get(to.version)?.integrity) ?? []
}

/** An entry as a lockfile would have it after the move, with the hashes that the registry states. */
function asIfPinned(evidence: EvidenceSet, ecosystem: Ecosystem, name: string, version: string): Dependency {
  const integrity = evidence.documentOf(ecosystem, name)?.releases.get(version)?.integrity
  return {
    purl: purlOf(ecosystem, name, version),
    ecosystem,
    name,
    version,
    source: { kind: "registry", origin: "default" },
    integrity: integrity ?? ["sha512-"],
    dev: false,
    optional: false,
    peer: false,
    direct: false,
    key: "",
  }
}

/** Parents with their dependencies, since a newer parent may be the way out, and the names that were probably meant. */
function documentsFor(findings: readonly Finding[]): { ecosystem: Ecosystem; name: string; requires: boolean }[] {
  const wanted = new Map<string, { ecosystem: Ecosystem; name: string; requires: boolean }>()
  const want = (ecosystem: Ecosystem, name: string, requires: boolean) => {
    const known = wanted.get(`${ecosystem} ${name}`)
    if (known === undefined && wanted.size < MAX_PARENTS)
      wanted.set(`${ecosystem} ${name}`, { ecosystem, name, requires })
    else if (known !== undefined && requires) known.requires = true
  }
  for (const { lockfile, dependency, facts, verdict } of findings) {
    const ecosystem = dependency.ecosystem as Ecosystem
    if (facts.lookalike) want(ecosystem, facts.lookalike.of, false)
    const instead = verdict.correction?.target === undefined ? undefined : parsePurl(verdict.correction.target)
    if (instead !== undefined && instead.ecosystem === ecosystem) want(ecosystem, instead.name, false)
    if (verdict.code !== "script.unapproved")
      for (const parent of parentsByName(lockfile, dependency)) want(ecosystem, parent, true)
  }
  return [...wanted.values()]
}

function parentsByName(lockfile: Lockfile, dependency: Dependency): Set<string> {
  const keys = ancestorsOf(lockfile, dependency.key)
  return new Set(lockfile.dependencies.filter(({ key }) => keys.has(key)).map(({ name }) => name))
}
