// One stream of a box, and where it is shown.

import { once } from "node:events"
import type { Readable } from "node:stream"
import type { Output } from "../../context.ts"
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
      if (text.length > 0 && !to.write(text)) await Promise.race([once(to, "drain"), once(from, "close")])
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
