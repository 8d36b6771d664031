// What a box came to, from the record: what it installed and reached, and what people said yes to.
import { rowsBack } from "../../audit/read/back.ts"
import { readBody } from "../../audit/sealing/record-shape.ts"
import type { LogRecord } from "../../audit/types.ts"
import type { Store } from "../../store/types.ts"
import type { Front } from "../front/types.ts"
import { nameOf } from "../refusal.ts"
import { summariseVisit } from "../visit.ts"
import type { BoxSummary } from "./types.ts"

/** Of each list. */
const MOST = 200

/** Sums a box's visit up, and ends it; undefined where there is none. Errors: environment (store). */
export async function summariseBox(front: Front, db: Store["db"], visit: string): Promise<BoxSummary | undefined> {
  const run = front.runs.summary(visit)?.who.run
  const summary = await summariseVisit(front, visit, true)
  if (run === undefined || summary === undefined) return undefined
  const installed = new Set<string>()
  const approved = new Set<string>()
  const hosts = new Map<number, string>()
  const reached = new Map<string, number>()
  const count = (host: string | undefined, times: number) => {
    if (host !== undefined) reached.set(host, (reached.get(host) ?? 0) + times)
  }
  // Oldest first: repeats name the records that they repeat.
  for (const [seq, record] of (await recordsOf(db, run)).reverse()) {
    const { type, outcome, item, subject, detail } = record
    if (type === "approval.granted") approved.add(subject)
    if (outcome !== "released") continue
    if (type === "package.decided" && item !== undefined) installed.add(nameOf(subject))
    if (type === "network.decided" && item !== undefined) {
      hosts.set(seq, item.name)
      count(item.name, 1)
    }
    if (type === "network.repeated") for (const [of, times] of timesOf(detail?.["of"])) count(hosts.get(of), times)
  }
  const often = [...reached].sort(([, a], [, b]) => b - a)
  return {
    ...summary,
    installed: [...installed].slice(0, MOST),
    reached: often.slice(0, MOST).map(([host, times]) => `${host} (${times})`),
    approved: [...approved].slice(0, MOST),
  }
}

/** Records of a run, the newest first, back to where it began. */
async function recordsOf(db: Store["db"], run: string): Promise<[seq: number, record: LogRecord][]> {
  const found: [number, LogRecord][] = []
  for await (const { seq, body } of rowsBack(db)) {
    const record = body.includes(`"${run}"`) ? readBody(body) : undefined
    if (record?.run !== run) continue
    if (record.type === "sandbox.started") break
    found.push([seq, record])
  }
  return found
}

/** `<seq> x<count>`, as repeats are written. */
function timesOf(of: unknown): [seq: number, times: number][] {
  return (Array.isArray(of) ? of : []).flatMap((text) => {
    const [, seq, times] = /^(\d+) x(\d+)$/.exec(String(text)) ?? []
    return seq === undefined ? [] : [[Number(seq), Number(times)] as [number, number]]
  })
}
