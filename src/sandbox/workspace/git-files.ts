// Files of a git directory, read without git: what a box left in one is nobody's word, and is never opened by a program.
import { lstatSync, readdirSync } from "node:fs"
import { dirname, join } from "node:path"
import { isWithin } from "./places.ts"
import { readBeginning } from "./secrets.ts"

/** The repository of a workspace, by real paths. */
export interface Repository {
  /** Where HEAD and the index are. */
  gitDirectory: string
  /** Where objects, refs and configuration are: another one for a linked worktree. */
  common: string
  /** `.git` of the workspace is a file that names the directory. */
  file: boolean
  /** Its objects, and all that it borrows. */
  objects: readonly string[]
  /** Those of them that lie outside of the workspace and of the repository: in a box only where the policy lets them in. */
  borrowed: readonly string[]
}

/** The repository whose working tree `root` lies in, further up. */
export function repositoryAbove(root: string): string | undefined {
  for (let at = dirname(root); at !== dirname(at); at = dirname(at))
    if (lstatSync(join(at, ".git"), { throwIfNoEntry: false }) !== undefined && isWithin(root, at)) return at
  return undefined
}

const ID = /^[0-9a-f]{40}(?:[0-9a-f]{24})?$/
// git-check-ref-format(1), narrowed: no control characters, nothing that a shell or a terminal reads as more than text.
const REF = /^refs(?:\/(?!\.)[^\x00-\x20\x7f~^:?*[\\/"'`$;&|<>(){}!]{1,200})+$/

/** Whether a full ref name is one that may come over. */
export function isRefName(name: string): boolean {
  return REF.test(name) && name.length <= 400 && !/\.\.|@\{|\.lock(\/|$)|\.(\/|$)|\/-/.test(name)
}

/** `{ ref }` of a branch, `{ id }` of a commit; undefined where it is neither. */
export function readHead(directory: string): { ref: string } | { id: string } | undefined {
  const text = readBeginning(join(directory, "HEAD"), 1024)?.trim() ?? ""
  if (ID.test(text)) return { id: text }
  const ref = /^ref: ?(refs\/heads\/.+)$/.exec(text)?.[1]
  return ref !== undefined && isRefName(ref) ? { ref } : undefined
}

/** Refs by name: an object's id, or `ref: ` and another's name. */
export type Refs = Map<string, string>

const MAX_REFS = 100_000
const MAX_PACKED = 64 * 1024 * 1024

/** Reads packed and loose refs. What is no plain file, no valid name or no id is not there; at most 100,000 are. */
export function readRefs(directory: string): Refs {
  const refs: Refs = new Map()
  // Not by splitting: a box may leave as many lines as bytes.
  const packed = readBeginning(join(directory, "packed-refs"), MAX_PACKED) ?? ""
  for (const [, id = "", name = ""] of packed.matchAll(/^([0-9a-f]{40,64}) ([^ \n]+)/gm)) {
    if (refs.size >= MAX_REFS) break
    if (ID.test(id) && isRefName(name)) refs.set(name, id)
  }
  const queue = ["refs"]
  for (let at = queue.pop(); at !== undefined && refs.size < MAX_REFS; at = queue.pop()) {
    if (!lstatSync(join(directory, at), { throwIfNoEntry: false })?.isDirectory()) continue
    for (const entry of readdirSync(join(directory, at), { withFileTypes: true })) {
      const name = `${at}/${entry.name}`
      if (!isRefName(name)) continue
      if (entry.isDirectory()) queue.push(name)
      else if (entry.isFile()) {
        const text = readBeginning(join(directory, name), 1024)?.trim() ?? ""
        const symbolic = /^ref: ?(refs\/.+)$/.exec(text)?.[1]
        if (ID.test(text)) refs.set(name, text)
        else if (symbolic !== undefined && isRefName(symbolic)) refs.set(name, `ref: ${symbolic}`)
      }
    }
  }
  return refs
}

/** The object's id that a ref comes to, through one symbolic ref; undefined where it is not there. */
export function resolveRef(refs: Refs, name: string): string | undefined {
  const value = refs.get(name)
  return value?.startsWith("ref: ") ? refs.get(value.slice(5)) : value
}

/** HEAD as one word or two: an id, or `ref: ` and a branch. */
export function headOf(directory: string): string | undefined {
  const head = readHead(directory)
  if (head === undefined) return undefined
  return "ref" in head ? `ref: ${head.ref}` : head.id
}

/** Bytes of a log that are read or copied. */
export const MAX_LOG = 4 * 1024 * 1024

/** Stashed changes of a git directory by its log, oldest first. */
export function stashesOf(directory: string): { id: string; message: string }[] {
  return (readBeginning(join(directory, "logs/refs/stash"), MAX_LOG) ?? "").split("\n").flatMap((line) => {
    const match = /^[0-9a-f]{40,64} ([0-9a-f]{40,64}) [^\t]*\t(.*)$/.exec(line)
    return match === null ? [] : [{ id: match[1]!, message: match[2]! }]
  })
}
