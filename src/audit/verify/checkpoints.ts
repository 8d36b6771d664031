// The checkpoints that the store holds: read, their signatures checked. What their roots say is compared once all is hashed.
import type { Kysely } from "kysely"
import type { Tables } from "../../store/schema.ts"
import { parseCheckpoint, verifyCheckpoint } from "../checkpoints/checkpoint-text.ts"
import type { Verifier } from "../checkpoints/note.ts"
import { NoteError } from "../checkpoints/note-error.ts"
import type { Problems } from "./report.ts"

/** A root that the log once had, as one of its checkpoints says. */
export interface SignedRoot {
  size: number
  root: Uint8Array
  /** Where it is from: an anchor's name, or "" for the store itself. */
  anchor: string
}

const PAGE = 500

/** Says which checkpoints an outside place has confirmed, or holds, that the store no longer has. */
export async function compareKnown(
  db: Kysely<Tables>,
  outside: readonly SignedRoot[],
  records: number,
  problems: Problems,
): Promise<void> {
  const published = await db.selectFrom("publications").select(["anchor", "size"]).orderBy("size").execute()
  const known = [...published, ...outside].filter(({ size }) => size <= records)
  for (let at = 0; at < known.length; at += PAGE) {
    const some = known.slice(at, at + PAGE)
    const sizes = [...new Set(some.map(({ size }) => size))]
    const rows = await db.selectFrom("checkpoints").select("size").where("size", "in", sizes).execute()
    const present = new Set(rows.map(({ size }) => size))
    for (const [size, [first]] of Map.groupBy(some, (one) => one.size)) {
      if (present.has(size)) continue
      const what = `the checkpoint of ${size} records, which ${first!.anchor} has, is gone from the store`
      problems.add({ code: "checkpoint.missing", seq: size, what })
    }
  }
}

/** Reads every checkpoint. Those whose form or signature is wrong become problems and are not returned. */
export async function readCheckpoints(
  db: Kysely<Tables>,
  origin: string,
  keys: readonly Verifier[],
  problems: Problems,
): Promise<{ roots: SignedRoot[]; count: number }> {
  const roots: SignedRoot[] = []
  let count = 0
  for (let after = -1; ; ) {
    const query = db.selectFrom("checkpoints").selectAll().where("size", ">", after).orderBy("size").limit(PAGE)
    const rows = await query.execute()
    for (const row of rows) {
      const checked = checkNote(row.note, origin, keys)
      const place = `the checkpoint of ${row.size} records`
      if ("problem" in checked) {
        const code = checked.malformed ? "checkpoint.malformed" : "checkpoint.signature"
        problems.add({ code, seq: row.size, what: `${place}: ${checked.problem}` })
      } else if (checked.size !== row.size || Buffer.from(checked.root).toString("base64") !== row.root) {
        const what = `${place} has another size or root beside it than the one that is signed`
        problems.add({ code: "checkpoint.malformed", seq: row.size, what })
      } else {
        roots.push({ size: checked.size, root: checked.root, anchor: "" })
      }
    }
    count += rows.length
    after = rows.at(-1)?.size ?? after
    if (rows.length < PAGE) return { roots, count }
  }
}

/** Size and root of a note that one of the keys signed; where there is no key, of one that says so without proof. */
export function checkNote(
  note: string,
  origin: string,
  keys: readonly Verifier[],
): { size: number; root: Uint8Array } | { problem: string; malformed: boolean } {
  let parsed: ReturnType<typeof parseCheckpoint>
  try {
    parsed = parseCheckpoint(note)
  } catch (error) {
    return { problem: messageOf(error), malformed: true }
  }
  if (parsed.origin !== origin) return { problem: `it is of another log, ${parsed.origin}`, malformed: true }
  if (keys.length === 0) return parsed
  try {
    return verifyCheckpoint(note, origin, keys)
  } catch (error) {
    return { problem: messageOf(error), malformed: false }
  }
}

function messageOf(error: unknown): string {
  if (error instanceof NoteError) return error.message
  throw error
}
