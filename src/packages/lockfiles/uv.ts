// uv.lock (https://docs.astral.sh/uv/concepts/projects/layout/#the-lockfile): version 1, any revision.
import type { PackageSource } from "../../policy/types.ts"
import type { Dependency, Lockfile, ReadSibling } from "../types.ts"
import { type Artifacts, checkArtifacts } from "./artifacts.ts"
import { createEdges, createEntry, markDirect, reachFrom } from "./entries.ts"
import { lockfileError, quote } from "./failure.ts"
import { fieldOf, type Item, itemOf, itemsOf, optionalText, tableOf, textOf, textsOf, wrong } from "./item.ts"
import { pythonOrigin, webAddress, withoutCredentials } from "./origins.ts"
import { localSource } from "./places.ts"
import { integrityOf, pythonName, pythonVersion } from "./python.ts"
import { createTableLines, parseToml } from "./toml.ts"

interface Package {
  item: Item
  entry: Dependency
  /** `source` in one canonical text, to match the edges that state it. */
  sourceText: string
  root: boolean
}

/**
 * Reads uv.lock. Workspace members are the roots; several versions of one package (forks) are several entries. For development is
 * what only dependency groups reach; extras count as the project's own.
 */
export async function parseUvLock(text: string, path: string, _readSibling?: ReadSibling): Promise<Lockfile> {
  const document = itemOf(await parseToml(text, path), "the file", { file: path, line: () => 1 })
  const version = fieldOf(document, "version")
  if (version !== 1) {
    const shown = typeof version === "number" || typeof version === "string" ? quote(String(version)) : "no version"
    throw lockfileError(
      `a uv.lock of ${shown}; nanoguard reads version 1`,
      { file: path, line: 1 },
      "lock with uv 0.4 or newer",
    )
  }
  const lineAt = createTableLines(text, "package")
  const members = new Set(textsOf(tableOf(document, "manifest"), "members"))
  const taken = new Set<string>()
  const packages: Package[] = []
  for (const [index, value] of itemsOf(document, "package").entries()) {
    packages.push(await readPackage({ ...value, line: () => lineAt(index) }, path, members, taken))
  }
  const entries = packages.filter((one) => !one.root)
  const dependencies = entries.map((one) => one.entry)
  const warnings: string[] = []
  checkArtifacts(entries.map(artifactsOf), indexOf(entries), warnings)
  const roots = packages.filter((one) => one.root).map(({ entry }) => ({ key: entry.key, name: entry.name }))
  const { edges, dev } = linkPackages(packages, path)
  for (const entry of dependencies) entry.dev = dev.has(entry.key)
  markDirect({ dependencies, edges, roots })
  const indexOfKey = new Map(packages.map((one, index) => [one.entry.key, index]))
  const lineOf = (key: string): number => lineAt(indexOfKey.get(key))
  const revision = fieldOf(document, "revision")
  const formatVersion = typeof revision === "number" ? `1.${revision}` : "1"
  return { path, format: "uv.lock", formatVersion, dependencies, edges, roots, warnings, lineOf }
}

async function readPackage(
  item: Item,
  path: string,
  members: ReadonlySet<string>,
  taken: Set<string>,
): Promise<Package> {
  const name = pythonName(item)
  // A package that is built from local sources may leave its version to the build.
  const version = optionalText(item, "version")
  const place = tableOf(item, "source")
  const source = await readSource(place, path)
  if (version === undefined && source.kind === "registry") throw wrong(item, 'an entry without "version"')
  const hashes = filesOf(item).map((file) => optionalText(file, "hash"))
  const entry = createEntry(
    {
      ecosystem: "pypi",
      name,
      version: version === undefined ? "" : pythonVersion(item, version),
      source,
      integrity: integrityOf(hashes),
    },
    taken,
  )
  const local = optionalText(place, "editable") ?? optionalText(place, "virtual") ?? optionalText(place, "directory")
  const root =
    local !== undefined && source.kind === "workspace" && (local === "." || members.has(textOf(item, "name")))
  return { item, entry, sourceText: sourceText(place), root }
}

const KINDS = new Set(["registry", "git", "url", "path", "directory", "editable", "virtual"])

async function readSource(place: Item, path: string): Promise<PackageSource> {
  if (Object.keys(place.fields).filter((kind) => KINDS.has(kind)).length > 1)
    throw wrong(place, "an entry with several sources; readers differ in which of them they take")
  for (const kind of Object.keys(place.fields)) {
    switch (kind) {
      case "registry": {
        const index = textOf(place, kind)
        const origin = await pythonOrigin(index)
        return origin === undefined ? { kind: "file", path: withoutCredentials(index) } : { kind: "registry", origin }
      }
      case "git":
        return { kind: "git", url: withoutCredentials(textOf(place, kind)) }
      case "url":
        return { kind: "url", url: withoutCredentials(textOf(place, kind)) }
      case "path":
        return { kind: "file", path: textOf(place, kind) }
      case "directory":
      case "editable":
      case "virtual":
        return localSource(path, textOf(place, kind))
    }
  }
  throw wrong(
    place,
    "an entry with a source that nanoguard does not know",
    "check for a newer nanoguard, or lock again",
  )
}

function sourceText(place: Item): string {
  return JSON.stringify(Object.entries(place.fields).sort(([a], [b]) => (a < b ? -1 : 1)))
}

function filesOf(item: Item): Item[] {
  const sdist = fieldOf(item, "sdist") === undefined ? [] : [tableOf(item, "sdist")]
  return [...sdist, ...itemsOf(item, "wheels")]
}

function artifactsOf({ item, entry }: Package): Artifacts {
  return { entry, urls: filesOf(item).flatMap((file) => optionalText(file, "url") ?? []) }
}

function indexOf(packages: readonly Package[]): (entry: Dependency) => URL | undefined {
  const items = new Map(packages.map((one) => [one.entry, one.item]))
  return (entry) => webAddress(optionalText(tableOf(items.get(entry)!, "source"), "registry") ?? "")
}

/** Edges with the ranges of the members' own metadata, and the keys of what only their dependency groups reach. */
function linkPackages(packages: readonly Package[], path: string) {
  const index = indexPackages(packages)
  const edges = createEdges(path)
  const groupEdges = createEdges(path)
  for (const one of packages) {
    const ranges = rangesOf(one.item)
    const link = (wanted: Item, list: typeof edges): void => {
      const name = pythonName(wanted)
      const source = fieldOf(wanted, "source") === undefined ? "" : sourceText(tableOf(wanted, "source"))
      const found = index.get(identityOf(name, optionalText(wanted, "version") ?? "", source))
      if (found === undefined) {
        const hint = "the file is cut off or was edited: run `uv lock`"
        throw wrong(one.item, `${quote(one.entry.name)} depends on ${quote(name)} as the file does not have it`, hint)
      }
      for (const key of found) list.add(one.entry.key, key, ranges.get(name) ?? "")
    }
    for (const wanted of itemsOf(one.item, "dependencies")) link(wanted, edges)
    for (const wanted of grouped(one.item, "optional-dependencies")) link(wanted, edges)
    for (const wanted of grouped(one.item, "dev-dependencies")) link(wanted, groupEdges)
  }
  const starts = packages.filter((one) => one.root).map((one) => one.entry.key)
  const used = reachFrom(starts, edges.list)
  const all = createEdges(path)
  for (const { from, to, range } of [...edges.list, ...groupEdges.list]) all.add(from, to, range)
  const dev = new Set([...reachFrom(starts, all.list)].filter((key) => !used.has(key)))
  return { edges: all.list, dev }
}

function grouped(item: Item, key: string): Item[] {
  const groups = tableOf(item, key)
  return Object.keys(groups.fields).flatMap((group) => itemsOf(groups, group))
}

/** Keys of the packages by name, and by each of version and source that an edge may add to it. */
function indexPackages(packages: readonly Package[]): Map<string, string[]> {
  const index = new Map<string, string[]>()
  for (const { entry, sourceText: source } of packages) {
    const identities = new Set([
      identityOf(entry.name, "", ""),
      identityOf(entry.name, entry.version, ""),
      identityOf(entry.name, "", source),
      identityOf(entry.name, entry.version, source),
    ])
    for (const identity of identities) {
      const keys = index.get(identity)
      if (keys === undefined) index.set(identity, [entry.key])
      else keys.push(entry.key)
    }
  }
  return index
}

function identityOf(name: string, version: string, source: string): string {
  return `${name}\n${version}\n${source}`
}

function rangesOf(item: Item): Map<string, string> {
  const metadata = tableOf(item, "metadata")
  const ranges = new Map<string, string>()
  for (const wanted of [...itemsOf(metadata, "requires-dist"), ...grouped(metadata, "requires-dev")]) {
    ranges.set(pythonName(wanted), optionalText(wanted, "specifier") ?? "")
  }
  return ranges
}
