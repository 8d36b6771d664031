// Secrets that boxes had masked in place, by what they are and not by where they lie: a box can give a directory above one another name, and by
// that name it may be none. What a mask stands on it cannot rename itself.
import { createHash } from "node:crypto"
import { rmSync, statSync } from "node:fs"
import { join } from "node:path"
import { isList, isRecord } from "../../packages/registries/values.ts"
import { MAX_PRIVATE, readPrivate, writePrivate } from "../../vault/private-file.ts"
import { listNames, statsAt, unlessBarred } from "./below.ts"

/** Most of one workspace or mount. */
const MOST = 20_000
/** Most workspaces and mounts. */
const MOST_ROOTS = 1000

type Remembered = readonly [path: string, identity: string]

const directoryOf = (state: string) => join(state, "masked")
const fileOf = (state: string, root: string) =>
  join(directoryOf(state), createHash("sha256").update(root).digest("hex").slice(0, 24))

/** What lies at a path, by device, inode and birth: an inode alone is given to another file soon. */
function identityAt(path: string): string | undefined {
  const stats = unlessBarred(() => statsAt(path))
  return stats && `${stats.dev}:${stats.ino}:${stats.birthtimeNs}`
}

const nameOf = (path: string) => path.slice(path.lastIndexOf("/") + 1)

const isRemembered = (one: unknown) =>
  Array.isArray(one) && one.length === 2 && one.every((text) => typeof text === "string")

interface Memory {
  root: string
  masked: readonly Remembered[]
}

/** What a file says; nothing where it is damaged, too large or gone. */
function read(file: string): Memory | undefined {
  try {
    const found: unknown = JSON.parse(readPrivate(file, "what was masked") ?? "null")
    if (!isRecord(found) || typeof found["root"] !== "string") return undefined
    return isList(found["masked"], MOST, isRemembered) ? (found as unknown as Memory) : undefined
  } catch {
    return undefined
  }
}

/**
 * Remembers what is masked of a workspace or mount (paths relative to it), for boxes that come after. Each stays by the path where it was first
 * masked, so that one that was moved is so for good, and before those that came later: a box cannot have it forgotten by making many that look
 * like one. Errors: environment.
 */
export function rememberMasked(state: string, root: string, masked: readonly { path: string }[]): void {
  const before = read(fileOf(state, root))?.masked ?? []
  const known = new Set(before.map(([, identity]) => identity))
  const fresh = masked.flatMap(({ path }): Remembered[] => {
    const identity = identityAt(`${root}/${path}`)
    return identity === undefined || known.has(identity) ? [] : [[`${root}/${path}`, identity]]
  })
  if (fresh.length === 0) return
  let room = MAX_PRIVATE - Buffer.byteLength(JSON.stringify(root)) - 100
  const kept = [...before, ...fresh].slice(0, MOST).filter((one) => {
    room -= Buffer.byteLength(JSON.stringify(one)) + 1
    return room >= 0
  })
  writePrivate(fileOf(state, root), JSON.stringify({ root, masked: kept }), "what was masked", true)
  forgetOldest(state)
}

const filesIn = (state: string) => listNames(directoryOf(state)).map((name) => join(directoryOf(state), name))

/** That a workspace is not there now, as on a drive that is away, is no reason: it may be there again. */
function forgetOldest(state: string): void {
  const files = filesIn(state)
  if (files.length <= MOST_ROOTS) return
  const byAge = files
    .map((file) => ({ file, changed: statSync(file, { throwIfNoEntry: false })?.mtimeMs ?? 0 }))
    .sort((a, b) => a.changed - b.changed)
  for (const { file } of byAge.slice(0, files.length - MOST_ROOTS)) rmSync(file, { force: true })
}

/**
 * Tells of a path of the host whether what lies there was masked at another one. Looks only where a name is that of a secret, and at no other
 * workspace but for what was moved from there: one may lie on a drive that is gone.
 */
export function movedSecrets(state: string): (path: string) => boolean {
  const named = new Map<string, Remembered[]>()
  for (const file of filesIn(state)) {
    for (const one of read(file)?.masked ?? []) {
      const own = named.get(nameOf(one[0]))
      if (own) own.push(one)
      else named.set(nameOf(one[0]), [one])
    }
  }
  return (path) => {
    const own = named.get(nameOf(path))
    const identity = own && identityAt(path)
    return own?.some(([at, one]) => one === identity && at !== path && !isThere(at, one)) === true
  }
}

function isThere(path: string, identity: string): boolean {
  try {
    return identityAt(path) === identity
  } catch {
    return false
  }
}
