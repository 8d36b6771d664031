// Records with their proofs, line by line: what an auditor checks without this program, its store or its host.
import { createHash } from "node:crypto"
import type { Kysely } from "kysely"
import { EXIT, NanoguardError } from "../../errors.ts"
import type { PeopleTable, Tables } from "../../store/schema.ts"
import { formatVerifier, type Verifier } from "../checkpoints/note.ts"
import { parseBody } from "../derive/index-rows.ts"
import { readArchived } from "../read/query.ts"
import { canonicalText } from "../sealing/canonical.ts"
import { opensPerson } from "../sealing/people.ts"
import { loadConsistency } from "../tree/tile-table.ts"
import { TILE_WIDTH } from "../tree/tiles.ts"
import type { Checkpoint } from "../types.ts"
import { commitmentsOf, EXPORT_SCHEMA, type ExportLine, type PersonOpening, type Selection } from "./format.ts"
import { proveBlock } from "./proofs.ts"

export interface ExportOptions {
  /** The log's public key. */
  key: Verifier
  /** Over all that is to be exported; its tree must be derived. */
  checkpoint: Checkpoint
  /** Milliseconds since the epoch. */
  now: number
  /** First and last sequence number; the first of the log and the last of the checkpoint where absent or beyond. */
  from?: number | undefined
  to?: number | undefined
  selection: Selection
  /** Whether personal commitments are opened. */
  people: boolean
}

/** What was exported. */
export interface ExportCounts {
  records: number
  archived: number
  opened: number
  erased: number
}

/** Earlier checkpoints that a header proves; outside places hold them. */
const MOST_CHECKPOINTS = 64

/** Openings that are remembered: operators come again with every record, notes never. */
const REMEMBERED = 10_000

/**
 * The lines of an export, each with its newline; the counts at the end. Holds 256 records at once. Throws `NanoguardError` where
 * the store has changed under the checkpoint: then nothing that could be exported would verify.
 */
export async function* exportLog(db: Kysely<Tables>, options: ExportOptions): AsyncGenerator<string, ExportCounts> {
  const { key, checkpoint, selection } = options
  const { size } = checkpoint
  const from = Math.min(Math.max(1, options.from ?? 1), size + 1)
  const to = Math.max(from - 1, Math.min(options.to ?? size, size))
  const digest = createHash("sha256")
  const write = (text: string): string => {
    digest.update(text)
    return text
  }
  yield write(
    lineOf({
      ...{ type: "header", schema: EXPORT_SCHEMA, time: new Date(options.now).toISOString(), origin: key.name },
      ...{ key: formatVerifier(key), checkpoint: checkpoint.note, checkpoints: await proveCheckpoints(db, checkpoint) },
      ...{ from, to, selection },
    }),
  )
  const counts: ExportCounts = { records: 0, archived: 0, opened: 0, erased: 0 }
  const people = openPeople(db)
  const archived = Math.min(to, await readArchived(db))
  if (archived >= from) {
    counts.archived = archived - from + 1
    yield write(lineOf({ type: "archived", from, to: archived }))
  }
  for (let first = Math.max(from, archived + 1); first <= to; ) {
    const last = Math.min(to, Math.ceil(first / TILE_WIDTH) * TILE_WIDTH)
    const rows = await readBodies(db, first, last)
    if (rows.length < last - first + 1) throw changed(`records are missing between ${first} and ${last}`)
    const chosen = rows.map(({ seq, body }) => ({ seq, body, record: chooseRecord(seq, body, selection) }))
    const wanted = chosen.filter(({ record }) => record !== undefined)
    const prove = wanted.length > 0 ? await proveBlock(db, Math.floor((first - 1) / TILE_WIDTH), checkpoint) : undefined
    let block = ""
    for (const { seq, body, record } of wanted) {
      const opened = options.people ? await people(commitmentsOf(record)) : []
      for (const person of opened) counts["erased" in person ? "erased" : "opened"]++
      counts.records++
      const proof = prove!(seq, body)
      if (proof === undefined) throw changed(`record ${seq} is not the one in the tree`)
      // The members in canonical order; the body is its own canonical form.
      const named = opened.length > 0 ? `"people":${canonicalText(opened)},` : ""
      block += `{${named}"proof":[${proof}],"record":${body},"seq":${seq},"type":"record"}\n`
    }
    if (block !== "") yield write(block)
    first = last + 1
  }
  yield lineOf({ type: "end", ...counts, digest: digest.digest("base64") })
  return counts
}

function lineOf(line: ExportLine): string {
  return `${canonicalText(line)}\n`
}

function readBodies(db: Kysely<Tables>, from: number, to: number): Promise<{ seq: number; body: string }[]> {
  const query = db.selectFrom("events").select(["seq", "body"]).where("seq", ">=", from).where("seq", "<=", to)
  return query.orderBy("seq").execute()
}

/** The record, where it is chosen: asked of the body and not of the index, which may lack rows. */
function chooseRecord(seq: number, body: string, { agent, since, until }: Selection): unknown {
  const record = parseBody(body) as { agent?: string; time: string } | undefined
  if (record === undefined) throw unreadable(seq)
  // Every line is the canonical form of itself: whoever verifies an export refuses it for one that is not.
  if (canonicalText(record) !== body) throw unreadable(seq)
  if (agent !== undefined && record.agent !== agent) return undefined
  if (since !== undefined && !(record.time >= since)) return undefined
  if (until !== undefined && !(record.time <= until)) return undefined
  return record
}

function unreadable(seq: number): NanoguardError {
  return new NanoguardError(
    `record ${seq} is none that this version writes: whoever verifies it would refuse the export`,
    {
      exit: EXIT.findings,
      hint: `run \`nanoguard audit verify\`; what is around it can be exported with --to ${seq - 1} and with --from ${seq + 1}`,
    },
  )
}

/** Those that outside places have confirmed, else the newest; each proven to be a beginning of the checkpoint's tree. */
async function proveCheckpoints(db: Kysely<Tables>, { size }: Checkpoint) {
  const published = db.selectFrom("publications").select("size").distinct().where("size", "<", size)
  const sizes = await published.orderBy("size", "desc").limit(MOST_CHECKPOINTS).execute()
  let query = db.selectFrom("checkpoints").selectAll().where("size", "<", size).orderBy("size", "desc")
  if (sizes.length > 0)
    query = query.where(
      "size",
      "in",
      sizes.map((row) => row.size),
    )
  const rows = await query.limit(MOST_CHECKPOINTS).execute()
  const proven = []
  for (const { size: older, note } of rows.reverse()) {
    const proof = await loadConsistency(db, older, size)
    proven.push({ note, proof: proof.map((hash) => Buffer.from(hash).toString("base64")) })
  }
  return proven
}

/** Looks commitments up, and remembers the last ones. */
function openPeople(db: Kysely<Tables>): (commitments: readonly string[]) => Promise<PersonOpening[]> {
  const known = new Map<string, PersonOpening>()
  return async (commitments) => {
    const unknown = commitments.filter((commitment) => !known.has(commitment))
    if (unknown.length > 0) {
      if (known.size > REMEMBERED) known.clear()
      const missing = commitments.filter((commitment) => !known.has(commitment))
      const rows = await db.selectFrom("people").selectAll().where("commitment", "in", missing).execute()
      const found = new Map<string, PeopleTable>(rows.map((row) => [row.commitment, row]))
      for (const commitment of missing) known.set(commitment, openingOf(commitment, found.get(commitment)))
    }
    return commitments.map((commitment) => known.get(commitment)!)
  }
}

function openingOf(commitment: string, row: PeopleTable | undefined): PersonOpening {
  if (!row) return { commitment, erased: true }
  if (!opensPerson(row)) throw changed("a personal value is not the one that was committed to")
  return { commitment, salt: row.salt, value: row.value }
}

function changed(what: string): NanoguardError {
  return new NanoguardError(`the log cannot be exported: ${what}`, {
    exit: EXIT.findings,
    hint: "run `nanoguard audit verify`: it names the first bad record",
  })
}
