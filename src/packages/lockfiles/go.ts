// go.mod with the go.sum beside it.
import type { PackageSource } from "../../policy/types.ts"
import type { Dependency, Lockfile, ReadSibling } from "../types.ts"
import { compareVersions, isValidVersion } from "../versions.ts"
import { countOf, createEdges, createEntry, uniqueKey } from "./entries.ts"
import { lockfileError, quote } from "./failure.ts"
import { type GoMod, type GoReplacement, type GoRequirement, readGoMod } from "./goMod.ts"
import { byModule, readGoWorkspace } from "./goWork.ts"
import { besideOf, localSource } from "./places.ts"

/**
 * Reads go.mod. Since Go 1.17 it lists every module that the build takes, so it is the lockfile; for older ones the modules whose archives go.sum
 * names are added as indirect. Only the main module's own requirements are edges: go.mod does not say who wants the rest.
 * Go does not tell development dependencies apart. Integrity is go.sum's `h1:` hash of the archive (a SHA-256 over its file list,
 * golang.org/x/mod/sumdb/dirhash) as `h1-<base64>`; the hash of a go.mod alone protects no code and does not count.
 */
export function parseGoMod(text: string, path: string, readSibling: ReadSibling): Lockfile {
  const mod = readGoMod(text, path)
  const sumText = readSibling("go.sum")
  const sums = readGoSum(sumText ?? "", besideOf(path, "go.sum"))
  const warnings: string[] = []
  if (sumText === undefined && mod.requirements.length > 0)
    warnings.push("no go.sum beside it: nothing is held to a hash")
  const taken = new Set<string>()
  const root = uniqueKey(mod.module, taken)
  const edges = createEdges(path)
  const dependencies: Dependency[] = []
  const lines = new Map<string, number>()
  const required = selectVersions(mod.requirements)
  const replacements = byModule(mod.replacements)
  const workspace = readGoWorkspace(path, readSibling)
  const more = isComplete(mod) ? [] : findUnlisted(required, sums)
  for (const requirement of [...required.values(), ...more]) {
    const { path: name, version, indirect, line } = requirement
    const replacement = replacements.get(`${name}@${version}`) ?? replacements.get(`${name}@`)
    const entry = createModule(requirement, replacement, path, sums, taken)
    dependencies.push(entry)
    lines.set(entry.key, replacement?.line ?? line)
    if (!indirect) edges.add(root, entry.key, `>=${version}`)
    // In the workspace the build takes this one, without it (GOWORK=off) the other: both are vetted.
    for (const { file, replacements } of workspace?.sets ?? []) {
      const instead = replacements.get(`${name}@${version}`) ?? replacements.get(`${name}@`)
      if (instead !== undefined) dependencies.push(createModule(requirement, instead, file, sums, taken))
    }
  }
  if (more.length > 0)
    warnings.push(`${countOf(more.length, "module")} from go.sum: before Go 1.17 go.mod does not list them all`)
  if (workspace !== undefined) {
    warnings.push("a go.work is in use: builds in the workspace may take newer versions than this go.mod requires")
    const { unread } = workspace
    if (unread > 0)
      warnings.push(`${countOf(unread, "module")} of go.work not in the repository: what they replace is not known`)
  }
  return {
    path,
    format: "go.mod",
    formatVersion: mod.go,
    dependencies,
    edges: edges.list,
    roots: [{ key: root, name: mod.module }],
    warnings,
    lineOf: (key) => lines.get(key) ?? 1,
  }
}

/** One requirement a module: the highest, as minimal version selection takes it; direct where one of them is. */
function selectVersions(requirements: readonly GoRequirement[]): Map<string, GoRequirement> {
  const selected = new Map<string, GoRequirement>()
  for (const requirement of requirements) {
    const before = selected.get(requirement.path)
    if (before === undefined) selected.set(requirement.path, requirement)
    else {
      const newer = compareVersions("golang", requirement.version, before.version) > 0 ? requirement : before
      selected.set(requirement.path, { ...newer, indirect: before.indirect && requirement.indirect })
    }
  }
  return selected
}

/** The module that is really taken: the replacement, under the name of what it replaces. */
function createModule(
  { path: name, version, indirect }: GoRequirement,
  replacement: GoReplacement | undefined,
  file: string,
  sums: ReadonlyMap<string, string>,
  taken: Set<string>,
): Dependency {
  const source: PackageSource = { kind: "registry", origin: "default" }
  const direct = !indirect
  if (replacement === undefined) {
    const integrity = hashOf(sums, name, version)
    return createEntry({ ecosystem: "golang", name, version, source, integrity, direct }, taken)
  }
  const { target, targetVersion } = replacement
  if (targetVersion === "") {
    return createEntry({ ecosystem: "golang", name, version, source: localSource(file, target), direct }, taken)
  }
  const integrity = hashOf(sums, target, targetVersion)
  const entry = createEntry(
    { ecosystem: "golang", name: target, version: targetVersion, source, integrity, direct },
    taken,
  )
  return target === name ? entry : { ...entry, alias: name }
}

function hashOf(sums: ReadonlyMap<string, string>, path: string, version: string): string[] {
  const sum = sums.get(`${path}@${version}`)
  return sum === undefined ? [] : [sum]
}

/** Since 1.17 go.mod names all modules of the build (https://go.dev/ref/mod#graph-pruning). */
function isComplete(mod: GoMod): boolean {
  const [major = 1, minor = 16] = (mod.go === "" ? "1.16" : mod.go).split(".").map((part) => Number.parseInt(part, 10))
  return major > 1 || minor >= 17
}

/** The newest version in go.sum of each module that go.mod does not list, and newer ones of those that it does. */
function findUnlisted(
  required: ReadonlyMap<string, GoRequirement>,
  sums: ReadonlyMap<string, string>,
): GoRequirement[] {
  const newest = new Map<string, string>()
  for (const key of sums.keys()) {
    const at = key.lastIndexOf("@")
    const [path, version] = [key.slice(0, at), key.slice(at + 1)]
    const before = newest.get(path)
    if (before === undefined || compareVersions("golang", version, before) > 0) newest.set(path, version)
  }
  const more: GoRequirement[] = []
  for (const [path, version] of newest) {
    const listed = required.get(path)
    if (listed === undefined || compareVersions("golang", version, listed.version) > 0) {
      more.push({ path, version, indirect: true, line: 1 })
    }
  }
  return more
}

/** Hashes of archives by `path@version` (https://go.dev/ref/mod#go-sum-files). Two different ones for one archive are an error, as for `go`. */
function readGoSum(text: string, file: string): Map<string, string> {
  const sums = new Map<string, string>()
  for (const [index, raw] of text.split("\n").entries()) {
    const fields = raw.trim().split(/\s+/)
    if (fields.length === 1 && fields[0] === "") continue
    const [path = "", version = "", hash = ""] = fields
    const where = { file, line: index + 1 }
    const plain = version.replace(/\/go\.mod$/, "")
    if (fields.length !== 3 || !isValidVersion("golang", plain)) {
      throw lockfileError("not a module, a version and a hash", where, "repair this line, or run `go mod tidy`")
    }
    // Hashes of other kinds are kept by `go` for later versions of itself.
    if (plain !== version || !hash.startsWith("h1:")) continue
    if (!/^h1:[A-Za-z0-9+/]{43}=$/.test(hash)) throw lockfileError("not an h1 hash", where, "run `go mod tidy`")
    const key = `${path}@${version}`
    const sum = `h1-${hash.slice(3)}`
    if (sums.has(key) && sums.get(key) !== sum) {
      throw lockfileError(
        `two different hashes for ${quote(key)}`,
        where,
        "find out who changed go.sum, then run `go mod tidy`",
      )
    }
    sums.set(key, sum)
  }
  return sums
}
