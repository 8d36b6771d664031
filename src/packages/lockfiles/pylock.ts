// pylock.toml (the pylock.toml specification, PEP 751), lock version 1.
import type { PackageSource } from "../../policy/types.ts"
import type { Dependency, Lockfile, ReadSibling } from "../types.ts"
import { type Artifacts, checkArtifacts } from "./artifacts.ts"
import { createEntry } from "./entries.ts"
import { lockfileError, quote } from "./failure.ts"
import { sriOfHex } from "./hashes.ts"
import { fieldOf, type Item, itemOf, itemsOf, optionalText, tableOf, textsOf, wrong } from "./item.ts"
import { pythonOrigin, webAddress, withoutCredentials } from "./origins.ts"
import { localSource } from "./places.ts"
import { readPyproject } from "./pyproject.ts"
import { linkPython, pythonName, pythonVersion, type Wish } from "./python.ts"
import { createTableLines, parseToml } from "./toml.ts"

/**
 * Reads pylock.toml. Edges are optional in the format; where an entry has none, pyproject.toml beside it still says what is direct. For
 * development is what its marker admits only for dependency groups that are not default ones.
 */
export async function parsePylock(text: string, path: string, readSibling: ReadSibling): Promise<Lockfile> {
  const document = itemOf(await parseToml(text, path), "the file", { file: path, line: () => 1 })
  const formatVersion = optionalText(document, "lock-version") ?? ""
  if (!/^1\.[0-9]+$/.test(formatVersion)) {
    const shown = formatVersion === "" ? "without a lock version" : `of version ${quote(formatVersion)}`
    throw lockfileError(`a pylock.toml ${shown}; nanoguard reads 1.x`, { file: path, line: 1 }, "export it again")
  }
  const lineAt = createTableLines(text, "packages")
  const defaultGroups = textsOf(document, "default-groups")
  const taken = new Set<string>()
  const packages: { item: Item; entry: Dependency }[] = []
  for (const [index, value] of itemsOf(document, "packages").entries()) {
    const item = { ...value, line: () => lineAt(index) }
    const name = pythonName(item)
    const stated = optionalText(item, "version")
    const version = stated === undefined ? "" : pythonVersion(item, stated)
    const source = await readSource(item, path)
    if (version === "" && source.kind === "registry") throw wrong(item, 'an entry without "version"')
    const dev = isForDevelopment(optionalText(item, "marker") ?? "", defaultGroups)
    packages.push({
      item,
      entry: createEntry({ ecosystem: "pypi", name, version, source, integrity: integrityOf(item), dev }, taken),
    })
  }
  const dependencies = packages.map((one) => one.entry)
  const warnings: string[] = []
  const items = new Map(packages.map((one) => [one.entry, one.item]))
  const artifacts = packages.map(({ item, entry }): Artifacts => ({ entry, urls: urlsOf(item) }))
  checkArtifacts(artifacts, (entry) => webAddress(optionalText(items.get(entry)!, "index") ?? ""), warnings)
  const wishes = packages.flatMap(({ item, entry }) =>
    itemsOf(item, "dependencies").map((wanted) => wishOf(wanted, entry.key)),
  )
  const project = await readPyproject(readSibling, path)
  const linked = linkPython({ path, dependencies, wishes, project, taken, warnings }, false)
  const indexOfKey = new Map(packages.map((one, index) => [one.entry.key, index]))
  const lineOf = (key: string): number => lineAt(indexOfKey.get(key))
  return { path, format: "pylock.toml", formatVersion, dependencies, ...linked, warnings, lineOf }
}

async function readSource(item: Item, path: string): Promise<PackageSource> {
  const kinds = [["vcs"], ["directory"], ["archive"], ["sdist", "wheels"]]
  if (kinds.filter((kind) => kind.some((key) => fieldOf(item, key) !== undefined)).length > 1)
    throw wrong(item, "an entry with several sources, which the format does not allow")
  if (fieldOf(item, "vcs") !== undefined) {
    const vcs = tableOf(item, "vcs")
    return { kind: "git", url: withoutCredentials(optionalText(vcs, "url") ?? optionalText(vcs, "path") ?? "") }
  }
  if (fieldOf(item, "directory") !== undefined) {
    return localSource(path, optionalText(tableOf(item, "directory"), "path") ?? "")
  }
  if (fieldOf(item, "archive") !== undefined) {
    const archive = tableOf(item, "archive")
    const url = optionalText(archive, "url")
    return url === undefined
      ? { kind: "file", path: optionalText(archive, "path") ?? "" }
      : { kind: "url", url: withoutCredentials(url) }
  }
  const index = optionalText(item, "index")
  if (index === undefined) return { kind: "registry", origin: "default" }
  const origin = await pythonOrigin(index)
  return origin === undefined ? { kind: "url", url: withoutCredentials(index) } : { kind: "registry", origin }
}

function filesOf(item: Item): Item[] {
  const single = ["sdist", "archive"].filter((key) => fieldOf(item, key) !== undefined).map((key) => tableOf(item, key))
  return [...single, ...itemsOf(item, "wheels")]
}

function urlsOf(item: Item): string[] {
  return filesOf(item).flatMap((file) => optionalText(file, "url") ?? [])
}

/** All hashes of all files, of the strongest algorithm that each states; none where one file has none. */
function integrityOf(item: Item): string[] {
  const hashes = filesOf(item).map((file) => {
    const table = tableOf(file, "hashes")
    const usual = ["sha512", "sha384", "sha256", "blake2b", "sha1", "md5"]
    const all = usual.flatMap((algorithm) => sriOfHex(algorithm, optionalText(table, algorithm) ?? "") ?? [])
    return all[0]
  })
  return hashes.every((hash) => hash !== undefined) ? [...new Set(hashes)] : []
}

/** The marker is nothing but `"x" in dependency_groups`, alone or several joined by `or`, and none of these groups is a default one. */
function isForDevelopment(marker: string, defaultGroups: readonly string[]): boolean {
  const parts = marker
    .slice(0, 2000)
    .replace(/^\(([^()]*)\)$/, "$1")
    .split(/\s+or\s+/)
  return parts.every((part) => {
    const group = /^\(?\s*(['"])([A-Za-z0-9._-]+)\1\s+in\s+dependency_groups\s*\)?$/.exec(part.trim())?.[2]
    return group !== undefined && !defaultGroups.includes(group)
  })
}

function wishOf(wanted: Item, from: string): Wish {
  const version = optionalText(wanted, "version")
  return { from, name: pythonName(wanted), range: version === undefined ? "" : `==${version}` }
}
