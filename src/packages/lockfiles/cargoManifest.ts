// Cargo.toml beside a Cargo.lock: what the workspace's own crates ask for, which Cargo.lock does not keep.
import { posix } from "node:path"
import type { ReadSibling } from "../types.ts"
import { fieldOf, type Item, isTable, itemOf, optionalText, tableOf, textsOf } from "./item.ts"
import { besideOf } from "./places.ts"
import { parseToml } from "./toml.ts"

export interface CargoManifest {
  /** Requirements by crate name (not by the name it is renamed to); several where it is wanted under several names. */
  main: Map<string, string[]>
  dev: Map<string, string[]>
}

/** More crates than this in one workspace are left unread. */
const MAX_MANIFESTS = 500

/** Cargo reads both spellings up to edition 2021, and nothing at all of a manifest of 2024 with the second one. */
const BUILD_TABLES = ["build-dependencies", "build_dependencies"]
const DEV_TABLES = ["dev-dependencies", "dev_dependencies"]

/**
 * The manifests of the workspace by crate name: the one beside the lockfile, the members that it names without wildcards, and the crates that
 * these take by path. Throws where one of them is broken, as Cargo would.
 */
export async function readCargoManifests(
  readSibling: ReadSibling,
  lockfile: string,
): Promise<Map<string, CargoManifest>> {
  const manifests = new Map<string, CargoManifest>()
  const directories = new Set(["."])
  let shared: Item | undefined
  for (const directory of directories) {
    if (directories.size > MAX_MANIFESTS) break
    const beside = posix.join(directory, "Cargo.toml")
    const text = readSibling(beside)
    if (text === undefined) continue
    const file = besideOf(lockfile, beside)
    const document = itemOf(await parseToml(text, file), "Cargo.toml", { file, line: () => 1 })
    const workspace = tableOf(document, "workspace")
    shared ??= tableOf(workspace, "dependencies")
    for (const member of textsOf(workspace, "members")) {
      if (!/[*?[\]{}]/.test(member)) addDirectory(directories, directory, member)
    }
    const manifest: CargoManifest = { main: new Map(), dev: new Map() }
    for (const table of [document, ...tablesIn(tableOf(document, "target"))]) {
      readDependencies(tableOf(table, "dependencies"), manifest.main, shared)
      for (const key of BUILD_TABLES) readDependencies(tableOf(table, key), manifest.main, shared)
      for (const key of DEV_TABLES) readDependencies(tableOf(table, key), manifest.dev, shared)
      for (const key of ["dependencies", ...BUILD_TABLES, ...DEV_TABLES]) {
        for (const wanted of tablesIn(tableOf(table, key))) {
          const path = optionalText(wanted, "path")
          if (path !== undefined) addDirectory(directories, directory, path)
        }
      }
    }
    for (const wanted of tablesIn(shared)) {
      const path = optionalText(wanted, "path")
      if (path !== undefined) addDirectory(directories, ".", path)
    }
    const name = optionalText(tableOf(document, "package"), "name")
    if (name !== undefined && !manifests.has(name)) manifests.set(name, manifest)
  }
  return manifests
}

/** Directories that are listed but absolute are not of this repository. */
function addDirectory(directories: Set<string>, from: string, path: string): void {
  if (!path.startsWith("/") && !/^[a-z]:/i.test(path)) directories.add(posix.join(from, path.replaceAll("\\", "/")))
}

function tablesIn(parent: Item): Item[] {
  return Object.values(parent.fields).flatMap((value) => (isTable(value) ? { ...parent, fields: value } : []))
}

function readDependencies(table: Item, wanted: Map<string, string[]>, shared: Item): void {
  for (const [alias, value] of Object.entries(table.fields)) {
    let described = value
    // `workspace = true` takes the requirement from the workspace's own table.
    if (isTable(value) && value.workspace === true) described = fieldOf(shared, alias)
    const name = isTable(described) && typeof described.package === "string" ? described.package : alias
    const range = isTable(described) ? described.version : described
    const list = wanted.get(name)
    const text = typeof range === "string" ? range : ""
    if (list === undefined) wanted.set(name, [text])
    else list.push(text)
  }
}
