// What the index must be, from the records alone: written plainly, with nothing of the code under test. And ways to read what
// it is.
import type { Kysely } from "kysely"
import type { LogRecord } from "../../../src/audit/types.ts"
import type { Tables } from "../../../src/store/schema.ts"
import { mth, sha256 } from "../oracle.ts"

/** All rows of the derived tables as text, in the order of their keys. */
export type Dump = Record<string, string[]>

const ORDER = {
  tiles: ["level", "position"],
  entries: ["seq"],
  agents: ["id"],
  items: ["id"],
  uses: ["id"],
  touched: ["advisory", "use"],
} as const

/** Reads the derived tables whole. */
export async function dumpIndex(db: Kysely<Tables>): Promise<Dump> {
  const dump: Dump = {}
  for (const [table, keys] of Object.entries(ORDER)) {
    const rows = await db
      .selectFrom(table as keyof Tables)
      .selectAll()
      .execute()
    dump[table] = rows.map((row) => textOf(row)).sort()
    expectKeys(rows, keys)
  }
  const derived = await db.selectFrom("derived").selectAll().where("name", "=", "seq").execute()
  dump["derived"] = derived.map(({ value }) => String(value))
  return dump
}

/** The tables that a naive reading of the bodies gives. */
export function modelIndex(bodies: readonly string[]): Dump {
  const agents = new Map<string, Record<string, unknown>>()
  const items = new Map<string, Record<string, unknown>>()
  const uses = new Map<string, Record<string, unknown>>()
  const touched = new Map<string, Record<string, unknown>>()
  const entries = bodies.map((body, at) => {
    const record = JSON.parse(body) as LogRecord
    const { agent = "", run = "", operator = "", outcome = "", kind, type, gateway } = record
    const policy = record.policy ?? record.verdict?.policyHash ?? ""
    const time = new Date(record.time).getTime()
    const seq = at + 1
    if (agent || run) {
      const row = find(agents, [agent, run], (id) => ({
        ...{ id, agent, run, operator: "", gateway: "", policy: "", boxed: null, first: time, last: time, events: 0 },
        ...{ started: null, ended: null, outcome: "" },
      }))
      Object.assign(row, { events: Number(row["events"]) + 1, gateway })
      spread(row, time)
      if (operator) row["operator"] = operator
      if (policy) row["policy"] = policy
      if (record.boxed !== undefined) row["boxed"] = record.boxed ? 1 : 0
      if (type === "sandbox.started" && row["started"] === null) row["started"] = time
      if (type === "sandbox.ended") Object.assign(row, { ended: time, outcome })
    }
    let use: unknown = null
    const repeated = type === "network.repeated" ? (record.detail?.["of"] as string[]) : []
    const times = repeated.reduce((sum, one) => sum + Number(one.split(" x")[1]), 0) || 1
    if (record.item) {
      const { name, version = "", digest = "" } = record.item
      const item = find(items, [record.item.kind, name, version, digest], (id) => ({
        ...{ id, kind: record.item!.kind, name, version, digest },
      }))["id"]
      const approvers = [...new Set(record.by ?? [])].sort().join(" ")
      const row = find(uses, [agent, item, outcome, operator, policy, approvers], (id) => ({
        ...{ id, agent, item, outcome, operator, policy, approvers },
        ...{ firstSeq: seq, lastSeq: seq, first: time, last: time, count: 0 },
      }))
      Object.assign(row, { lastSeq: seq, count: Number(row["count"]) + times })
      spread(row, time)
      use = row["id"]
      const shown = record.verdict?.evidence.filter((evidence) => evidence.kind === "advisory") ?? []
      for (const advisory of [...shown, ...(record.evidence?.facts?.advisories ?? [])]) {
        const { id, aliases = [] } = advisory as unknown as { id: string; aliases?: string[] }
        for (const name of [id, ...aliases]) touched.set(`${name} ${use}`, { advisory: name, use })
      }
    }
    return { seq, time, kind, type, agent, run, effect: record.verdict?.effect ?? "", outcome, use, times }
  })
  const table = (rows: Iterable<object>) => [...rows].map((row) => textOf(row)).sort()
  return {
    tiles: modelTiles(bodies),
    entries: table(entries),
    agents: table(agents.values()),
    items: table(items.values()),
    uses: table(uses.values()),
    touched: table(touched.values()),
    derived: [String(bodies.length)],
  }
}

/** The tiles of `modelIndex`, by the definition of a Merkle tree hash: each hash in one is that of 256^level leaves. */
export function modelTiles(bodies: readonly string[]): string[] {
  return [...tilesOf(bodies)].map(textOf).sort()
}

function* tilesOf(bodies: readonly string[]) {
  let hashes = bodies.map((body): Uint8Array => sha256(Buffer.of(0), Buffer.from(body)))
  for (let level = 0; hashes.length > 0; level++) {
    const above: Uint8Array[] = []
    for (let position = 0; position * 256 < hashes.length; position++) {
      const tile = hashes.slice(position * 256, (position + 1) * 256)
      yield { level, position, hashes: Buffer.concat(tile) }
      if (tile.length === 256) above.push(mth(tile))
    }
    hashes = above
  }
}

function find(
  rows: Map<string, Record<string, unknown>>,
  key: readonly unknown[],
  create: (id: number) => Record<string, unknown>,
) {
  const name = JSON.stringify(key)
  const row = rows.get(name) ?? create(rows.size + 1)
  rows.set(name, row)
  return row
}

function spread(row: Record<string, unknown>, time: number): void {
  if (time < Number(row["first"])) row["first"] = time
  if (time > Number(row["last"])) row["last"] = time
}

/** A row with its members in order, bytes in hex. */
export function textOf(row: object): string {
  const members = Object.entries(row).map(([name, value]) => [
    name,
    value instanceof Uint8Array ? Buffer.from(value).toString("hex") : value,
  ])
  return JSON.stringify(Object.fromEntries(members.sort(([a], [b]) => (String(a) < String(b) ? -1 : 1))))
}

/** A key that is there twice would be hidden by nothing else. */
function expectKeys(rows: readonly object[], keys: readonly string[]): void {
  const seen = new Set(rows.map((row) => keys.map((key) => (row as Record<string, unknown>)[key]).join("\0")))
  if (seen.size !== rows.length) throw new Error("a key is there twice")
}
