// The main job: every entry of every lockfile, with its facts, in front of the law.

import type { Move } from "../packages/commands.ts"
import { pathsTo } from "../packages/graph.ts"
import type { Dependency, Lockfile } from "../packages/types.ts"
import type { CompiledPolicy } from "../policy/compiled.ts"
import { decide } from "../policy/decide.ts"
import type { Ecosystem, PackageAction, PackageFacts, Verdict } from "../policy/types.ts"
import type { EvidenceSet } from "./evidence.ts"
import { createExceptionTally } from "./exceptions.ts"
import { createMissingTally } from "./missing.ts"
import type { ExceptionUse, MissingSummary, VetReport, VetRow } from "./report.ts"

/** A lockfile with the keys of the entries that count; all where `only` is absent. */
export interface VetInput {
  lockfile: Lockfile
  only?: ReadonlySet<string> | undefined
}

/** One package in one file, what is known of it and what the law says. */
export interface VetEntry {
  lockfile: Lockfile
  dependency: Dependency
  facts: PackageFacts
  verdict: Verdict
  /** The correction as data, with the registry's hashes of the version that it brings in: for `vet --fix`. */
  correction?: { moves: readonly Move[]; hashes: readonly string[] }
}

export interface VetResult {
  rows: VetRow[]
  counts: VetReport["counts"]
  missing: MissingSummary[]
  exceptions: ExceptionUse[]
  /** What was decided, in the order of the files: for components and corrections. */
  entries: VetEntry[]
}

const MAX_PATHS = 3
/** Rows whose further paths are counted; for thousands of rows that would take longer than everything else. */
const MAX_COUNTED = 200

/** Whether an entry is something to vet: the project's own parts are not. */
export function isVetted(dependency: Dependency): boolean {
  return dependency.source.kind !== "workspace"
}

/**
 * Decides every entry. Pure but for what `evidence` holds; `now` in milliseconds since the epoch. `prod` leaves out what
 * only development dependencies bring in.
 */
export function vetLockfiles(
  policy: CompiledPolicy,
  inputs: readonly VetInput[],
  evidence: Pick<EvidenceSet, "factsFor">,
  options: { now: number; prod: boolean },
): VetResult {
  const counts = { packages: 0, allow: 0, ask: 0, deny: 0, excepted: 0, observed: 0 }
  const missing = createMissingTally(policy.packages.needs)
  const exceptions = createExceptionTally(policy, options.now)
  const entries: VetResult["entries"] = []
  const findings: VetResult["entries"] = []
  for (const { lockfile, only } of inputs) {
    for (const dependency of lockfile.dependencies) {
      if (!isVetted(dependency) || (options.prod && dependency.dev) || (only && !only.has(dependency.key))) continue
      const facts = evidence.factsFor(dependency)
      const action = actionOf(dependency)
      const verdict = decide(policy, action, { now: options.now, facts })
      const entry = { lockfile, dependency, facts, verdict }
      entries.push(entry)
      counts.packages++
      missing.count(dependency, facts)
      exceptions.count(action, facts, verdict)
      if (verdict.effect === "allow") {
        counts.allow++
        if (verdict.excepted?.length) counts.excepted++
        continue
      }
      if (verdict.mode === "observe") {
        counts.observed++
        counts.allow++
      } else counts[verdict.effect]++
      findings.push(entry)
    }
  }
  const maxMore = findings.length > MAX_COUNTED ? 0 : undefined
  const rows = sortRows(findings.map((finding) => rowOf(finding, maxMore)))
  return { rows, counts, missing: missing.summary(), exceptions: exceptions.summary(), entries }
}

/** What a lockfile entry asks the law: may this package, from this source, be installed? */
export function actionOf(dependency: Dependency): PackageAction {
  const { purl, name, version, source } = dependency
  return { kind: "package", purl, ecosystem: dependency.ecosystem as Ecosystem, name, version, source }
}

function rowOf({ lockfile, dependency, facts, verdict }: VetResult["entries"][number], maxMore?: number): VetRow {
  const { purl, ecosystem, name, version, source, dev, optional, direct, alias, key } = dependency
  const ways = pathsTo(lockfile, key, MAX_PATHS, maxMore)
  return {
    verdict,
    file: lockfile.path,
    line: lockfile.lineOf(key),
    dependency: {
      purl,
      ecosystem,
      name,
      version,
      source,
      dev,
      optional,
      direct,
      ...(alias !== undefined && { alias }),
    },
    paths: ways.paths.map((keys) => keys.map((step) => shownName(lockfile, step))),
    morePaths: ways.more,
    facts,
  }
}

const names = new WeakMap<Lockfile, Map<string, string>>()

/** An entry of a path as people know it: `name@version`, and a root by its name. */
function shownName(lockfile: Lockfile, key: string): string {
  let known = names.get(lockfile)
  if (known === undefined) {
    known = new Map(lockfile.roots.map((root) => [root.key, root.name || "."]))
    for (const { key, name, version } of lockfile.dependencies) known.set(key, version ? `${name}@${version}` : name)
    names.set(lockfile, known)
  }
  return known.get(key) ?? key
}

const RANK = { deny: 0, ask: 1, allow: 2 } as const

/** Strictest first, enforced before observed; the order of the files stays within each. */
function sortRows(rows: VetRow[]): VetRow[] {
  const rank = ({ verdict }: VetRow) => RANK[verdict.effect] * 2 + (verdict.mode === "observe" ? 1 : 0)
  return rows.sort((a, b) => rank(a) - rank(b))
}
