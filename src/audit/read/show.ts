// One record, whole: what it says, who is behind its commitments, and where it lies in the tree.
import type { Kysely } from "kysely"
import { EXIT, NanoguardError } from "../../errors.ts"
import { countOf } from "../../render/clean.ts"
import type { Tables } from "../../store/schema.ts"
import { newestCheckpoint } from "../checkpoints/checkpoint.ts"
import { isSignedBy } from "../checkpoints/checkpoint-text.ts"
import type { Verifier } from "../checkpoints/note.ts"
import { ERASED, openPeople } from "../sealing/people.ts"
import { readBody } from "../sealing/record-shape.ts"
import { hashLeaf, verifyInclusion } from "../tree/merkle.ts"
import { loadInclusion, loadTiles } from "../tree/tile-table.ts"
import { TILE_WIDTH } from "../tree/tiles.ts"
import type { LogRecord } from "../types.ts"

/** A record in the tree of a checkpoint; hashes in base64. */
export interface Inclusion {
  /** The record's place, from 0: its sequence number less 1. */
  index: number
  checkpoint: { origin: string; size: number; root: string; time: string; note: string }
  /** Hashes from the leaf upwards, as RFC 6962 has them (section 2.1.1). */
  proof: string[]
  /** Whether the proof leads from this record's hash to the checkpoint's root. */
  verified: boolean
  /** Whether the log's key signed the checkpoint; null where that key is not here. */
  signed: boolean | null
}

export interface ShowReport {
  schema: "nanoguard.audit-show/1"
  seq: number
  /** Null where the body is archived, or is no record. */
  record: LogRecord | null
  /** What was hashed, byte for byte; null where it is archived. */
  body: string | null
  archived: boolean
  /** base64 of sha256(0x00 || body). */
  leaf: string
  /** What commitments open to; null once it was erased. */
  people: Record<string, string | null>
  /** Null while no checkpoint is over it. */
  inclusion: Inclusion | null
  /** Outside places that confirmed a checkpoint over it: the first that did, each. */
  anchors: { anchor: string; size: number; time: string }[]
}

/** Reads a record with its proof; `key` is the log's, where it is known. Throws `NanoguardError` (usage) where there is none; environment where the tree lacks a tile. */
export async function readShow(db: Kysely<Tables>, seq: number, size: number, key?: Verifier): Promise<ShowReport> {
  if (seq > size) {
    throw new NanoguardError(`there is no record ${seq}`, {
      exit: EXIT.usage,
      hint: size === 0 ? "the record is empty" : `the log has ${countOf(size, "record")}: 1 to ${size}`,
    })
  }
  const row = await db.selectFrom("events").select("body").where("seq", "=", seq).executeTakeFirst()
  const body = row?.body ?? null
  const record = (body !== null && readBody(body)) || null
  const stored = await storedLeaf(db, seq)
  const leaf = body === null ? stored : hashLeaf(body)
  if (leaf === undefined) {
    throw new NanoguardError(`record ${seq} is gone, and so is its hash`, {
      exit: EXIT.findings,
      hint: "run `nanoguard audit verify`",
    })
  }
  return {
    schema: "nanoguard.audit-show/1",
    ...{ seq, record, body, archived: body === null },
    leaf: base64(leaf),
    people: await openAll(db, body),
    inclusion: await readInclusion(db, seq, leaf, key),
    anchors: await readAnchors(db, seq),
  }
}

const base64 = (bytes: Uint8Array) => Buffer.from(bytes).toString("base64")

/** The record's hash as the tree has it; undefined where it is not derived. */
async function storedLeaf(db: Kysely<Tables>, seq: number): Promise<Uint8Array | undefined> {
  const position = Math.floor((seq - 1) / TILE_WIDTH)
  const tile = (await loadTiles(db, [{ level: 0, position }]))(0, position)
  const at = ((seq - 1) % TILE_WIDTH) * 32
  const leaf = tile?.subarray(at, at + 32)
  return leaf?.length === 32 ? leaf : undefined
}

/** Every commitment that the text names, wherever it stands. */
async function openAll(db: Kysely<Tables>, body: string | null): Promise<Record<string, string | null>> {
  const named = new Set(body?.match(/person:[A-Za-z0-9_-]{43}/g) ?? [])
  const opened = await openPeople(db, [...named].slice(0, MOST_PEOPLE))
  return Object.fromEntries([...opened].map(([commitment, value]) => [commitment, value === ERASED ? null : value]))
}

const MOST_PEOPLE = 1000

async function readInclusion(
  db: Kysely<Tables>,
  seq: number,
  leaf: Uint8Array,
  key: Verifier | undefined,
): Promise<Inclusion | null> {
  const checkpoint = await newestCheckpoint(db)
  if (checkpoint === undefined || checkpoint.size < seq) return null
  const { origin, size, root, note, time } = checkpoint
  const proof = await loadInclusion(db, seq - 1, size)
  return {
    index: seq - 1,
    checkpoint: { origin, size, root: base64(root), time: new Date(time).toISOString(), note },
    proof: proof.map(base64),
    verified: verifyInclusion(leaf, seq - 1, { size, root }, proof),
    signed: key === undefined ? null : isSignedBy(note, key),
  }
}

async function readAnchors(db: Kysely<Tables>, seq: number): Promise<ShowReport["anchors"]> {
  const rows = await db
    .selectFrom("publications")
    .selectAll()
    .where("size", ">=", seq)
    .orderBy("anchor")
    .orderBy("size")
    .execute()
  return [...Map.groupBy(rows, ({ anchor }) => anchor).values()].map(([first]) => {
    const { anchor, size, time } = first!
    return { anchor, size, time: new Date(time).toISOString() }
  })
}
