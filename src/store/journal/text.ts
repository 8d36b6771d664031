// What a segment of the traffic journal says, as text: a head, then a line for each turn of the event loop. Each line begins with its
// CRC-32, so that what a crash cut off is known for it. Pure.
import { crc32 } from "node:zlib"

/** How often which records were repeated, by what all repeats of one agent, run and host have in common (JSON of an event's part). */
export type Repeated = Map<string, Map<number, number>>

/** What a segment's file has. */
export interface SegmentText {
  /** Name of the log whose records it refers to. */
  origin: string
  repeated: Repeated
}

/** The head of a segment. */
export function headLine(origin: string): string {
  return line(JSON.stringify({ journal: 1, origin }))
}

/** The line of one turn. */
export function turnLine(turn: Repeated): string {
  let text = ""
  for (const [common, counts] of turn) text += `${text === "" ? "[" : ","}[${common},${JSON.stringify([...counts])}]`
  return line(`${text}]`)
}

/** Counts what is in `more` into `all`. */
export function addRepeated(all: Repeated, more: Repeated): void {
  for (const [common, counts] of more) {
    const known = all.get(common)
    if (known === undefined) all.set(common, counts)
    else for (const [seq, count] of counts) known.set(seq, (known.get(seq) ?? 0) + count)
  }
}

/** Reads a segment as far as it is whole: what follows was acknowledged to nobody. Undefined where not even the head is. */
export function readSegment(text: string): SegmentText | undefined {
  const repeated: Repeated = new Map()
  let origin: string | undefined
  // Without the end of its line nothing is whole.
  for (const read of text.split("\n").slice(0, -1)) {
    const json = read.slice(9)
    if (read[8] !== " " || read.slice(0, 8) !== checksum(json)) break
    const value: unknown = JSON.parse(json)
    if (origin === undefined) origin = String((value as { origin: string }).origin)
    else addRepeated(repeated, turnOf(value as [unknown, [number, number][]][]))
  }
  return origin === undefined ? undefined : { origin, repeated }
}

const turnOf = (entries: readonly [unknown, [number, number][]][]): Repeated =>
  new Map(entries.map(([common, counts]) => [JSON.stringify(common), new Map(counts)]))

const line = (json: string) => `${checksum(json)} ${json}\n`

const checksum = (json: string) => crc32(json).toString(16).padStart(8, "0")
