// What must hold of a record after any fault: each acknowledged event stands where its gateway was told, whole; nothing is in
// between, nothing twice; and the log verifies.
import { createHash } from "node:crypto"
import { expect } from "vitest"
import type { Anchor, LogRecord } from "../../../src/audit/types.ts"
import type { VerifyReport } from "../../../src/audit/verify/report.ts"
import { verifyLog } from "../../../src/audit/verify/verify.ts"
import type { Context } from "../../../src/context.ts"
import { openReader } from "../../../src/store/open.ts"
import { eventOf } from "./names.ts"

/** One acknowledgement. */
export interface Told {
  seq: number
  id: string
}

/** All records, in order; their numbers have no gap. `people` opens commitments. */
export async function readRecord(ctx: Context): Promise<{ log: LogRecord[]; people: Map<string, string> }> {
  const reader = await openReader(ctx)
  try {
    const rows = await reader.db.selectFrom("events").selectAll().orderBy("seq").execute()
    expect(rows.findIndex(({ seq }, i) => Number(seq) !== i + 1)).toBe(-1)
    const people = await reader.db.selectFrom("people").selectAll().execute()
    for (const { commitment, salt, value } of people) {
      const hash = createHash("sha256").update(Buffer.from(salt, "base64url")).update(value)
      expect(commitment).toBe(`person:${hash.digest("base64url")}`)
    }
    const log = rows.map(({ body }) => JSON.parse(body) as LogRecord)
    return { log, people: new Map(people.map(({ commitment, value }) => [commitment, value])) }
  } finally {
    await reader.close()
  }
}

/** Expects every acknowledged event at its place, every event whole and once, and a log that verifies. */
export async function expectWhole(
  ctx: Context,
  told: readonly Told[],
  anchors: readonly Anchor[] = [],
): Promise<{ log: LogRecord[]; report: VerifyReport }> {
  const { log, people } = await readRecord(ctx)
  for (const { seq, id } of told) {
    if (log[seq - 1]?.subject !== id)
      throw new Error(`${id} was acknowledged as ${seq}; there is ${log[seq - 1]?.subject}`)
  }
  const seen = new Set<string>()
  for (const record of log) {
    if (record.type !== "package.decided") continue
    if (seen.has(record.subject)) throw new Error(`${record.subject} is in the log twice`)
    seen.add(record.subject)
    expectEvent(record, people)
  }
  const report = await verifyNow(ctx, anchors)
  expect(report.problems).toEqual([])
  expect(report).toMatchObject({ intact: true, records: log.length, hashed: log.length })
  return { log, report }
}

/** Verifies the log in this thread alone. */
export function verifyNow(ctx: Context, anchors: readonly Anchor[] = []): Promise<VerifyReport> {
  return verifyLog(ctx, { keys: [], anchors, index: true, threads: 1 })
}

function expectEvent(record: LogRecord, people: ReadonlyMap<string, string>): void {
  const { operator, ...event } = eventOf(record.subject)
  const same =
    JSON.stringify(record.detail) === JSON.stringify(event.detail) &&
    record.gateway === event.gateway &&
    people.get(record.operator ?? "") === operator &&
    (record.secrets === undefined) === (event.secrets === undefined)
  if (!same) throw new Error(`${record.subject} is not what was given: ${JSON.stringify(record)}`)
}
