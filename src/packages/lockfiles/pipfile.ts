// Pipfile.lock (pipfile-spec 6), with the Pipfile beside it.
import type { PackageSource } from "../../policy/types.ts"
import { normalisePythonName } from "../purl.ts"
import type { Dependency, Lockfile, ReadSibling } from "../types.ts"
import { countOf, createEdges, createEntry, groupByName, markDirect, uniqueKey } from "./entries.ts"
import { lockfileError, quote } from "./failure.ts"
import { fieldOf, type Item, isTable, itemOf, itemsOf, optionalText, tableOf, textOf, textsOf, wrong } from "./item.ts"
import { parseJson } from "./json.ts"
import { linesOfKeys } from "./jsonLines.ts"
import { pythonOrigin, withoutCredentials } from "./origins.ts"
import { isPythonName, pinnedVersion } from "./pep508.ts"
import { besideOf, localSource } from "./places.ts"
import { integrityOf, pythonVersion } from "./python.ts"
import { parseToml } from "./toml.ts"

/** Sections that are no packages. Every other one is a category; all but `default` are for development or for jobs of their own. */
const NO_CATEGORY = "_meta"

/**
 * Reads Pipfile.lock. It keeps no edges; what is direct says the Pipfile beside it, and without one every entry counts as direct.
 * A package in `default` is not for development, whatever other categories repeat it; only `develop` is.
 */
export async function parsePipfileLock(text: string, path: string, readSibling: ReadSibling): Promise<Lockfile> {
  const lines = linesOfKeys(text)
  const document = itemOf(await parseJson(text, path), "the file", { file: path, line: () => 1 })
  const meta = tableOf(document, NO_CATEGORY)
  const spec = fieldOf(meta, "pipfile-spec")
  if (spec !== 6) {
    throw lockfileError(
      "a Pipfile.lock that is not of pipfile-spec 6",
      { file: path, line: 1 },
      "lock with Pipenv 2018 or newer",
    )
  }
  const sources = await readSources(meta)
  const taken = new Set<string>()
  const byIdentity = new Map<string, Dependency>()
  const lineOfKey = new Map<string, () => number>()
  for (const category of Object.keys(document.fields)) {
    if (category === NO_CATEGORY) continue
    const section = tableOf(document, category)
    for (const [stated, value] of Object.entries(section.fields)) {
      const place = { file: path, line: () => lines(category, stated) }
      if (!isPythonName(stated)) throw wrong(place, `${quote(stated)} is not a package name`)
      const item = itemOf(value, "an entry", place)
      const created = readEntry(item, normalisePythonName(stated), path, sources)
      const identity = JSON.stringify([created.name, created.version, created.source, created.integrity])
      const before = byIdentity.get(identity)
      if (before !== undefined) before.dev &&= category === "develop"
      else {
        const entry = createEntry({ ...created, dev: category === "develop" }, taken)
        byIdentity.set(identity, entry)
        lineOfKey.set(entry.key, place.line)
      }
    }
  }
  const dependencies = [...byIdentity.values()]
  const root = uniqueKey(".", taken)
  const roots = [{ key: root, name: "." }]
  const edges = createEdges(path)
  const wanted = await readPipfile(readSibling, path)
  const byName = groupByName(dependencies)
  // Pipenv does not resolve what a marker excludes on the machine that locks, and writes its range down instead.
  const unpinned = dependencies.filter((entry) => entry.version === "" && entry.source.kind === "registry").length
  const warnings =
    unpinned > 0
      ? [`${countOf(unpinned, "entry", "entries")} without an exact version: which one is installed is not known`]
      : []
  for (const { key } of wanted === undefined ? dependencies : []) edges.add(root, key, "")
  for (const [name, range] of wanted ?? []) {
    for (const entry of byName.get(name) ?? []) edges.add(root, entry.key, range)
  }
  markDirect({ dependencies, edges: edges.list, roots })
  const lineOf = (key: string): number => lineOfKey.get(key)?.() ?? 1
  return {
    path,
    format: "Pipfile.lock",
    formatVersion: "6",
    dependencies,
    edges: edges.list,
    roots,
    warnings,
    lineOf,
  }
}

function readEntry(item: Item, name: string, path: string, sources: ReadonlyMap<string, PackageSource>) {
  const range = optionalText(item, "version") ?? ""
  const version = pinnedVersion(range)
  const source = readSource(item, path, sources)
  return {
    ecosystem: "pypi" as const,
    name,
    version: version === "" ? "" : pythonVersion(item, version),
    source,
    integrity: integrityOf(textsOf(item, "hashes")),
  }
}

function readSource(item: Item, path: string, sources: ReadonlyMap<string, PackageSource>): PackageSource {
  for (const vcs of ["git", "hg", "svn", "bzr"]) {
    const url = optionalText(item, vcs)
    if (url !== undefined) return { kind: "git", url: withoutCredentials(url) }
  }
  const file = optionalText(item, "file")
  if (file !== undefined) {
    return /^https?:/i.test(file) ? { kind: "url", url: withoutCredentials(file) } : { kind: "file", path: file }
  }
  const local = optionalText(item, "path")
  if (local !== undefined) return localSource(path, local)
  // Pipenv takes an entry without an index from the first source.
  const index = optionalText(item, "index")
  const source = index === undefined ? [...sources.values()][0] : sources.get(index)
  if (source === undefined && index !== undefined)
    throw wrong(item, `the index ${quote(index)} is not one of the sources`)
  return source ?? { kind: "registry", origin: "default" }
}

async function readSources(meta: Item): Promise<Map<string, PackageSource>> {
  const sources = new Map<string, PackageSource>()
  for (const source of itemsOf(meta, "sources")) {
    const url = textOf(source, "url")
    const origin = await pythonOrigin(url)
    const where =
      origin === undefined
        ? { kind: "url" as const, url: withoutCredentials(url) }
        : { kind: "registry" as const, origin }
    const name = optionalText(source, "name") ?? url
    if (sources.has(name)) throw wrong(source, `the source ${quote(name)} stands twice`, "keep one of them")
    sources.set(name, where)
  }
  return sources
}

/** Names with their ranges from the Pipfile; undefined where there is none. */
async function readPipfile(readSibling: ReadSibling, lockfile: string): Promise<Map<string, string> | undefined> {
  const text = readSibling("Pipfile")
  if (text === undefined) return undefined
  const file = besideOf(lockfile, "Pipfile")
  const document = itemOf(await parseToml(text, file), "Pipfile", { file, line: () => 1 })
  const wanted = new Map<string, string>()
  for (const [category, section] of Object.entries(document.fields)) {
    // Every table but these is a category of packages.
    if (["source", "requires", "scripts", "pipenv"].includes(category) || !isTable(section)) continue
    for (const [name, value] of Object.entries(section)) {
      const range = isTable(value) ? value.version : value
      wanted.set(normalisePythonName(name), typeof range === "string" && range !== "*" ? range : "")
    }
  }
  return wanted
}
