// The "packages" of lockfile versions 2 and 3: one flat object, keyed by where each package lies.
import { posix } from "node:path"
import type { Dependency } from "../types.ts"
import { isObject, type JsonObject } from "./json.ts"
import { nameOf } from "./manifest.ts"
import { newNotes } from "./notes.ts"
import { npmDependency } from "./npmEntry.ts"
import { assertPlain } from "./npmNames.ts"
import { directPaths, type Fail, type NpmTree, resolver } from "./npmTree.ts"

const MODULES = "node_modules/"

/** Reads "packages": installed packages, local directories and the links to them. Workspaces become roots, not dependencies. */
export function readPackages(packages: JsonObject, projectName: string, fail: Fail): NpmTree {
  const entries = new Map<string, JsonObject>()
  const links = new Map<string, string>()
  const names = new Map<string, string>() // of local directories, by the links to them
  for (const key in packages) {
    const entry = packages[key]
    if (!isObject(entry)) throw fail(key, "an entry has to be an object")
    if (entry["link"] !== true) {
      entries.set(key, entry)
      continue
    }
    const target = entry["resolved"]
    if (typeof target !== "string") throw fail(key, 'a link has to say in "resolved" where it leads')
    links.set(key, target)
    const name = installedName(key)
    if (name !== undefined && !names.has(target)) names.set(target, name)
  }
  const root = entries.get("") ?? {}
  const roots = [{ key: "", name: nameOf(root, projectName) }]
  const isWorkspace = workspaceTest(root, entries, links, names)
  for (const [target, name] of names) {
    if (entries.has(target) && isWorkspace(target)) roots.push({ key: target, name: nameOf(entries.get(target), name) })
  }
  const tree: NpmTree = {
    dependencies: [],
    roots,
    notes: newNotes(),
    entries,
    links,
    resolve: resolver({ entries, links }),
  }
  const direct = directPaths(tree)
  const isRoot = new Set(roots.map((item) => item.key))
  const withBelow = parentsOf(entries)
  for (const [key, entry] of entries) {
    if (isRoot.has(key)) continue
    const name = installedName(key)
    if (name === "") throw fail(key, "an entry has no name")
    const dependency =
      name === undefined
        ? localDependency(key, entry, names.get(key) ?? posix.basename(key), fail)
        : npmDependency({ key, name, entry, bundled: isBundled(entries, key, entry) }, tree.notes, fail)
    if (name !== undefined) assertPlain(key, dependency, fail)
    // npm takes any value that is not empty for yes, and the name that package.json has for it as well.
    if (entry["hasShrinkwrap"] || entry["_hasShrinkwrap"]) {
      tree.notes.ownTree.push(key)
      // Nothing of that tree is in the file: what is installed comes from addresses that only the archive names.
      if (!withBelow.has(key)) dependency.source = { kind: "url", url: `npm-shrinkwrap.json in ${key}` }
    }
    dependency.direct = direct.has(key)
    tree.dependencies.push(dependency)
  }
  for (const [key, target] of links) {
    if (entries.has(target)) continue
    const dependency = localDependency(target, {}, installedName(key) ?? posix.basename(key), fail)
    tree.dependencies.push({ ...dependency, key, direct: direct.has(key) })
  }
  return tree
}

/** Paths with a node_modules of their own in the file. */
function parentsOf(entries: ReadonlyMap<string, JsonObject>): Set<string> {
  const parents = new Set<string>()
  for (const key of entries.keys()) {
    const at = key.lastIndexOf(`/${MODULES}`)
    if (at > 0) parents.add(key.slice(0, at))
  }
  return parents
}

/** The name that a path ends in; undefined for a local directory. */
function installedName(key: string): string | undefined {
  const at = key.lastIndexOf(MODULES)
  return at === 0 || (at > 0 && key.charCodeAt(at - 1) === 0x2f) ? key.slice(at + MODULES.length) : undefined
}

/**
 * A linked directory is a workspace where the project has workspaces, it lies inside, and the project does not depend on
 * it by `file:`.
 */
function workspaceTest(
  root: JsonObject,
  entries: ReadonlyMap<string, JsonObject>,
  links: ReadonlyMap<string, string>,
  names: ReadonlyMap<string, string>,
): (target: string) => boolean {
  const byFile = new Set<string>()
  for (const field of ["dependencies", "devDependencies", "optionalDependencies"]) {
    const wanted = root[field]
    if (!isObject(wanted)) continue
    for (const name in wanted) {
      const spec = wanted[name]
      if (typeof spec === "string" && /^(file|link):/.test(spec)) byFile.add(links.get(MODULES + name) ?? "")
    }
  }
  const any = root["workspaces"] !== undefined
  return (target) =>
    any &&
    names.has(target) &&
    entries.has(target) &&
    installedName(target) === undefined &&
    !/^(\.\.|\/|[A-Za-z]:)/.test(target) &&
    !byFile.has(target)
}

function localDependency(path: string, entry: JsonObject, name: string, fail: Fail): Dependency {
  const dependency = npmDependency({ key: path, name, entry, bundled: false }, newNotes(), fail)
  return { ...dependency, source: { kind: "file", path }, integrity: [] }
}

/** A bundled package lies in its parent's archive, and that parent says that it bundles; the entry's own word is not enough. */
function isBundled(entries: ReadonlyMap<string, JsonObject>, key: string, entry: JsonObject): boolean {
  if (entry["inBundle"] !== true || entry["resolved"] !== undefined) return false
  for (let at = key.lastIndexOf(`/${MODULES}`); at > 0; at = key.lastIndexOf(`/${MODULES}`, at - 1)) {
    const above = entries.get(key.slice(0, at))
    const bundles = above?.["bundleDependencies"] ?? above?.["bundledDependencies"]
    if (
      installedName(key.slice(0, at)) !== undefined &&
      (bundles === true || (Array.isArray(bundles) && bundles.length > 0))
    ) {
      return true
    }
  }
  return false
}
