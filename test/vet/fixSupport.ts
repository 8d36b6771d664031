// A project that npm can lock again, with a registry of its own, for the tests of `vet --fix`.
import { readdirSync, readFileSync } from "node:fs"
import { join } from "node:path"
import { fixTree } from "../../src/vet/fix.ts"
import { runVet } from "../../src/vet/run.ts"
import { emptyHome, temporaryDirectory, testContext } from "../context.ts"
import { hashOf, type NpmRelease, startRegistry } from "../registry.ts"
import { ONLINE } from "./support.ts"

export interface NpmProject {
  /** Lines of `packages.rules`: `deny: pkg:npm/x, versions: "<1"`. */
  deny: string[]
  manifest: string
  /** Locked versions by name; each is installed at the top. */
  locked: Record<string, string>
  registry: Record<string, Record<string, NpmRelease>>
  files?: Record<string, string>
  env?: Record<string, string>
}

/** Writes the project, with a lockfile as npm would have written it. */
export async function createProject({ deny, manifest, locked, registry, files, env }: NpmProject) {
  const server = await startRegistry()
  for (const [name, releases] of Object.entries(registry)) server.npm(name, releases)
  const { name, version, dependencies, devDependencies } = JSON.parse(manifest)
  const packages: Record<string, unknown> = { "": { name, version, dependencies, devDependencies } }
  for (const [name, version] of Object.entries(locked)) {
    const { dependencies } = registry[name]?.[version] ?? {}
    const resolved = `${server.base}/${name}/-/${name}-${version}.tgz`
    packages[`node_modules/${name}`] = { version, resolved, integrity: hashOf(name, version), dependencies }
  }
  const rules = deny.map((rule, index) => `    - { id: r${index}, ${rule}, reason: test }`)
  const cwd = temporaryDirectory({
    "package.json": manifest,
    "package-lock.json": `${JSON.stringify({ name, version, lockfileVersion: 3, requires: true, packages }, null, 2)}\n`,
    "nanoguard.yaml": `version: 1\ndefault: allow\npackages:\n  unknown: allow\n  rules:\n${rules.join("\n")}\n`,
    ...files,
  })
  const ctx = testContext(cwd, { env: emptyHome({ ...server.env, ...env }) })
  return { cwd, ctx, read: (path: string) => readFileSync(join(cwd, path), "utf8"), listing: () => listFiles(cwd) }
}

/** Vets and fixes it. */
export async function fixProject(project: Awaited<ReturnType<typeof createProject>>, dryRun = false) {
  const run = await runVet(project.ctx, ONLINE)
  return await fixTree(project.ctx, { ...ONLINE, dryRun }, run)
}

/** Every file with its content. */
export function listFiles(directory: string): Record<string, string> {
  const found: Record<string, string> = {}
  for (const entry of readdirSync(directory, { recursive: true, withFileTypes: true })) {
    const path = join(entry.parentPath, entry.name)
    if (entry.isFile()) found[path.slice(directory.length + 1)] = readFileSync(path, "utf8")
  }
  return found
}
