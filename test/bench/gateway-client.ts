// A client for the gate's bench that costs little itself: kept-alive sockets, bodies read and thrown away, times of each answer.
import { Agent, get } from "node:http"

export interface Reply {
  status: number
  bytes: number
  /** Milliseconds from the call to the last byte. */
  ms: number
}

export type Ask = (url: string, accept?: string) => Promise<Reply>

/** `sockets`: at most so many at a time; npm takes 15 to one host. */
export function createClient(sockets: number): { ask: Ask; close: () => void } {
  const agent = new Agent({ keepAlive: true, maxSockets: sockets })
  const ask: Ask = (url, accept = "*/*") =>
    new Promise((resolve, reject) => {
      const begun = performance.now()
      const headers = { accept, "user-agent": "npm/11.0.0 node/v24.0.0 linux x64 workspaces/false" }
      const request = get(url, { agent, headers }, (response) => {
        let bytes = 0
        response.on("data", (chunk: Buffer) => {
          bytes += chunk.length
        })
        response.on("end", () => resolve({ status: response.statusCode ?? 0, bytes, ms: performance.now() - begun }))
        response.on("error", reject)
      })
      request.on("error", reject)
    })
  return { ask, close: () => agent.destroy() }
}

/** Asks for all of `urls`, `at` of them at a time; milliseconds for the whole. */
export async function askAll(ask: Ask, urls: readonly string[], at: number, accept?: string): Promise<number> {
  const begun = performance.now()
  let next = 0
  const work = async () => {
    for (let url = urls[next++]; url !== undefined; url = urls[next++]) {
      const { status } = await ask(url, accept)
      if (status !== 200) throw new Error(`${new URL(url).pathname} was answered with ${status}`)
    }
  }
  await Promise.all(Array.from({ length: at }, work))
  return performance.now() - begun
}

/** `rate` requests a second for `ms` milliseconds, whatever became of those before; times of all answers. */
export async function openLoop(ask: Ask, urls: readonly string[], rate: number, ms: number): Promise<number[]> {
  const times: number[] = []
  const waiting: Promise<unknown>[] = []
  const begun = performance.now()
  for (let n = 0; n < (rate * ms) / 1000; n++) {
    const due = begun + (n * 1000) / rate
    const early = due - performance.now()
    if (early > 0) await new Promise((resolve) => setTimeout(resolve, early))
    waiting.push(ask(urls[n % urls.length]!).then((reply) => times.push(reply.ms)))
  }
  await Promise.all(waiting)
  return times
}

/** The value below which `share` of all lie. */
export function percentile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b)
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))]!
}
