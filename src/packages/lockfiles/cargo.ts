// Cargo.lock, versions 1 to 4 (cargo's src/cargo/core/resolver/encode.rs describes them).
import type { Dependency, Lockfile, ReadSibling } from "../types.ts"
import { isValidVersion, satisfies } from "../versions.ts"
import { type CargoManifest, readCargoManifests } from "./cargoManifest.ts"
import { createEdges, createEntry, markDirect, reachFrom } from "./entries.ts"
import { lockfileError, quote } from "./failure.ts"
import { sriOfHex } from "./hashes.ts"
import { fieldOf, type Item, itemOf, itemsOf, optionalText, tableOf, textOf, textsOf, wrong } from "./item.ts"
import { cargoSource } from "./origins.ts"
import { createTableLines, parseToml } from "./toml.ts"

interface Package {
  item: Item
  entry: Dependency
  /** `source` as written; "" for the workspace's own crates. */
  source: string
}

/** A crate name: Unicode letters and digits, `-` and `_` (registries admit ASCII only). */
const NAME = /^[\p{L}\p{N}_-]{1,128}$/u

/**
 * Reads Cargo.lock. Packages without a source are the workspace's own crates and those it takes by path: they are the roots. The format does
 * not tell development dependencies; where the Cargo.toml of every root can be read they are told by it, else none
 * is marked and a warning says so.
 */
export async function parseCargoLock(text: string, path: string, readSibling: ReadSibling): Promise<Lockfile> {
  const document = itemOf(await parseToml(text, path), "the file", { file: path, line: () => 1 })
  const lineAt = createTableLines(text, "package")
  const checksums = readOldChecksums(document)
  const taken = new Set<string>()
  const packages: Package[] = []
  for (const [index, value] of itemsOf(document, "package").entries()) {
    packages.push(await readPackage({ ...value, line: () => lineAt(index) }, checksums, taken))
  }
  // Before 2017 the root stood in a table of its own.
  if (fieldOf(document, "root") !== undefined)
    packages.push(await readPackage(tableOf(document, "root"), checksums, taken))
  refuseTwins(packages)

  const formatVersion = versionOf(document, packages, path)
  const own = packages.filter((one) => one.source === "")
  const dependencies = packages.filter((one) => one.source !== "").map((one) => one.entry)
  const roots = own.map(({ entry }) => ({ key: entry.key, name: entry.name }))
  const manifests = await readCargoManifests(readSibling, path)
  const warnings: string[] = []
  const { edges, devEdges } = linkPackages(packages, manifests, path)
  if (roots.length > 0 && roots.every((root) => manifests.has(root.name))) {
    const keys = roots.map((root) => root.key)
    const used = edges.filter((edge) => !devEdges.has(edge))
    const [product, all] = [reachFrom(keys, used), reachFrom(keys, edges)]
    for (const entry of dependencies) entry.dev = all.has(entry.key) && !product.has(entry.key)
  } else if (dependencies.length > 0) {
    warnings.push(
      "development dependencies cannot be told apart: not every crate of the workspace has a Cargo.toml that was found",
    )
  }
  markDirect({ dependencies, edges, roots })
  const indexOfKey = new Map(packages.map((one, index) => [one.entry.key, index]))
  const lineOf = (key: string): number => lineAt(indexOfKey.get(key))
  return { path, format: "Cargo.lock", formatVersion, dependencies, edges, roots, warnings, lineOf }
}

async function readPackage(item: Item, checksums: ReadonlyMap<string, string>, taken: Set<string>): Promise<Package> {
  const name = textOf(item, "name")
  const version = textOf(item, "version")
  if (!NAME.test(name)) throw wrong(item, `${quote(name)} is not a crate name`)
  if (!isValidVersion("cargo", version)) throw wrong(item, `${quote(version)} is not a version`)
  const stated = optionalText(item, "source") ?? ""
  const source = stated === "" ? ({ kind: "workspace", path: "" } as const) : await cargoSource(stated)
  if (source === undefined) {
    throw wrong(
      item,
      "a source that nanoguard does not know",
      "check for a newer nanoguard, or run `cargo generate-lockfile`",
    )
  }
  const checksum = optionalText(item, "checksum") ?? checksums.get(`${name} ${version} (${stated})`)
  const sri = checksum === undefined ? undefined : sriOfHex("sha256", checksum)
  if (checksum !== undefined && sri === undefined && checksum !== "<none>")
    throw wrong(item, `${quote(checksum)} is not a SHA-256`)
  const integrity = sri === undefined ? [] : [sri]
  return { item, source: stated, entry: createEntry({ ecosystem: "cargo", name, version, source, integrity }, taken) }
}

/** Version 1 keeps checksums in one table: `"checksum serde 1.0.0 (registry+...)" = "<hex>"`. */
function readOldChecksums(document: Item): Map<string, string> {
  const metadata = tableOf(document, "metadata")
  const checksums = new Map<string, string>()
  for (const key of Object.keys(metadata.fields)) {
    if (key.startsWith("checksum ")) checksums.set(key.slice("checksum ".length), textOf(metadata, key))
  }
  return checksums
}

function refuseTwins(packages: readonly Package[]): void {
  const seen = new Set<string>()
  for (const { item, entry, source } of packages) {
    const identity = `${entry.name}\n${entry.version}\n${source}`
    if (seen.has(identity)) throw wrong(item, `${quote(entry.name)} ${entry.version} stands twice from the same source`)
    seen.add(identity)
  }
}

function versionOf(document: Item, packages: readonly Package[], path: string): string {
  const version = fieldOf(document, "version")
  if (version === undefined) return packages.some((one) => fieldOf(one.item, "checksum") !== undefined) ? "2" : "1"
  if (version === 3 || version === 4) return String(version)
  const hint = "check for a newer nanoguard, or lock with Cargo 1.78 or newer"
  throw lockfileError(
    "a Cargo.lock of a version that nanoguard does not know; it reads 1 to 4",
    { file: path, line: 1 },
    hint,
  )
}

/** Edges, those of the workspace's crates with the requirement of their Cargo.toml, and which of them are for development only. */
function linkPackages(packages: readonly Package[], manifests: ReadonlyMap<string, CargoManifest>, path: string) {
  const index = indexPackages(packages)
  const edges = createEdges(path)
  const devEdges = new Set<(typeof edges.list)[number]>()
  for (const one of packages) {
    const manifest = one.source === "" ? manifests.get(one.entry.name) : undefined
    for (const text of textsOf(one.item, "dependencies")) {
      const target = index.get(text)
      if (target === undefined) {
        const hint = "the file is cut off or was edited: run `cargo generate-lockfile`"
        throw wrong(
          one.item,
          `${quote(one.entry.name)} depends on ${quote(text)}, which the file does not have exactly once`,
          hint,
        )
      }
      const { name } = target.entry
      const main = rangeFor(manifest?.main.get(name), target.entry.version)
      const range = main ?? rangeFor(manifest?.dev.get(name), target.entry.version)
      const before = edges.list.length
      edges.add(one.entry.key, target.entry.key, range ?? "")
      if (manifest !== undefined && main === undefined && range !== undefined && edges.list.length > before) {
        devEdges.add(edges.list.at(-1)!)
      }
    }
  }
  return { edges: edges.list, devEdges }
}

/**
 * Packages by the three spellings of a dependency: `name` and `name version` where that is enough to tell them apart (a crate of the
 * workspace goes before one of the same version from elsewhere), and `name version (source)`.
 */
function indexPackages(packages: readonly Package[]): Map<string, Package | undefined> {
  const index = new Map<string, Package | undefined>()
  for (const one of packages) {
    const { name, version } = one.entry
    index.set(name, index.has(name) ? undefined : one)
    const versioned = `${name} ${version}`
    const other = index.get(versioned)
    const first = !index.has(versioned) || one.source === ""
    index.set(versioned, first ? one : other?.source === "" ? other : undefined)
    index.set(`${versioned} (${one.source})`, one)
  }
  return index
}

/** Of several requirements on one crate (under different names) the one that this version meets. */
function rangeFor(ranges: readonly string[] | undefined, version: string): string | undefined {
  if (ranges === undefined) return undefined
  return (
    ranges.find((range) => range !== "" && satisfies("cargo", version, range)) ?? (ranges.includes("") ? "" : undefined)
  )
}
