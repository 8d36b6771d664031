// Zip archives for tests: good ones from fflate, and bytes that no writer would produce.
import { zipSync } from "fflate"

/** A zip of text members. */
export function zipOf(members: Record<string, string>, level: 0 | 6 = 6): Buffer {
  const files = Object.fromEntries(Object.entries(members).map(([name, text]) => [name, Buffer.from(text)]))
  return Buffer.from(zipSync(files, { level }))
}
