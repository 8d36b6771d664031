// One range of the log: its bodies hashed and laid beside the tree, and read again for what the index should say of them.
import { setImmediate } from "node:timers/promises"
import { parseBody } from "../derive/index-rows.ts"
import { TILE_WIDTH } from "../tree/tiles.ts"
import { beginIndexRange, type EntryText, type IndexRange } from "./index-range.ts"
import { beginMentions, type Mentions } from "./mentions.ts"
import { type BodyRow, beginScan, type ScanResult, type ScanTask } from "./scan.ts"

/** Where a range is read from. Rows come in order of their sequence numbers, all between `from` and `to`, both included. */
export interface RangeSource {
  bodies(from: number, to: number): readonly BodyRow[] | Promise<readonly BodyRow[]>
  /** The stored leaf tile at a position; undefined where there is none. */
  tile(position: number): Uint8Array | undefined | Promise<Uint8Array | undefined>
  /** The rows of `entries`; undefined where the index is not to be compared. */
  entries: ((from: number, to: number) => readonly EntryText[] | Promise<readonly EntryText[]>) | undefined
  /** How far bodies are archived by now, where others may be at it meanwhile. */
  archived?: () => number
}

export interface RangeTask extends ScanTask {
  /** Records whose rows in the index are compared, from the first on. */
  indexed: number
  /** Whether bodies are read, and not only hashed. */
  read: boolean
}

export interface RangeResult {
  scan: ScanResult
  /** Absent where no record of the range was to be compared with the index. */
  index?: IndexRange
  /** Absent where bodies were only to be hashed. */
  mentions?: Mentions
  /** How far bodies are archived by now, where some of the range were not there. */
  archived?: number
}

/** Records between two turns of the event loop. */
const TURN = 64 * TILE_WIDTH

/** Checks one range. Throws what the source throws. */
export async function checkRange(source: RangeSource, task: RangeTask): Promise<RangeResult> {
  const scan = beginScan(task)
  const mentions = task.read ? beginMentions() : undefined
  const index = source.entries && task.indexed >= task.from ? beginIndexRange() : undefined
  for (let from = task.from; from <= task.to; from += TILE_WIDTH) {
    const to = Math.min(task.to, from + TILE_WIDTH - 1)
    // Files answer at once: whoever else lives in this thread has its turn now and then.
    if ((from - task.from) % TURN === 0) await setImmediate()
    const rows = await source.bodies(from, to)
    scan.addTile(rows, await source.tile((from - 1) / TILE_WIDTH))
    if (!mentions) continue
    const parsed = rows.map(([seq, body]) => [seq, parseBody(body)] as const)
    mentions.add(parsed)
    if (!index || from > task.indexed) continue
    const last = Math.min(to, task.indexed)
    index.addRows(parsed, from, last, await source.entries!(from, last))
  }
  const result: RangeResult = { scan: scan.result() }
  if (index) result.index = index.result()
  if (mentions) result.mentions = mentions.result()
  if (source.archived && result.scan.hashed < task.to - task.from + 1) result.archived = source.archived()
  return result
}
