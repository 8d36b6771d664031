// bun.lock: JSON with comments, one array for each place in node_modules (bun docs, "Lockfile"; the shapes of the arrays are
// those that bun's own writer puts out).
import type { Dependency, Lockfile, LockfileParser } from "../types.ts"
import { bunDependency } from "./bunEntry.ts"
import { lineCounter, lockfileError } from "./failure.ts"
import { classify, type KindEdge } from "./flags.ts"
import { isObject, type JsonObject, parseJson, visitKeys } from "./json.ts"
import { blankComments } from "./jsonc.ts"
import { nameOf, rangesIn } from "./manifest.ts"
import { type Notes, newNotes, warningsOf } from "./notes.ts"

const WRITE_AGAIN = "let bun write it again: `bun install --lockfile-only`"
const NEWEST = 2
const PACKAGE_FIELDS: readonly [string, KindEdge["kind"]][] = [
  ["dependencies", "prod"],
  ["optionalDependencies", "optional"],
  ["peerDependencies", "peer"],
]
const WORKSPACE_FIELDS: readonly [string, KindEdge["kind"]][] = [["devDependencies", "dev"], ...PACKAGE_FIELDS]

/** Reads a bun.lock of version 0, 1 or 2. */
export const parseBunLock: LockfileParser = async (source, path) => {
  const text = blankComments(source, path)
  const lock = await parseJson(text, path)
  const lineOf = lineIndex(text)
  const fail = (key: string, message: string) => lockfileError(message, { file: path, line: lineOf(key) }, WRITE_AGAIN)
  if (!isObject(lock)) throw fail("", "a lockfile has to be an object")
  const version = lock["lockfileVersion"]
  if (typeof version !== "number" || ![0, 1, NEWEST].includes(version)) {
    const message = version === undefined ? "it has no lockfileVersion" : "this lockfileVersion is not known"
    throw fail("\0lockfileVersion", `${message}; nanoguard reads 0 to ${NEWEST}`)
  }
  const { workspaces, packages } = lock
  if (!isObject(workspaces) || !isObject(workspaces[""]))
    throw fail("\0workspaces", '"workspaces" has to be an object with the project in it')
  if (packages !== undefined && !isObject(packages)) throw fail("\0packages", '"packages" has to be an object')
  const notes = newNotes()
  const tree = readTree(workspaces, packages ?? {}, notes, fail)
  classify(tree.dependencies, tree.edges, tree.roots)
  return {
    path,
    format: "bun.lock",
    formatVersion: String(version),
    ...tree,
    warnings: warningsOf(notes),
    lineOf,
  } satisfies Lockfile
}

type Fail = (key: string, message: string) => Error

function readTree(workspaces: JsonObject, packages: JsonObject, notes: Notes, fail: Fail) {
  const found = new Map<string, Dependency>()
  const wants = new Map<string, JsonObject>()
  const workspaceAt = new Map<string, string>() // place in node_modules -> workspace path
  for (const key in packages) {
    const item = packages[key]
    if (!Array.isArray(item) || typeof item[0] !== "string" || key === "")
      throw fail(key, "a package has to be an array that begins with a text")
    const path = /^(?:@[^@/]+\/)?[^@/]+@workspace:(.*)$/s.exec(item[0])?.[1]
    if (path !== undefined && Object.hasOwn(workspaces, path)) {
      workspaceAt.set(key, path)
      continue
    }
    const { dependency, info } = bunDependency(key, lastName(key), item as unknown[], notes, fail)
    found.set(key, dependency)
    wants.set(key, info)
  }
  const roots: { key: string; name: string }[] = []
  const edges: KindEdge[] = []
  const follow = (
    from: string,
    place: string,
    fields: typeof WORKSPACE_FIELDS,
    manifest: JsonObject,
    direct: boolean,
  ) => {
    for (const [field, kind] of fields) {
      for (const [name, range] of rangesIn(manifest, field)) {
        const to = resolveFrom(place, name, (key) => found.has(key) || workspaceAt.has(key))
        if (to === undefined) continue // optional peers and other platforms have no entry
        const dependency = found.get(to)
        if (dependency !== undefined && direct) dependency.direct = true
        edges.push({ from, to: dependency === undefined ? workspaceKey(workspaceAt.get(to)!) : to, range, kind })
      }
    }
  }
  for (const path in workspaces) {
    const manifest = workspaces[path]
    if (!isObject(manifest)) throw fail("\0workspaces", "a workspace has to be an object")
    const name = nameOf(manifest, path)
    roots.push({ key: workspaceKey(path), name })
    follow(workspaceKey(path), path === "" ? "" : name, WORKSPACE_FIELDS, manifest, true)
  }
  for (const [key, info] of wants) follow(key, key, PACKAGE_FIELDS, info, false)
  return { dependencies: [...found.values()], edges, roots }
}

function workspaceKey(path: string): string {
  return `workspace:${path}`
}

/** The entry that `name` means at a place: the nearest upwards, as in node_modules. */
function resolveFrom(place: string, name: string, has: (key: string) => boolean): string | undefined {
  for (let at = place; at !== ""; at = parentOf(at)) if (has(`${at}/${name}`)) return `${at}/${name}`
  return has(name) ? name : undefined
}

/** `a/@scope/b` is `@scope/b` within `a`. */
function parentOf(place: string): string {
  return place.slice(0, Math.max(0, place.length - lastName(place).length - 1))
}

function lastName(place: string): string {
  const slash = place.lastIndexOf("/")
  const before = place.lastIndexOf("/", slash - 1)
  return place[before + 1] === "@" && slash > before ? place.slice(before + 1) : place.slice(slash + 1)
}

/** Lines of packages, and of the file's own fields with a NUL before the name; found on the first question. */
function lineIndex(text: string): (key: string) => number {
  let offsets: Map<string, number> | undefined
  const lineAt = lineCounter(text)
  return (key) => {
    if (offsets === undefined) {
      const found = new Map<string, number>()
      visitKeys(text, {
        key: (name, offset, trail) => {
          if (trail.length === 0) found.set(`\0${name}`, offset)
          else if (trail.length === 1 && trail[0] === "packages") found.set(name, offset)
          else if (trail.length === 1 && trail[0] === "workspaces") found.set(workspaceKey(name), offset)
        },
      })
      offsets = found
    }
    return lineAt(offsets.get(key) ?? 0)
  }
}
