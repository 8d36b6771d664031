// One stream of a box, and where it is shown.

import { once } from "node:events"
import { fstatSync, readFileSync } from "node:fs"
import type { Readable, Writable } from "node:stream"
import type { Context, Output } from "../../context.ts"
import { takesMore } from "./drain.ts"
import { createTerminalFilter } from "./filter.ts"

/**
 * How a stream of the box is given to what starts it: through a pipe where a terminal shows it, so that it can be filtered; else as it
 * is, so that not a byte of a file or pipe is touched.
 */
export function streamFor(to: Output): "pipe" | "inherit" {
  const own = to === process.stdout || to === process.stderr
  return own && to.isTTY !== true ? "inherit" : "pipe"
}

/**
 * How the person's standard input is given to what starts a box without a terminal. Who holds a terminal may write on it, past every
 * filter, and who holds a file may open it anew, to write as well (proc_pid_fd(5)): those come through a pipe. A job in
 * the background would be stopped for reading its terminal, and gets nothing of it.
 */
export function inputFor(ctx: Pick<Context, "stdin">): "pipe" | "inherit" | "ignore" {
  if (ctx.stdin !== process.stdin) return "pipe"
  if (ctx.stdin.isTTY === true) return isInBackground() ? "ignore" : "pipe"
  return isFile(0) ? "pipe" : "inherit"
}

/** By proc_pid_stat(5): the fifth field is our process group, the eighth that of the terminal's foreground. */
function isInBackground(): boolean {
  try {
    const fields = readFileSync("/proc/self/stat", "latin1").split(") ").at(-1)!.split(" ")
    return fields[2] !== fields[5]
  } catch {
    return false
  }
}

/** Passes what a person types, or a file holds, to a box until it is gone. */
export function pass({ stdin }: Pick<Context, "stdin">, to: Writable, gone: Promise<unknown>): void {
  const end = () => {
    stdin.unpipe(to)
    stdin.pause()
    to.destroy()
  }
  // It may read as little as it likes.
  to.on("error", end)
  stdin.pipe(to)
  void gone.then(end)
}

function isFile(fd: number): boolean {
  try {
    return fstatSync(fd).isFile()
  } catch {
    return false
  }
}

/**
 * Shows what comes until there is no more; on a terminal through the filter, which is set right at the end. Where nobody reads any
 * more (a closed terminal or pipe) the box's end is closed, too, so that it is told as any program is. `keep` is given all of it.
 */
export async function show(from: Readable, to: Output, keep?: (chunk: Uint8Array) => void): Promise<void> {
  const filter = to.isTTY === true ? createTerminalFilter() : undefined
  const closed = () => void from.destroy()
  to.on("error", closed)
  try {
    for await (const chunk of from as AsyncIterable<Buffer>) {
      keep?.(chunk)
      const text = filter === undefined ? chunk : filter.write(chunk)
      if (text.length > 0 && !to.write(text) && !(await hasRoom(to, from))) break
    }
  } catch {
    // The stream ended in the middle: so does what is shown.
  }
  if (filter !== undefined) {
    const rest = Buffer.concat([filter.end(), Buffer.from(filter.resetSequence())])
    if (rest.length > 0) to.write(rest)
  }
  to.off("error", closed)
}

/** Whether `to` takes more; resolves once that is known, or `from` is gone. Nothing listens for it afterwards. */
async function hasRoom(to: Output, from: Readable): Promise<boolean> {
  const over = new AbortController()
  try {
    return await Promise.race([takesMore(to), once(from, "close", { signal: over.signal }).then(() => true)])
  } finally {
    over.abort()
  }
}
