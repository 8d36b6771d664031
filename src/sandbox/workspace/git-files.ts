// Files of a git directory, read without git: what a box left in one is nobody's word, and is never opened by a program.
import { createHash } from "node:crypto"
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
// git-check-ref-format(1).
const REF = /^refs(?:\/(?!\.)[^\x00-\x20\x7f~^:?*[\\/\ufffd]{1,250})+$/
// Narrower: no option, and nothing that a shell or a terminal reads as more than text.
const MORE_THAN_TEXT = /["'`$;&|<>(){}!\x80-\x9f]|\/-/

/** Whether a full ref name is one that git takes, and text. */
export function isRefName(name: string): boolean {
  return REF.test(name) && name.length <= 1000 && !/\.\.|@\{|\.lock(\/|$)|\.$/.test(name)
}

/** Whether a box may give a ref that name: scripts and prompts of the host's read it. */
export const mayBeNamed = (name: string): boolean => isRefName(name) && name.length <= 400 && !MORE_THAN_TEXT.test(name)

/** Where a ref of the box lies in the repository, below `space`, until it is moved. */
export function placeOfRef(space: string, ref: string): string {
  if (mayBeNamed(ref)) return `${space}/${ref.slice(5)}`
  return `${space}/named/${createHash("sha256").update(ref).digest("hex").slice(0, 16)}`
}

/** The beginning of a file of git's as text; names in it are UTF-8. */
const textIn = (file: string, size: number) => Buffer.from(readBeginning(file, size) ?? "", "latin1").toString()

/** `{ ref }` of a branch, `{ id }` of a commit; undefined where it is neither. */
export function readHead(directory: string): { ref: string } | { id: string } | undefined {
  const text = textIn(join(directory, "HEAD"), 2048).trim()
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
  const packed = textIn(join(directory, "packed-refs"), MAX_PACKED)
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
        const text = textIn(join(directory, name), 2048).trim()
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

/** Stashed changes of a git directory by its log, oldest first, each once: where the log has it last. */
export function stashesOf(directory: string): { id: string; message: string }[] {
  const found = new Map<string, { id: string; message: string }>()
  for (const line of (readBeginning(join(directory, "logs/refs/stash"), MAX_LOG) ?? "").split("\n")) {
    const [, id, message] = /^[0-9a-f]{40,64} ([0-9a-f]{40,64}) [^\t]*\t(.*)$/.exec(line) ?? []
    if (id === undefined || message === undefined) continue
    found.delete(id)
    found.set(id, { id, message })
  }
  return [...found.values()]
}
