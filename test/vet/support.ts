// What tests of whole runs share: a tree with a policy, a registry, and short answers.
import { mkdirSync } from "node:fs"
import { join } from "node:path"
import { hashName } from "../../src/packages/advisories/format.ts"
import type { AdvisoryRecord } from "../../src/packages/advisories/types.ts"
import { writeIndex } from "../../src/packages/advisories/write.ts"
import type { Ecosystem } from "../../src/policy/types.ts"
import type { VetReport } from "../../src/vet/report.ts"
import { runVet, type VetOptions } from "../../src/vet/run.ts"
import { emptyHome, temporaryDirectory, testContext } from "../context.ts"
import { startRegistry, type TestRegistry } from "../registry.ts"
import { type NpmEntry, npmLock } from "../trees.ts"

export const ONLINE: VetOptions = { paths: [], offline: false, prod: false }
export const OFFLINE: VetOptions = { ...ONLINE, offline: true }

/** A policy with these lines under `packages`. */
export function policyOf(packages: string, head = ""): string {
  return `version: 1\n${head}packages:\n${packages.replace(/^/gm, "  ")}\n`
}

/** Puts advisories where a person's own import is; they are complete for npm and PyPI. */
export function importAdvisories(
  env: Record<string, string>,
  records: Record<string, AdvisoryRecord[]>,
  ecosystem: Ecosystem = "npm",
): void {
  const home = env["NANOGUARD_HOME"]!
  mkdirSync(home, { recursive: true })
  const packages = Object.entries(records).map(([name, advisories]) => ({
    hash: hashName(ecosystem, name),
    record: { ecosystem, name, advisories },
  }))
  writeIndex(
    join(home, "advisories.idx"),
    packages.sort((a, b) => a.hash - b.hash),
    {
      kind: "imported",
      created: "2026-11-20T00:00:00.000Z",
      asOf: "2026-11-20",
      newest: {},
      completeness: { npm: "complete", pypi: "complete" },
      sources: [],
      unreadable: 0,
    },
  )
}

/** "effect code" of every row by package; several rows of one package are joined. */
export function findingsOf(report: VetReport): Record<string, string> {
  const found: Record<string, string> = {}
  for (const { dependency, verdict } of report.rows) {
    const name = dependency.version === "" ? dependency.name : `${dependency.name}@${dependency.version}`
    const answer = `${verdict.effect} ${verdict.code}`
    found[name] = found[name] === undefined ? answer : `${found[name]}, ${answer}`
  }
  return found
}

/** "fact reason" with the number of packages, of everything that was not known. */
export function missingOf(report: VetReport): Record<string, number> {
  return Object.fromEntries(report.missing.map(({ fact, reason, packages }) => [`${fact} ${reason}`, packages]))
}

interface Tree {
  policy: string
  /** One npm lockfile with these packages, whose addresses lead to the registry. */
  packages?: Record<string, NpmEntry>
  files?: Record<string, string>
  prepare?: (registry: TestRegistry) => void
  advisories?: Record<string, AdvisoryRecord[]>
  env?: Record<string, string>
  options?: Partial<VetOptions>
}

/** Vets one tree online against a registry of its own; `$REGISTRY` in policy and files is that registry's address. */
export async function vetTree({ policy, packages, files = {}, prepare, advisories, env, options }: Tree) {
  const registry = await startRegistry()
  prepare?.(registry)
  const placed = Object.entries({ "nanoguard.yaml": policy, ...files }).map(
    ([path, text]) => [path, text.replaceAll("$REGISTRY", registry.base)] as const,
  )
  const cwd = temporaryDirectory({
    ...Object.fromEntries(placed),
    ...(packages && { "package-lock.json": npmLock(packages, registry.base) }),
  })
  const home = emptyHome({ ...registry.env, ...env })
  if (advisories !== undefined) importAdvisories(home, advisories)
  const ctx = testContext(cwd, { env: home })
  const { report, result } = await runVet(ctx, { ...ONLINE, ...options })
  return { report, result, found: findingsOf(report), missing: missingOf(report), registry, ctx, cwd }
}
