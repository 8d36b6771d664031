// A large log, made quickly: sealed records of requests, packages, runs and approvals, inserted in bulk, derived and signed.
// Usage: node test/bench/make-log.ts <records> <directory>     Goes on where an earlier call was stopped.
import { statSync } from "node:fs"
import { join } from "node:path"
import { performance } from "node:perf_hooks"
import { Kysely } from "kysely"
import { takeCheckpoint } from "../../src/audit/checkpoints/checkpoint.ts"
import { loadOrCreateLogKey } from "../../src/audit/checkpoints/keys.ts"
import { createDeriver, deriveSlice, lastSeq, readPosition } from "../../src/audit/derive/derive.ts"
import { newPerson } from "../../src/audit/sealing/people.ts"
import { personalValues, sealEvent } from "../../src/audit/sealing/seal.ts"
import type { NewEvent } from "../../src/audit/types.ts"
import type { PeopleTable, Tables } from "../../src/store/schema.ts"
import { INDEX, RECORD } from "../../src/store/sqlite/database.ts"
import { sqliteDialect } from "../../src/store/sqlite/dialect.ts"
import { openIndex } from "../../src/store/sqlite/index-file.ts"
import { openRecord } from "../../src/store/sqlite/record.ts"
import { decidedEvent, requestEvent } from "./record-events.ts"

/** Sealed patterns that the records repeat, each with its own agent, item and verdict. */
const PATTERNS = 40_000

/** Records of a run; half a second lies between two. */
const RUN = 20_000
const START = Date.UTC(2026, 0, 1)

const BLOCK = 50_000
const SLICE = 8_192

const ADVISORIES = ["GHSA-aaaa-bbbb-cccc", "GHSA-dddd-eeee-ffff", "MAL-2026-77"] as const
const RUN_ID = "run-of-pattern"

export interface MadeLog {
  /** The state directory. */
  directory: string
  records: number
  /** Bytes of record.db and of index.db. */
  bytes: readonly [number, number]
}

type Pattern = readonly [string, string, string]

/** Brings the log in `directory` (a state directory) to `count` records, derived, under a checkpoint; `say` hears how long it took. */
export async function makeLog(directory: string, count: number, say = (_: string) => {}): Promise<MadeLog> {
  const connection = await openRecord(directory)
  const record = new Kysely<Tables>({ dialect: sqliteDialect(connection, RECORD) })
  const begin = performance.now()
  const first = await lastSeq(record)
  if (first < count) {
    // Made to be thrown away: a power cut may take it.
    connection.exec("PRAGMA synchronous=OFF; PRAGMA wal_autocheckpoint=20000")
    const { patterns, people } = makePatterns()
    const insert = connection.prepare("INSERT INTO events (seq, body) VALUES (?, ?)")
    const person = connection.prepare("INSERT OR IGNORE INTO people (commitment, salt, value) VALUES (?, ?, ?)")
    for (const { commitment, salt, value } of people) person.run(commitment, salt, value)
    for (let seq = first + 1; seq <= count; ) {
      connection.exec("BEGIN IMMEDIATE")
      for (const end = Math.min(count, seq + BLOCK - 1); seq <= end; seq++) insert.run(seq, bodyOf(patterns, seq))
      connection.exec("COMMIT")
    }
    say(`${count - first} records inserted in ${since(begin)}`)
  }
  const { value: origin } = await record
    .selectFrom("settings")
    .select("value")
    .where("name", "=", "origin")
    .executeTakeFirstOrThrow()
  const index = await openIndex(directory, origin)
  index.connection.exec("PRAGMA synchronous=OFF; PRAGMA wal_autocheckpoint=20000")
  const derived = performance.now()
  const from = await readPosition(index.db)
  const deriver = createDeriver({ engine: "sqlite", source: record, index: index.db })
  for (let seq = from; seq < count; seq = (await deriveSlice(deriver, SLICE)).to);
  const seconds = (performance.now() - derived) / 1000
  if (from < count)
    say(`${count - from} records derived in ${since(derived)}: ${Math.round((count - from) / seconds)} records/s`)
  const signer = loadOrCreateLogKey(directory, origin)
  await takeCheckpoint({ record, index: index.db, size: count, signer, now: START + count * 500 })
  for (const db of [connection, index.connection]) db.exec("PRAGMA wal_checkpoint(TRUNCATE)")
  index.close()
  connection.close()
  const bytes = [RECORD, INDEX].map((name) => statSync(join(directory, name)).size) as [number, number]
  say(`${RECORD} ${mib(bytes[0])}, ${INDEX} ${mib(bytes[1])}, ${Math.round(bytes[0] / count)} bytes a record`)
  return { directory, records: count, bytes }
}

function makePatterns(): { patterns: Pattern[]; people: PeopleTable[] } {
  const people = new Map<string, PeopleTable>()
  const commitKey = new Uint8Array(32)
  const patterns = Array.from({ length: PATTERNS }, (_, n): Pattern => {
    const event = patternEvent(n)
    for (const value of personalValues(event, { commitKey }))
      if (!people.has(value)) people.set(value, newPerson(value))
    const commitments = new Map([...people].map(([value, { commitment }]) => [value, commitment as never]))
    const body = sealEvent(event, { commitKey, commitments, time: START })
    const [head, rest] = halves(body, `"run":"${RUN_ID}`)
    const [middle, tail] = halves(rest, `"time":"${new Date(START).toISOString()}`)
    return [`${head}"run":"run-`, `${middle}"time":"`, tail]
  })
  return { patterns, people: [...people.values()] }
}

/** Three requests to one package; now and then an approval, a refusal, a held one; few runs that begin or end. */
function patternEvent(n: number): NewEvent {
  const agent = `agent-${(n * 7) % 50}`
  const common = { agent, run: RUN_ID, operator: `person-${n % 20}@acme.example`, gateway: `gateway-${n % 3}` }
  if (n % 1_000 === 1) return { type: "sandbox.started", subject: agent, ...common }
  if (n % 1_000 === 2) return { type: "sandbox.ended", subject: agent, outcome: "released", ...common }
  const outcome = n % 17 === 0 ? "refused" : n % 23 === 0 ? "held" : "released"
  const by = n % 29 === 0 ? [`approver-${n % 5}@acme.example`] : undefined
  const more = { ...common, outcome, ...(by && { by }) } as const
  if (n % 4 > 0) {
    const host = `host-${(n * 31) % 400}.example.com`
    return { ...requestEvent(n), ...more, item: { kind: "host", name: host }, subject: `GET https://${host}/v1` }
  }
  const event = decidedEvent(n)
  const name = `pkg:npm/package-${(n * 13) % 2_500}`
  const item = { ...event.item!, name, version: `1.${n % 5}.0` }
  if (outcome !== "refused") return { ...event, ...more, item }
  const decision = structuredClone(event.decision!)
  decision.verdict.evidence = [{ kind: "advisory", id: ADVISORIES[n % ADVISORIES.length]!, severity: "high" }]
  return { ...event, ...more, item, decision }
}

function bodyOf(patterns: readonly Pattern[], seq: number): string {
  const [head, middle, tail] = patterns[(Math.imul(seq, 0x9e3779b1) >>> 0) % PATTERNS]!
  return `${head}${Math.floor(seq / RUN)}${middle}${new Date(START + seq * 500).toISOString()}${tail}`
}

function halves(text: string, at: string): [string, string] {
  const place = text.indexOf(at)
  if (place < 0) throw new Error(`no ${at} in ${text}`)
  return [text.slice(0, place), text.slice(place + at.length)]
}

const since = (start: number) => `${((performance.now() - start) / 1000).toFixed(1)} s`
const mib = (bytes: number) => `${(bytes / 1024 ** 2).toFixed(0)} MiB`

if (import.meta.main) {
  const [count, directory] = process.argv.slice(2)
  if (!directory || !(Number(count) > 0)) throw new Error("usage: node test/bench/make-log.ts <records> <directory>")
  await makeLog(directory, Number(count), (text) => process.stdout.write(`${text}\n`))
}
