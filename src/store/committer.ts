// The committer's thread: owns the connection that writes. What comes in while it commits is the next group.
import { availableParallelism } from "node:os"
import { setImmediate } from "node:timers/promises"
import { type MessagePort, parentPort, receiveMessageOnPort, workerData } from "node:worker_threads"
import { loadOrCreateCommitKey } from "../audit/checkpoints/keys.ts"
import {
  type CommitterData,
  decodeBatch,
  encodeFailure,
  type Failure,
  type FromCommitter,
  type ToCommitter,
} from "./committer-messages.ts"
import type { DraftPeople } from "./draft.ts"
import type { Engine, Outcome } from "./engine.ts"

/** Most batches in one transaction, and most characters: what comes last still has to wait for all of them. */
const MAX_GROUP = 512
const MAX_GROUP_SIZE = 4 * 1024 * 1024

/**
 * Milliseconds that the thread stays awake after a group where the last message came that soon: to wake it up costs the main thread 25 us,
 * more than the append itself, and whoever writes one record after the other comes back. Not where there is one processor for both.
 */
const AWAKE = availableParallelism() > 1 ? 0.1 : 0

/** Milliseconds for which the loop of commits may keep timers and finished syncs waiting. */
const BREATH = 10

const data = workerData as CommitterData
let { skew } = data
const port = parentPort!
const send = (message: FromCommitter) => port.postMessage(message)

async function openEngine(): Promise<Engine> {
  const { location, gateway } = data
  const now = () => Date.now() + skew
  const options = { gateway, commitKey: loadOrCreateCommitKey(data.keys), now }
  if (location.kind === "sqlite") {
    const { openSqliteEngine } = await import("./sqlite/commit.ts")
    return openSqliteEngine({ ...options, directory: location.directory })
  }
  const { openPostgresEngine } = await import("./postgres/commit.ts")
  return openPostgresEngine(location.url, options)
}

/** A text, and what its message said about the people in it. */
interface Waiting {
  text: string
  people: DraftPeople | undefined
}

/** Takes from the front of the waiting texts as many as one transaction should hold, at least one. */
function takeGroup(texts: Waiting[]): Waiting[] {
  let size = 0
  let count = 0
  while (count < texts.length && count < MAX_GROUP && (count === 0 || size < MAX_GROUP_SIZE)) {
    size += texts[count]!.text.length
    count++
  }
  return texts.splice(0, count)
}

async function commitTexts(engine: Engine, texts: readonly Waiting[]): Promise<void> {
  let outcomes: readonly (Outcome | undefined)[]
  let failure: Failure | undefined
  try {
    outcomes = await engine.commitGroup(texts.map(({ text, people }) => decodeBatch(text, people)))
  } catch (error) {
    failure = encodeFailure(error)
    outcomes = texts.map(() => undefined)
  }
  const seqs: number[] = []
  const failures: [number, Failure][] = []
  outcomes.forEach((outcome, place) => {
    if (outcome === undefined) failures.push([place, failure!])
    else if ("refused" in outcome) failures.push([place, encodeFailure(outcome.refused)])
    else for (const seq of outcome.seqs) seqs.push(seq)
  })
  send({ kind: "done", count: texts.length, seqs, failures })
}

/** Commits what comes in until it is told to close. */
function serve(engine: Engine, port: MessagePort): void {
  const waiting: Waiting[] = []
  let closing = false
  let busy = false
  /** When the last group was answered. */
  let answered = 0
  const take = (message: ToCommitter) => {
    if (message.kind === "close") closing = true
    else {
      skew = message.skew
      const { people } = message
      for (const text of message.texts) waiting.push({ text, people })
    }
  }
  /** Takes what is in the port's queue; where nothing waits, looks again until that time. */
  const receive = (until: number) => {
    do {
      for (let next = receiveMessageOnPort(port); next; next = receiveMessageOnPort(port)) take(next.message)
    } while (waiting.length === 0 && !closing && performance.now() < until)
  }
  const work = async () => {
    if (busy) return
    busy = true
    // It took a message as long again to get here.
    const awake = performance.now() < answered + 2 * AWAKE
    let breathed = performance.now()
    for (;;) {
      if (performance.now() - breathed > BREATH) {
        await setImmediate()
        breathed = performance.now()
      }
      // What was sent meanwhile belongs to this group already.
      receive(awake ? answered + AWAKE : 0)
      if (waiting.length === 0) break
      await commitTexts(engine, takeGroup(waiting))
      answered = performance.now()
    }
    busy = false
    if (!closing) return
    await engine.close()
    send({ kind: "closed" })
    port.close()
  }
  port.on("message", (message: ToCommitter) => {
    take(message)
    void work()
  })
}

try {
  const engine = await openEngine()
  serve(engine, port)
  send({ kind: "ready" })
} catch (error) {
  send({ kind: "refused", failure: encodeFailure(error) })
  port.close()
}
