// Secrets that boxes had masked in place, by what they are and not by where they lie: a box can give a directory above one another name, and by
// that name it may be none. What a mask stands on it cannot rename itself.
import { createHash } from "node:crypto"
import { existsSync, rmSync } from "node:fs"
import { join } from "node:path"
import { isList, isRecord } from "../../packages/registries/values.ts"
import { MAX_PRIVATE, readPrivate, writePrivate } from "../../vault/private-file.ts"
import { listNames, statsAt, unlessBarred } from "./below.ts"

/** Most of one workspace or mount. */
const MOST = 20_000

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
  for (const file of filesIn(state)) {
    const memory = read(file)
    if (memory !== undefined && !existsSync(memory.root)) rmSync(file, { force: true })
  }
}

const filesIn = (state: string) => listNames(directoryOf(state)).map((name) => join(directoryOf(state), name))

/** Tells of a path of the host whether what lies there was masked at another one. Looks only at names of what is not where it was. */
export function movedSecrets(state: string): (path: string) => boolean {
  const away = new Map<string, Set<string>>()
  for (const file of filesIn(state)) {
    for (const [path, identity] of read(file)?.masked ?? []) {
      if (identityAt(path) === identity) continue
      const own = away.get(nameOf(path))
      if (own) own.add(identity)
      else away.set(nameOf(path), new Set([identity]))
    }
  }
  return (path) => {
    const own = away.get(nameOf(path))
    return own?.has(identityAt(path) ?? "") === true
  }
}
