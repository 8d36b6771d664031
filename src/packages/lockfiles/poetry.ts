// poetry.lock, lock versions 1.x and 2.x (Poetry 1.0 and later).
import type { PackageSource } from "../../policy/types.ts"
import { normalisePythonName } from "../purl.ts"
import type { Dependency, Lockfile, ReadSibling } from "../types.ts"
import { createEntry } from "./entries.ts"
import { lockfileError, quote } from "./failure.ts"
import {
  fieldOf,
  flagOf,
  type Item,
  isTable,
  itemOf,
  itemsOf,
  optionalText,
  tableOf,
  textOf,
  textsOf,
  wrong,
} from "./item.ts"
import { pythonOrigin, withoutCredentials } from "./origins.ts"
import { localSource } from "./places.ts"
import { readPyproject } from "./pyproject.ts"
import { integrityOf, linkPython, pythonName, pythonVersion, type Wish } from "./python.ts"
import { createTableLines, parseToml } from "./toml.ts"

/**
 * Reads poetry.lock. What is direct says pyproject.toml beside it. For development are groups other than `main` (lock 2.1),
 * the category `dev` (before 1.5), and in between what the main dependencies of pyproject.toml do not reach.
 */
export async function parsePoetryLock(text: string, path: string, readSibling: ReadSibling): Promise<Lockfile> {
  const document = itemOf(await parseToml(text, path), "the file", { file: path, line: () => 1 })
  const metadata = tableOf(document, "metadata")
  const formatVersion = optionalText(metadata, "lock-version") ?? ""
  if (!/^[12]\.[0-9]+$/.test(formatVersion)) {
    const shown = formatVersion === "" ? "without a lock version" : `of version ${quote(formatVersion)}`
    throw lockfileError(
      `a poetry.lock ${shown}; nanoguard reads 1.x and 2.x`,
      { file: path, line: 1 },
      "lock with Poetry 1.8 or 2",
    )
  }
  const lineAt = createTableLines(text, "package")
  const oldFiles = readOldFiles(metadata)
  const taken = new Set<string>()
  const dependencies: Dependency[] = []
  const wishes: Wish[] = []
  const indexOfKey = new Map<string, number>()
  let saysDev = false
  for (const [index, value] of itemsOf(document, "package").entries()) {
    const item = { ...value, line: () => lineAt(index) }
    const dev = developmentOf(item)
    saysDev ||= dev !== undefined
    const name = pythonName(item)
    const version = pythonVersion(item, textOf(item, "version"))
    const source = await readSource(item, path)
    const integrity = integrityOf(hashesOf(item, oldFiles, version))
    const optional = flagOf(item, "optional")
    const entry = createEntry(
      { ecosystem: "pypi", name, version, source, integrity, dev: dev ?? false, optional },
      taken,
    )
    dependencies.push(entry)
    indexOfKey.set(entry.key, index)
    for (const wish of wishesOf(item, entry.key)) wishes.push(wish)
  }
  const warnings: string[] = []
  const project = await readPyproject(readSibling, path)
  const linked = linkPython({ path, dependencies, wishes, project, taken, warnings }, !saysDev)
  const lineOf = (key: string): number => lineAt(indexOfKey.get(key))
  return { path, format: "poetry.lock", formatVersion, dependencies, ...linked, warnings, lineOf }
}

/** True or false where the entry says it; undefined where the lock version does not. */
function developmentOf(item: Item): boolean | undefined {
  if (fieldOf(item, "groups") !== undefined) return !textsOf(item, "groups").includes("main")
  const category = optionalText(item, "category")
  return category === undefined ? undefined : category === "dev"
}

async function readSource(item: Item, path: string): Promise<PackageSource> {
  const source = tableOf(item, "source")
  const type = optionalText(source, "type")
  // No table: the ecosystem's own index.
  if (fieldOf(item, "source") === undefined) return { kind: "registry", origin: "default" }
  const url = textOf(source, "url")
  switch (type) {
    case "legacy": {
      const origin = await pythonOrigin(url)
      return origin === undefined ? { kind: "url", url: withoutCredentials(url) } : { kind: "registry", origin }
    }
    case "git":
      return { kind: "git", url: withoutCredentials(url) }
    case "url":
      return { kind: "url", url: withoutCredentials(url) }
    case "file":
      return { kind: "file", path: url }
    case "directory":
      return localSource(path, url)
  }
  throw wrong(item, `a source of type ${quote(type ?? "")}`, "check for a newer nanoguard, or lock again")
}

function readOldFiles(metadata: Item): Map<string, Item[]> {
  const table = tableOf(metadata, "files")
  return new Map(Object.keys(table.fields).map((name) => [normalisePythonName(name), itemsOf(table, name)]))
}

/** Lock 2.x keeps the files beside each package, 1.x in one table by name for all its versions. */
function hashesOf(item: Item, oldFiles: ReadonlyMap<string, Item[]>, version: string): (string | undefined)[] {
  if (fieldOf(item, "files") !== undefined) return itemsOf(item, "files").map((file) => optionalText(file, "hash"))
  const listed = oldFiles.get(pythonName(item)) ?? []
  const own = listed.filter((file) => isFileOf(textOf(file, "file"), version))
  return (own.length > 0 ? own : listed).map((file) => optionalText(file, "hash"))
}

/** Whether a version ends where it stands in a file's name: at the next part of a wheel's, or at an archive's ending. */
function isFileOf(file: string, version: string): boolean {
  const parts = file.split(`-${version}`)
  return parts.slice(1).some((rest) => /^(-|\.(whl|zip|egg|exe|tgz|tar\.\w+)$)/.test(rest))
}

function wishesOf(item: Item, from: string): Wish[] {
  return Object.entries(tableOf(item, "dependencies").fields).flatMap(([key, value]) => {
    const name = normalisePythonName(key)
    // One constraint, or several of them under different markers.
    return (Array.isArray(value) ? value : [value]).map((constraint) => {
      const range = isTable(constraint) ? constraint.version : constraint
      return { from, name, range: typeof range === "string" && range !== "*" ? range : "" }
    })
  })
}
