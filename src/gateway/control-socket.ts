// The control socket's place: one gate has it at a time, what a dead one left there is replaced, and nobody else's is ever taken away.
import { randomBytes } from "node:crypto"
import { type BigIntStats, chmodSync, lstatSync, readdirSync, renameSync, rmSync } from "node:fs"
import type { Server } from "node:http"
import { connect } from "node:net"
import { dirname, join } from "node:path"
import { setTimeout as sleep } from "node:timers/promises"
import { EXIT, NanoguardError } from "../errors.ts"
import { withLock } from "../store/sqlite/lock.ts"

/** How often a place is looked at that others change at the same time. */
const TRIES = 10

/** Names of sockets that are not in their place yet, how many are looked at, and the milliseconds in which each listens. */
const FRESH = /^[0-9a-f]{8}\.new$/
const MAX_FRESH = 100
const MADE = 100

/**
 * Has `server` listen at `path`, whose directory is there. Resolves with what takes the name away again, to be called before the server is
 * closed. Throws `NanoguardError` (environment) where another gate answers there, or something else than a socket is in its place.
 */
export async function listenAlone(server: Server, path: string): Promise<() => void> {
  // Under a name of its own first, no longer than the other (unix(7) has few bytes for it): what is put in its place listens already.
  const fresh = join(dirname(path), `${randomBytes(4).toString("hex")}.new`)
  await removeFresh(dirname(path))
  try {
    await new Promise<void>((resolve, reject) => {
      server.once("error", reject)
      server.listen(fresh, () => {
        server.off("error", reject)
        resolve()
      })
    })
    chmodSync(fresh, 0o600)
    const own = lstatSync(fresh, { bigint: true })
    await putInPlace(fresh, path)
    // As long as it listens nobody else replaces it, and no other file gets its number.
    return () => isSameFile(statOf(path), own) && rmSync(path, { force: true })
  } catch (cause) {
    server.close()
    throw cause instanceof NanoguardError ? cause : cannotListen(path, cause)
  }
}

/** What gates left that were killed before their socket was in its place. Nobody waits for it, and what goes wrong keeps no gate from starting. */
async function removeFresh(directory: string): Promise<void> {
  try {
    const paths = readdirSync(directory).flatMap((name) => (FRESH.test(name) ? [join(directory, name)] : []))
    const dead: string[] = []
    for (const path of paths.slice(0, MAX_FRESH)) if (statOf(path)?.isSocket() && (await isDead(path))) dead.push(path)
    if (dead.length === 0) return
    // One that is being made has its name a moment before it listens.
    await sleep(MADE)
    for (const path of dead) if (await isDead(path)) rmSync(path, { force: true })
  } catch {
    // The next start tries again.
  }
}

/** Of several at once one succeeds; the others find it there. */
async function putInPlace(fresh: string, path: string): Promise<void> {
  let dead: BigIntStats | undefined
  for (let tries = 0; tries < TRIES; tries++) {
    const isDone = withLock(join(dirname(path), "control.lock"), () => {
      const there = statOf(path)
      // What is there may be another one by now than the one that was found dead.
      if (there !== undefined && !(isSameFile(there, dead) && there.ctimeNs === dead?.ctimeNs)) return false
      renameSync(fresh, path)
      return true
    })
    if (isDone) return
    const there = statOf(path)
    if (there !== undefined && (!there.isSocket() || !(await isDead(path)))) break
    dead = there
  }
  throw cannotListen(path, Object.assign(new Error("somebody listens there"), { code: "EADDRINUSE" }))
}

/** Whether nobody listens at a socket, or nothing is there any more. */
function isDead(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(path, () => resolve(false))
    socket.once("error", ({ code }: NodeJS.ErrnoException) => resolve(code === "ECONNREFUSED" || code === "ENOENT"))
    socket.once("connect", () => socket.destroy())
  })
}

const statOf = (path: string) => lstatSync(path, { bigint: true, throwIfNoEntry: false })

const isSameFile = (one: BigIntStats | undefined, other: BigIntStats | undefined) =>
  one !== undefined && one.ino === other?.ino && one.dev === other.dev

function cannotListen(path: string, cause: unknown): NanoguardError {
  const taken = (cause as { code?: unknown } | null)?.code === "EADDRINUSE"
  return new NanoguardError(taken ? "a gateway runs here already" : "the gateway cannot make its control socket", {
    exit: EXIT.environment,
    hint: taken
      ? "look at it with `nanoguard gateway status`; what is there and is no gateway has to be moved away"
      : "look at the directory's owner and at how long its name is",
    where: { file: path },
    cause,
  })
}
