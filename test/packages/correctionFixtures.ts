// A project with its lockfile and its registry in a few lines, for the tests of corrections.

import { correct } from "../../src/packages/correction.ts"
import { type AdvisoryLookup, factsOf } from "../../src/packages/facts.ts"
import { purlOf } from "../../src/packages/purl.ts"
import type { Dependency, Lockfile, LockfileFormat, PackageDocument, ReleaseInfo } from "../../src/packages/types.ts"
import type { CompiledPolicy } from "../../src/policy/compiled.ts"
import { decide } from "../../src/policy/decide.ts"
import type { Advisory, Ecosystem, PackageFacts, Verdict } from "../../src/policy/types.ts"
import { dependencyOf, documentOf, NOW } from "./fixtures.ts"

export interface Project {
  ecosystem?: Ecosystem
  format?: LockfileFormat
  formatVersion?: string
  /** name -> version, as locked; the key of an entry is its name. */
  locked: Record<string, string>
  /** [from, to, range]; "" is the project itself. */
  edges: [string, string, string][]
  /** name -> its releases, oldest first; absent: offline. */
  registry?: Record<string, (Partial<ReleaseInfo> & { version: string })[]>
  /** name -> versions that have a high advisory. */
  bad?: Record<string, string[]>
  fixed?: string[]
  lookalike?: (name: string) => { of: string; how: string } | null
}

export function lockfileOf(project: Project): Lockfile {
  const ecosystem = project.ecosystem ?? "npm"
  const dependencies = Object.entries(project.locked).map(([name, version]): Dependency => {
    const direct = project.edges.some(([from, to]) => from === "" && to === name)
    return dependencyOf(name, version, { ecosystem, key: name, direct, purl: purlOf(ecosystem, name, version) })
  })
  return {
    path: "lock",
    format: project.format ?? "package-lock.json",
    formatVersion: project.formatVersion ?? "3",
    dependencies,
    edges: project.edges.map(([from, to, range]) => ({ from, to, range })),
    roots: [{ key: "", name: "project" }],
    warnings: [],
    lineOf: () => 1,
  }
}

/** Decides about one locked package and corrects it, everything from the project's own registry and advisories. */
export function correctIn(project: Project, policy: CompiledPolicy, name: string, verdict?: Partial<Verdict>) {
  const ecosystem = project.ecosystem ?? "npm"
  const lockfile = lockfileOf(project)
  const documents = new Map<string, PackageDocument>()
  for (const [known, releases] of Object.entries(project.registry ?? {})) {
    const hashed = releases.map((release) => ({ integrity: ["sha512-aaaa"], ...release }))
    documents.set(known, documentOf(known, hashed, { ecosystem }))
  }
  const advisory: Advisory = {
    id: "GHSA-1",
    aliases: [],
    kind: "vulnerability",
    severity: "high",
    fixed: project.fixed ?? [],
  }
  const advisories: AdvisoryLookup = {
    covers: () => true,
    affecting: (_, name, version) => (project.bad?.[name]?.includes(version) ? [advisory] : []),
  }
  const factsOfDependency = (dependency: Dependency): PackageFacts => {
    const document = documents.get(dependency.name)
    const missing = { ok: false, reason: "not-found", detail: "" } as const
    const result =
      project.registry === undefined ? "offline" : document === undefined ? missing : ({ ok: true, document } as const)
    return factsOf(dependency, result, advisories, NOW, { lookalike: (_, name) => project.lookalike?.(name) ?? null })
  }
  const dependency = lockfile.dependencies.find((entry) => entry.name === name)!
  const judge = (dependency: Dependency) =>
    decide(policy, { ...dependency, kind: "package", ecosystem }, { now: NOW, facts: factsOfDependency(dependency) })
  const decided = { ...judge(dependency), ...verdict }
  const factsFor = (name: string, version: string) =>
    factsOfDependency(dependencyOf(name, version, { ecosystem, integrity: [], purl: purlOf(ecosystem, name, version) }))
  const result = correct({
    policy,
    now: NOW,
    lockfile,
    dependency,
    verdict: decided,
    document: (name) => documents.get(name),
    factsFor,
  })
  return { verdict: decided, result, lockfile, documents, judge }
}
