// The lines of an export: NDJSON, every line the RFC 8785 form of itself, so that there is one way to write what it says.
// `scripts/verify-export.py` reads the same without any code of ours.

export const EXPORT_SCHEMA = "nanoguard.audit-export/1"

/** What was chosen, beyond a range of sequence numbers; times as RFC 3339, both included. */
export interface Selection {
  agent?: string
  since?: string
  until?: string
}

/** The first line. Everything below is proven against `checkpoint`. */
export interface HeaderLine {
  type: "header"
  schema: typeof EXPORT_SCHEMA
  /** When it was made: RFC 3339. */
  time: string
  origin: string
  /** The log's public key, as C2SP verifier key. Whoever checks should have it from elsewhere. */
  key: string
  /** Signed note. */
  checkpoint: string
  /** Earlier checkpoints, each with the RFC 6962 proof that the tree of `checkpoint` begins with its own. */
  checkpoints: readonly { note: string; proof: readonly string[] }[]
  /** First and last record; without a selection every one of them is below. `to` is `from - 1` where there is none. */
  from: number
  to: number
  selection: Selection
}

/** What a personal commitment opens to, or that nobody can open it any more. */
export type PersonOpening = { commitment: string; salt: string; value: string } | { commitment: string; erased: true }

export interface RecordLine {
  type: "record"
  seq: number
  /** The record itself; its leaf is sha256(0x00 || its canonical text). */
  record: unknown
  /** RFC 6962 inclusion proof: base64, from the leaf up. */
  proof: readonly string[]
  /** Openings of what the record commits to; absent where they were left out or it names nobody. */
  people?: readonly PersonOpening[]
}

/** Records whose bodies are archived. */
export interface ArchivedLine {
  type: "archived"
  from: number
  to: number
}

/** The last line. */
export interface EndLine {
  type: "end"
  records: number
  /** Records under `archived` lines. */
  archived: number
  /** Personal values that were opened, and that were erased. */
  opened: number
  erased: number
  /** base64 of SHA-256 over every byte before this line. */
  digest: string
}

export type ExportLine = HeaderLine | RecordLine | ArchivedLine | EndLine

/** The commitments of a record to personal values: operator, approvers, note, owners of exceptions. */
export function commitmentsOf(record: unknown): string[] {
  const { operator, by, note, verdict } = record as Record<string, unknown>
  const excepted = (verdict as { excepted?: unknown } | null | undefined)?.excepted
  const owners = Array.isArray(excepted) ? excepted.map((one: { owner?: unknown } | null) => one?.owner) : []
  const all = [operator, ...(Array.isArray(by) ? by : []), note, ...owners]
  return [...new Set(all.filter((value) => typeof value === "string" && value.startsWith("person:")))] as string[]
}
