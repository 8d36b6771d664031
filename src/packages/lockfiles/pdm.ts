// pdm.lock, lock versions 3 and 4 (PDM 2).
import type { PackageSource } from "../../policy/types.ts"
import { normalisePythonName } from "../purl.ts"
import type { Dependency, Lockfile, ReadSibling } from "../types.ts"
import { type Artifacts, checkArtifacts } from "./artifacts.ts"
import { createEntry } from "./entries.ts"
import { lockfileError, quote } from "./failure.ts"
import { fieldOf, type Item, isTable, itemOf, itemsOf, optionalText, tableOf, textOf, textsOf, wrong } from "./item.ts"
import { withoutCredentials } from "./origins.ts"
import { parseRequirement } from "./pep508.ts"
import { localSource } from "./places.ts"
import { type PythonProject, readPyproject } from "./pyproject.ts"
import { integrityOf, linkPython, pythonName, pythonVersion, type Wish } from "./python.ts"
import { createTableLines, parseToml } from "./toml.ts"

/**
 * Reads pdm.lock. It names no index, so entries without a source of their own come from whatever PDM is configured for. An entry with extras
 * repeats the package it belongs to; both become one. Which groups are for development says pyproject.toml; without it,
 * only the group `dev` is.
 */
export async function parsePdmLock(text: string, path: string, readSibling: ReadSibling): Promise<Lockfile> {
  const document = itemOf(await parseToml(text, path), "the file", { file: path, line: () => 1 })
  const metadata = tableOf(document, "metadata")
  const formatVersion = optionalText(metadata, "lock_version") ?? ""
  if (!/^[34](\.[0-9]+)*$/.test(formatVersion)) {
    const shown = formatVersion === "" ? "without a lock version" : `of version ${quote(formatVersion)}`
    throw lockfileError(`a pdm.lock ${shown}; nanoguard reads 3 and 4`, { file: path, line: 1 }, "lock with PDM 2")
  }
  const lineAt = createTableLines(text, "package")
  const project = await readPyproject(readSibling, path)
  const oldFiles = readOldFiles(metadata)
  const taken = new Set<string>()
  const dependencies: Dependency[] = []
  const byIdentity = new Map<string, Dependency>()
  const indexOfKey = new Map<string, number>()
  const artifacts: Artifacts[] = []
  const wishes: Wish[] = []
  let saysDev = false
  for (const [index, value] of itemsOf(document, "package").entries()) {
    const item = { ...value, line: () => lineAt(index) }
    const name = pythonName(item)
    const version = pythonVersion(item, textOf(item, "version"))
    const source = readSource(item, path)
    const dev = developmentOf(item, project)
    saysDev ||= dev !== undefined
    const files =
      fieldOf(item, "files") === undefined ? (oldFiles.get(`${name} ${version}`) ?? []) : itemsOf(item, "files")
    const identity = JSON.stringify([name, version, source])
    let entry = byIdentity.get(identity)
    if (entry === undefined || fieldOf(item, "extras") === undefined) {
      const integrity = integrityOf(files.map((file) => optionalText(file, "hash")))
      entry = createEntry({ ecosystem: "pypi", name, version, source, integrity, dev: dev ?? false }, taken)
      dependencies.push(entry)
      byIdentity.set(identity, entry)
      indexOfKey.set(entry.key, index)
    } else {
      entry.dev &&= dev ?? false
      entry.integrity = files.length === 0 ? entry.integrity : mergeHashes(entry, files)
    }
    artifacts.push({ entry, urls: files.flatMap((file) => optionalText(file, "url") ?? []) })
    for (const wish of wishesOf(item, entry)) wishes.push(wish)
  }
  const warnings: string[] = []
  checkArtifacts(artifacts, () => undefined, warnings)
  const linked = linkPython({ path, dependencies, wishes, project, taken, warnings }, !saysDev)
  const lineOf = (key: string): number => lineAt(indexOfKey.get(key))
  return { path, format: "pdm.lock", formatVersion, dependencies, ...linked, warnings, lineOf }
}

function mergeHashes(entry: Dependency, files: readonly Item[]): readonly string[] {
  const more = integrityOf(files.map((file) => optionalText(file, "hash")))
  return entry.integrity.length === 0 || more.length === 0 ? [] : [...new Set([...entry.integrity, ...more])]
}

/** True or false where the entry states its groups (lock 4.4 and later); undefined where it does not. */
function developmentOf(item: Item, project: PythonProject | undefined): boolean | undefined {
  if (fieldOf(item, "groups") === undefined) return undefined
  const development = project?.devGroups ?? new Set(["dev"])
  const groups = textsOf(item, "groups")
  return groups.length > 0 && groups.every((group) => development.has(normalisePythonName(group)))
}

function readSource(item: Item, path: string): PackageSource {
  for (const vcs of ["git", "hg", "svn", "bzr"]) {
    const url = optionalText(item, vcs)
    if (url !== undefined) return { kind: "git", url: withoutCredentials(url) }
  }
  const url = optionalText(item, "url")
  if (url !== undefined) return { kind: "url", url: withoutCredentials(url) }
  const local = optionalText(item, "path")
  if (local === undefined) return { kind: "registry", origin: "default" }
  const isArchive = /\.(whl|zip|tar\.\w+|tgz)$/i.test(local)
  return isArchive ? { kind: "file", path: local } : localSource(path, local)
}

/** Before lock 4.4 the files of all packages stood in one table keyed `name version`. */
function readOldFiles(metadata: Item): Map<string, Item[]> {
  const table = tableOf(metadata, "files")
  return new Map(Object.keys(table.fields).map((key) => [key, itemsOf(table, key)]))
}

function wishesOf(item: Item, entry: Dependency): Wish[] {
  const dependencies = fieldOf(item, "dependencies")
  if (isTable(dependencies)) throw wrong(item, "dependencies in a table, as PDM 1 wrote them", "lock with PDM 2")
  return textsOf(item, "dependencies").flatMap((text) => {
    const requirement = parseRequirement(text)
    if (requirement === undefined) throw wrong(item, `${quote(text)} is not a requirement`)
    // An entry with extras wants the package itself, which it has become.
    return requirement.name === entry.name
      ? []
      : [{ from: entry.key, name: requirement.name, range: requirement.range }]
  })
}
