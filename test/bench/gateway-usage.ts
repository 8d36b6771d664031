// Loaded into every process of the gate's bench (`--import`): tells its processor time and memory, of whatever program it is.
import { writeFileSync } from "node:fs"

/** Seconds of processor time of all threads since the start, and resident MiB. */
export interface Usage {
  cpu: number
  rss: number
}

const usage = (): Usage => {
  const { user, system } = process.cpuUsage()
  return { cpu: (user + system) / 1e6, rss: process.memoryUsage.rss() / 2 ** 20 }
}

if (process.send !== undefined) {
  // A worker thread of the program has no channel of its own.
  process.on("message", (message) => {
    if (message === "usage") process.send?.({ usage: usage() })
  })
}
const file = process.env["BENCH_USAGE"]
if (file !== undefined) process.on("exit", () => writeFileSync(file, JSON.stringify(usage())))
