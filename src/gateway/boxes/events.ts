// What `nanoguard run` is told while its box is there: one line of JSON an event, on a connection that it holds open.
import type { ServerResponse } from "node:http"
import type { BoxEvent } from "./types.ts"

export interface Channel {
  /** Tells a listener everything from now on; `first` at once, beginning with `open`. */
  attach: (response: ServerResponse, first: readonly BoxEvent[]) => void
  send: (event: BoxEvent) => void
  /** Ends all listening. */
  close: () => void
  readonly attended: boolean
}

/** Milliseconds between two signs of life. */
const ALIVE = 5_000
const MAX_LISTENERS = 8
/** Bytes that may wait for a listener that does not read: what is beyond is left out, but for a kill. */
const MAX_WAITING = 1024 * 1024

/** A channel for one box. `onAlone` is told when the last listener has left. */
export function createChannel(onAlone: () => void): Channel {
  const listeners = new Set<ServerResponse>()
  const write = (response: ServerResponse, event: BoxEvent) => {
    if (response.writableLength < MAX_WAITING || event.event === "killed") response.write(`${JSON.stringify(event)}\n`)
  }
  const send = (event: BoxEvent) => {
    for (const response of listeners) write(response, event)
  }
  const timer = setInterval(() => send({ event: "alive" }), ALIVE).unref()
  return {
    attach: (response, first) => {
      if (listeners.size >= MAX_LISTENERS) {
        response.writeHead(503).end()
        return
      }
      response.writeHead(200, { "content-type": "application/x-ndjson", "cache-control": "no-store" })
      for (const event of first) write(response, event)
      listeners.add(response)
      response.once("close", () => {
        listeners.delete(response)
        if (listeners.size === 0) onAlone()
      })
    },
    send,
    close: () => {
      clearInterval(timer)
      for (const response of listeners) response.end()
    },
    get attended() {
      return listeners.size > 0
    },
  }
}
