// Hearing of commits by whatever gateway: LISTEN on a connection of its own. While there is none, the listener is called with
// every attempt to get one: then it asks more often than it needs to, and misses nothing.
import type { Client } from "pg"
import { CHANNEL, openClient } from "./client.ts"
import { parseServer, type Server } from "./url.ts"

/** Milliseconds between attempts to connect, the last for all further ones. */
const PAUSES = [100, 250, 500, 1000, 2000]

/** Milliseconds between questions whether the connection still lives: a router may have forgotten it without a word. */
const HEARTBEAT = 20_000

/**
 * Calls back soon after each commit, once for several at the same time, until the function that it returns is called. Never
 * throws: a server that is gone is tried again for good. Errors: configuration, for the address.
 */
export function listenForCommits(url: string, listener: () => void): () => void {
  const server = parseServer(url)
  const state: Listening = { stopped: false, tries: 0, due: false, client: undefined, timer: undefined, listener }
  void connect(server, state)
  return () => {
    state.stopped = true
    clearTimeout(state.timer)
    state.client?.end().catch(() => {})
  }
}

interface Listening {
  stopped: boolean
  /** Attempts to connect since the last success. */
  tries: number
  /** Whether a call of the listener is due already. */
  due: boolean
  client: Client | undefined
  timer: NodeJS.Timeout | undefined
  listener: () => void
}

async function connect(server: Server, state: Listening): Promise<void> {
  const again = () => {
    if (state.stopped || state.client === undefined) return
    state.client = undefined
    later(server, state)
  }
  try {
    const client = await openClient(server, "listener", { statement: 10_000 })
    state.client = client
    client.on("end", again)
    client.on("notification", () => announce(state))
    if (state.stopped) return void client.end().catch(() => {})
    await client.query(`listen ${CHANNEL}`)
    state.tries = 0
    beat(client, state)
  } catch {
    // The connection itself failed, or did after it had been made; then "end" comes as well.
    if (state.client === undefined) later(server, state)
    else state.client.end().catch(() => {})
  }
  // Whatever was committed while nobody listened.
  announce(state)
}

function later(server: Server, state: Listening): void {
  if (state.stopped) return
  clearTimeout(state.timer)
  const pause = PAUSES[Math.min(state.tries++, PAUSES.length - 1)]!
  state.timer = setTimeout(() => void connect(server, state), pause)
  state.timer.unref()
}

function beat(client: Client, state: Listening): void {
  state.timer = setTimeout(async () => {
    try {
      await client.query("select 1")
      beat(client, state)
    } catch {
      client.end().catch(() => {})
    }
  }, HEARTBEAT)
  state.timer.unref()
}

function announce(state: Listening): void {
  if (state.due) return
  state.due = true
  setImmediate(() => {
    state.due = false
    if (!state.stopped) state.listener()
  })
}
