import { writeSync } from "node:fs"

const clock = new Int32Array(new SharedArrayBuffer(4))

/** Writes a line to standard output, at once and whole, however slowly it is read: what was told was told before anything else happens. */
export function tell(line: string): void {
  const bytes = Buffer.from(`${line}\n`)
  for (let at = 0; at < bytes.length; ) {
    try {
      at += writeSync(1, bytes, at)
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "EAGAIN") throw error
      Atomics.wait(clock, 0, 0, 1)
    }
  }
}
