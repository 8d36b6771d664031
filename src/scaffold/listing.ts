// The effects behind detection: which files are there, and which engines are on PATH. Nothing is run.
import { accessSync, constants, lstatSync, readdirSync, statSync } from "node:fs"
import { delimiter, dirname, isAbsolute, join } from "node:path"
import type { Context } from "../context.ts"
import { type Listing, READ_FOR_DETECTION } from "./detect.ts"
import { readInside } from "./paths.ts"
import type { Engine } from "./types.ts"

const ENGINES: readonly Engine[] = ["docker", "podman", "container", "bwrap"]
const SKIPPED = new Set(["node_modules", ".git", "vendor", "dist", "build", "target", ".venv", "venv", "__pycache__"])
const MAX_DEPTH = 5
const MAX_ENTRIES = 20_000

/** The directory to set up: the one that holds `.git`, looking upwards, else the current one. */
export function findRoot(cwd: string): { root: string; git: boolean } {
  for (let at = cwd; ; at = dirname(at)) {
    if (lstatSync(join(at, ".git"), { throwIfNoEntry: false })) return { root: at, git: true }
    if (dirname(at) === at) return { root: cwd, git: false }
  }
}

/** Lists the repository, bounded in depth and entries, without following links, and reads what detection needs. */
export function readListing(ctx: Context, root: string, git: boolean): Listing {
  const texts = new Map<string, string>()
  for (const path of READ_FOR_DETECTION) {
    const text = readIfPlain(root, path)
    if (text !== undefined) texts.set(path, text)
  }
  return { paths: listPaths(root), texts, engines: ENGINES.filter((name) => onPath(name, ctx.env["PATH"])), git }
}

/** Breadth first, so that the bound cuts off the deepest. Sorted, so that the same tree gives the same facts. */
function listPaths(root: string): string[] {
  const paths: string[] = []
  const queue = [{ path: "", depth: 0 }]
  let entries = 0
  for (let next = queue.shift(); next !== undefined && entries < MAX_ENTRIES; next = queue.shift()) {
    for (const entry of readDirectory(join(root, next.path))) {
      if (++entries > MAX_ENTRIES) break
      const path = `${next.path}${entry.name}`
      if (entry.isFile()) paths.push(path)
      if (!entry.isDirectory() || SKIPPED.has(entry.name)) continue
      paths.push(`${path}/`)
      if (next.depth < MAX_DEPTH) queue.push({ path: `${path}/`, depth: next.depth + 1 })
    }
  }
  return paths
}

function readDirectory(path: string) {
  try {
    return readdirSync(path, { withFileTypes: true }).sort((a, b) => (a.name < b.name ? -1 : 1))
  } catch {
    return [] // unreadable for us is empty for detection: nothing is decided from what is not there
  }
}

/** A hostile or odd file says nothing about the repository; writing looks again and refuses it aloud. */
function readIfPlain(root: string, path: string): string | undefined {
  try {
    return readInside(root, path) ?? undefined
  } catch {
    return undefined
  }
}

/** Relative entries of PATH are passed over: a repository must not be able to show us an engine. */
function onPath(name: string, path = ""): boolean {
  return path.split(delimiter).some((directory) => isAbsolute(directory) && isExecutable(join(directory, name)))
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK)
    return statSync(path).isFile()
  } catch {
    return false
  }
}
