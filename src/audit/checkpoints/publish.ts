// Brings checkpoints to the outside places, now and then, without ever holding up the log. Each place has one line of its own: an
// outage is told once, and so is its end; a contradiction is told, and nothing is ever published over it.
import type { Kysely } from "kysely"
import { NanoguardError } from "../../errors.ts"
import type { Tables } from "../../store/schema.ts"
import { type ProveConsistency, publishTo } from "../anchors/publish.ts"
import { lastSeq, readPosition } from "../derive/derive.ts"
import { loadConsistency } from "../tree/tile-table.ts"
import type { Anchor, Checkpoint, NewEvent } from "../types.ts"
import { isSignedBy } from "./checkpoint-text.ts"
import type { Verifier } from "./note.ts"
import { SplitView } from "./split-view.ts"

/** Milliseconds between two publications to one place, where nobody asks. */
export const PUBLISH_MS = 60_000

/** Milliseconds that one publication may take: then the place counts as out of reach. */
const PUBLISH_WAIT = 30_000

interface Place {
  anchor: Anchor
  /** Records under the newest checkpoint that it confirmed to this process. */
  size: number
  /** When it was last tried. */
  tried: number
  state: "up" | "down" | "split"
  current: Promise<void> | undefined
}

export interface Publisher {
  /**
   * Publishes the newest checkpoint to every place that lacks it, and is due or `asked` for. Resolves when all of them have answered;
   * never rejects.
   */
  publish(checkpoint: Checkpoint, asked: boolean): Promise<void>
  /** Resolves once nothing is under way. */
  settle(): Promise<void>
}

export interface PublisherOptions {
  anchors: readonly Anchor[]
  /** Has `publications`. */
  record: Kysely<Tables>
  /** Has `tiles`, at least up to the checkpoint's size. */
  index: Kysely<Tables>
  gateway: string
  /** The key that signs this gateway's checkpoints. */
  key: Verifier
  now: () => number
  /** Tells the log. */
  tell: (event: NewEvent) => void
}

/** Keeps the places of a log. Nothing is done until something is published. */
export function createPublisher({ anchors, record, index, gateway, key, now, tell }: PublisherOptions): Publisher {
  const places = anchors.map(
    (anchor): Place => ({ anchor, size: 0, tried: Number.NEGATIVE_INFINITY, state: "up", current: undefined }),
  )
  const report = (type: string, { anchor }: Place, detail: NonNullable<NewEvent["detail"]>) =>
    tell({ type, subject: anchor.name, gateway, detail: { anchor: anchor.name, ...detail } })

  // Another process may have published a checkpoint over records that this one has not derived yet: no contradiction.
  const prove: ProveConsistency = async (older, newer) => {
    if (newer > (await lastSeq(record))) return undefined
    if (newer > (await readPosition(index))) throw new IndexBehind()
    return loadConsistency(index, older, newer)
  }

  const publishOnce = async (place: Place, checkpoint: Checkpoint): Promise<void> => {
    try {
      const { size } = checkpoint
      const done = await withTimeout(publishTo(place.anchor, checkpoint, prove), PUBLISH_WAIT)
      // What was confirmed before, by this process or an earlier one, has to be there still.
      const confirmed = await confirmedSize(record, place.anchor.name)
      if (done.before < confirmed) report("log.anchor-forgot", place, { confirmed, found: done.before })
      place.size = done.size
      if (done.published) await confirm(record, place.anchor.name, size, now())
      if (place.state === "down") report("log.anchor-restored", place, { size })
      place.state = "up"
    } catch (error) {
      if (error instanceof SplitView) {
        // What this key did not sign a stranger may have put there: it is told once, and looked at again.
        const signed = isSignedBy(error.published.note, key)
        if (signed || place.state === "up")
          report("log.split-view", place, { published: error.published.size, own: error.own.size, signed })
        place.state = signed ? "split" : "down"
      } else if (place.state === "up" && !(error instanceof IndexBehind)) {
        place.state = "down"
        report("log.anchor-unreachable", place, { reason: reasonOf(error) })
      }
    }
  }

  const isWanted = (place: Place, checkpoint: Checkpoint, asked: boolean) =>
    place.state !== "split" && checkpoint.size > place.size && (asked || Math.abs(now() - place.tried) >= PUBLISH_MS)

  const settle = async () => {
    await Promise.all(places.map(({ current }) => current))
  }
  return {
    settle,
    async publish(checkpoint, asked) {
      // One at a time for each place; who asks waits for its turn.
      if (asked) await settle()
      for (const place of places) {
        if (place.current !== undefined || !isWanted(place, checkpoint, asked)) continue
        place.tried = now()
        place.current = publishOnce(place, checkpoint).finally(() => {
          place.current = undefined
        })
      }
      await settle()
    },
  }
}

class IndexBehind extends Error {}

/** What is in the way, and what somebody does about it. */
function reasonOf(error: unknown): string {
  if (error instanceof NanoguardError && error.hint) return `${error.message}: ${error.hint}`
  return error instanceof Error ? error.message : String(error)
}

async function confirmedSize(record: Kysely<Tables>, anchor: string): Promise<number> {
  const row = await record
    .selectFrom("publications")
    .select(({ fn }) => fn.max("size").as("size"))
    .where("anchor", "=", anchor)
    .executeTakeFirst()
  return Number(row?.size ?? 0)
}

async function confirm(record: Kysely<Tables>, anchor: string, size: number, time: number): Promise<void> {
  await record
    .insertInto("publications")
    .values({ anchor, size, time })
    .onConflict((conflict) => conflict.doNothing())
    .execute()
}

async function withTimeout<T>(work: Promise<T>, ms: number): Promise<T> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`no answer within ${ms / 1000} s`)), ms)
  })
  try {
    return await Promise.race([work, late])
  } finally {
    clearTimeout(timer)
  }
}
