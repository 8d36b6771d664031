// Following the log: what is committed from now on, as it comes.
import type { Kysely } from "kysely"
import type { Tables } from "../../store/schema.ts"
import type { StartWatching } from "../../store/subscribe.ts"
import { matchesFilter, type RecordFilter, readRecords, type StoredRecord } from "./query.ts"

/** Records of one group. */
const GROUP = 64

/** Milliseconds after which the log is asked although nobody said that there is anything: a watch may miss a commit. */
const LOOK = 1000

/**
 * The records after `after` that a filter chooses, in groups as they are found, until `signal`. Asks the log itself and not what is
 * derived from it, so nobody else has to run. A failure of the store ends it.
 */
export async function* followRecords(
  db: Kysely<Tables>,
  filter: RecordFilter,
  after: number,
  watching: StartWatching,
  signal: AbortSignal,
): AsyncGenerator<StoredRecord[], void> {
  let rung = true
  let ring = () => {}
  const listener = () => {
    rung = true
    ring()
  }
  signal.addEventListener("abort", listener)
  const stop = watching(listener)
  const timer = setInterval(listener, LOOK)
  try {
    let position = after
    while (!signal.aborted) {
      if (!rung)
        await new Promise<void>((resolve) => {
          ring = resolve
        })
      rung = false
      for (;;) {
        const found: StoredRecord[] = []
        let read = 0
        for await (const stored of readRecords(db, { fromSeq: position + 1, limit: GROUP })) {
          position = stored.seq
          read++
          if (matchesFilter(filter, stored)) found.push(stored)
        }
        if (found.length > 0) yield found
        if (read < GROUP || signal.aborted) break
      }
    }
  } finally {
    signal.removeEventListener("abort", listener)
    clearInterval(timer)
    stop()
  }
}
