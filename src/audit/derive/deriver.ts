// The deriver's thread: derives what is committed within 100 ms, signs checkpoints when they are due, publishes them, and keeps the
// files' WALs short. Whatever it does may be done by another process instead, or later.
import { setPriority } from "node:os"
import { join } from "node:path"
import { type MessagePort, parentPort, workerData } from "node:worker_threads"
import { processContext } from "../../context.ts"
import { EXIT, NanoguardError } from "../../errors.ts"
import { encodeFailure } from "../../store/committer-messages.ts"
import { anchorsOf } from "../anchors/index.ts"
import { newestCheckpoint } from "../checkpoints/checkpoint.ts"
import { loadLogKey, loadOrCreateLogKey } from "../checkpoints/keys.ts"
import type { Signer } from "../checkpoints/note.ts"
import { LogMismatch } from "./derive.ts"
import type { DeriverData, FromDeriver, ToDeriver } from "./deriver-messages.ts"
import { openPlace, type Place } from "./deriver-place.ts"
import { createRounds, type Rounds } from "./deriver-rounds.ts"

/** Milliseconds between two rounds: few commits share a transaction of the index then, and are derived within 100 ms. */
const PAUSE = 30

/** Milliseconds until a look without being woken, for what other processes commit: after work, and when nothing happens. */
const LOOK = 50
const IDLE_LOOK = 1_000

/** Rounds without work after which nothing happens. */
const QUIET = 40

/** Milliseconds until another try after a failure, doubled up to the last. */
const RETRY = 500
const LONGEST_RETRY = 30_000

const data = workerData as DeriverData
const port = parentPort!
const send = (message: FromDeriver) => port.postMessage(message)

/** The wish list of the main thread, and a bell that rings when it grows. */
interface Inbox {
  asked: number[]
  closing: boolean
  wait(ms: number): Promise<void>
}

function openInbox(from: MessagePort): Inbox {
  let ring = () => {}
  let rung = false
  const inbox: Inbox = {
    asked: [],
    closing: false,
    async wait(ms) {
      if (!rung) {
        const bell = Promise.withResolvers<void>()
        ring = bell.resolve
        const timer = setTimeout(bell.resolve, ms)
        await bell.promise
        clearTimeout(timer)
      }
      if (rung) send({ kind: "woken" })
      rung = false
    },
  }
  from.on("message", (message: ToDeriver) => {
    if (message.kind === "checkpoint") inbox.asked.push(message.id)
    if (message.kind === "close") inbox.closing = true
    rung = true
    ring()
  })
  return inbox
}

/** The log's key; made for a log that nobody signed yet. Another one in its place would make every older checkpoint a stranger's. */
async function signerOf({ engine, record, origin }: Place, keys: string): Promise<Signer> {
  const key = loadLogKey(keys, origin)
  // The gateways of a PostgreSQL may have keys of their own.
  if (key !== undefined || engine === "postgres" || (await newestCheckpoint(record)) === undefined)
    return key ?? loadOrCreateLogKey(keys, origin)
  throw new NanoguardError("the key that signed this log is gone", {
    exit: EXIT.environment,
    where: { file: join(keys, "log.key") },
    hint: "put log.key back from a backup; without it nothing more is signed: keep this directory and go on in a new one",
  })
}

async function openRounds(again = true): Promise<Rounds> {
  const { location, gateway, keys, cwd, env, skew, checkpointEvery, checkpointMs } = data
  const place = await openPlace(location)
  try {
    return await createRounds({
      ...{ place, gateway, checkpointEvery, checkpointMs },
      anchors: anchorsOf({ ...processContext(), env, cwd }),
      signer: await signerOf(place, keys),
      now: () => Date.now() + skew,
      tell: (event) => send({ kind: "events", events: [event] }),
    })
  } catch (error) {
    if (again && place.discardDamaged(error)) return openRounds(false)
    await place.close()
    throw error
  }
}

async function serve(inbox: Inbox): Promise<void> {
  let rounds: Rounds | undefined
  let [quiet, failures, seq, troubled] = [0, 0, -1, false]
  for (;;) {
    const { closing } = inbox
    const asked = inbox.asked.splice(0)
    try {
      rounds ??= await openRounds()
      const done = await rounds.run({ asked: asked.length > 0 || closing })
      for (const id of asked) send({ kind: "checkpointed", id, size: done.checkpoint })
      if (done.seq !== seq) send({ kind: "derived", seq: done.seq })
      if (troubled) send({ kind: "trouble", failure: undefined })
      troubled = false
      quiet = done.seq === seq ? quiet + 1 : 0
      failures = 0
      seq = done.seq
    } catch (error) {
      // Where it is the record that is damaged, a new index does not help: then the second failure is what it is.
      if (failures === 0 && rounds?.discardDamaged(error)) {
        rounds = undefined
        failures++
        inbox.asked.unshift(...asked)
        continue
      }
      for (const id of asked) send({ kind: "failed", id, failure: encodeFailure(error) })
      if (error instanceof LogMismatch) throw error
      if (!troubled) send({ kind: "trouble", failure: encodeFailure(error) })
      troubled = true
      failures++
    }
    if (closing) return rounds?.close()
    if (failures > 0) await inbox.wait(Math.min(LONGEST_RETRY, RETRY * 2 ** failures))
    else if (inbox.asked.length === 0 && !inbox.closing) {
      await new Promise((resolve) => setTimeout(resolve, PAUSE))
      await inbox.wait(quiet < QUIET ? LOOK : IDLE_LOOK)
    }
  }
}

try {
  // Of this thread alone, which Linux allows: where processors are few, commits go first.
  if (process.platform === "linux") setPriority(0, 10)
} catch {
  // Then it is as urgent as the rest.
}
const inbox = openInbox(port)
send({ kind: "ready" })
try {
  await serve(inbox)
} catch (error) {
  send({ kind: "refused", failure: encodeFailure(error) })
}
send({ kind: "closed" })
port.close()
