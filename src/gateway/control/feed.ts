// Server-sent events (WHATWG HTML, section 9.2) about requests: one for each step that the record has of them.
import type { IncomingMessage, ServerResponse } from "node:http"
import { FEED_PAGE, lastRecord, readFeed } from "../../approvals/feed.ts"
import type { ApprovalControls } from "./approvals.ts"

/** Milliseconds between two signs of life, and between looks that nobody asked for. */
const ALIVE = 15_000
const LOOK = 1_000

/**
 * Tells a client of every step from now on, or from the record that `last-event-id` names, until it leaves. A client that reads too slowly is
 * waited for; nothing is kept for it meanwhile.
 */
export async function streamFeed(
  { db, subscribe }: ApprovalControls["store"],
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  let position = positionOf(request) ?? (await lastRecord(db))
  response.writeHead(200, { "content-type": "text/event-stream", "cache-control": "no-store" })
  response.write(`retry: 1000\nid: ${position}\nevent: open\ndata: {}\n\n`)
  let rung = true
  let wake = () => {}
  const ring = () => {
    rung = true
    wake()
  }
  const timers = [
    setInterval(ring, LOOK).unref(),
    setInterval(() => response.writableNeedDrain || response.write(": alive\n\n"), ALIVE).unref(),
  ]
  const unsubscribe = subscribe(ring)
  response.on("close", ring).on("drain", ring)
  try {
    while (!response.destroyed) {
      if (!rung || response.writableNeedDrain) {
        await new Promise<void>((resolve) => {
          wake = resolve
        })
        continue
      }
      rung = false
      const end = await lastRecord(db)
      const found = await readFeed(db, position, end)
      position = found.length < FEED_PAGE ? Math.max(position, end) : found.at(-1)!.seq
      if (found.length === FEED_PAGE) rung = true
      for (const { seq, type, ...data } of found)
        response.write(`id: ${seq}\nevent: ${type}\ndata: ${JSON.stringify(data)}\n\n`)
    }
  } finally {
    for (const timer of timers) clearInterval(timer)
    unsubscribe()
    response.end()
  }
}

function positionOf({ headers }: IncomingMessage): number | undefined {
  const last = headers["last-event-id"]
  return typeof last === "string" && /^\d{1,15}$/.test(last) ? Number(last) : undefined
}
