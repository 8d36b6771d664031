// Checks an export without any store: what scripts/verify-export.py does, for those who have nanoguard at hand.
import { createHash } from "node:crypto"
import { NanoguardError } from "../../errors.ts"
import { parseForeignJson } from "../../foreign-json.ts"
import { formatVerifier, parseVerifier, type Verifier } from "../checkpoints/note.ts"
import { commitmentsOf, EXPORT_SCHEMA, type PersonOpening, type Selection } from "../export/format.ts"
import { canonicalText } from "../sealing/canonical.ts"
import { opensPerson } from "../sealing/people.ts"
import { hashLeaf, type TreeHead, verifyConsistency, verifyInclusion } from "../tree/merkle.ts"
import type { Checkpoint } from "../types.ts"
import { checkNote } from "./checkpoints.ts"
import { hashesIn, listOf, noMoreThan, objectOf, Rejected, reject, textIn, wholeIn } from "./export-values.ts"

export interface ExportReport {
  schema: "nanoguard.audit-verify-export/1"
  accepted: boolean
  /** Why not: the line and what is wrong with it. Holds text from outside. */
  rejected: string | null
  origin: string
  key: string
  records: number
  from: number
  to: number
  /** Records under the checkpoint that everything is proven against. */
  size: number
  unchecked: string[]
}

interface Header {
  key: Verifier
  head: TreeHead
  from: number
  to: number
  selection: Selection
  /** Root by size, of every checkpoint in the header. */
  known: Map<number, Uint8Array>
}

interface Counts {
  records: number
  archived: number
  opened: number
  erased: number
}

/**
 * Checks the lines of an export, each with its newline (the last without, if the file was cut there). `key`: the log's, from
 * elsewhere; `outside`: reads the checkpoints of a log that were kept elsewhere. Never throws for what is in the lines.
 */
export async function verifyExport(
  lines: AsyncIterable<Uint8Array>,
  key: Verifier | undefined,
  outside?: (origin: string) => Promise<readonly Checkpoint[]>,
): Promise<ExportReport> {
  const counts: Counts = { records: 0, archived: 0, opened: 0, erased: 0 }
  const state: State = { header: undefined, next: 0, ended: false, counts, digest: createHash("sha256") }
  let number = 0
  let rejected: string | null = null
  const unchecked: string[] = []
  try {
    for await (const line of lines) {
      number++
      takeLine(state, line, key)
    }
    number = 0
    if (!state.ended) reject("it ends before its end: it was cut")
    unchecked.push(...(await compareOutside(state.header!, outside)))
  } catch (error) {
    if (!(error instanceof Rejected)) throw error
    rejected = `${number > 0 ? `line ${number}` : "the file"}: ${error.message}`
  }
  const { header } = state
  if (key === undefined) unchecked.unshift("whether the key is the log's: it came with the file (give --key)")
  if (header && isSelected(header)) unchecked.push("whether the selection left records out")
  if (counts.archived > 0) unchecked.push(`${counts.archived} archived records`)
  return {
    ...{ schema: "nanoguard.audit-verify-export/1", accepted: rejected === null, rejected },
    ...{ origin: header?.key.name ?? "", key: header ? formatVerifier(header.key) : "" },
    ...{ records: counts.records, from: header?.from ?? 0, to: header?.to ?? 0, size: header?.head.size ?? 0 },
    unchecked: rejected === null ? unchecked : [],
  }
}

interface State {
  header: Header | undefined
  /** The record that comes next. */
  next: number
  ended: boolean
  counts: Counts
  digest: ReturnType<typeof createHash>
}

const UTF8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true })

function takeLine(state: State, bytes: Uint8Array, key: Verifier | undefined): void {
  if (state.ended) reject("it stands after the end")
  if (bytes.at(-1) !== 0x0a) reject("it is cut off")
  const line = parseLine(bytes)
  const { header, counts } = state
  if (!header) {
    state.header = readHeader(line, key)
    state.next = state.header.from
  } else if (line["type"] === "record") {
    const seq = wholeIn(line, "seq")
    const fits = isSelected(header) ? seq >= state.next : seq === state.next
    if (!fits || seq > header.to) reject(`record ${seq} stands where record ${state.next} should`)
    checkRecord(line, seq, header, counts)
    state.next = seq + 1
  } else if (line["type"] === "archived") {
    noMoreThan(line, ["type", "from", "to"])
    const [from, to] = [wholeIn(line, "from"), wholeIn(line, "to")]
    if (from !== state.next || to < from || to > header.to) reject("it is another range than is missing here")
    counts.archived += to - from + 1
    state.next = to + 1
  } else if (line["type"] === "end") {
    checkEnd(line, state, header)
    state.ended = true
  } else reject("it is of no kind that is known")
  state.digest.update(bytes)
}

function parseLine(bytes: Uint8Array): Record<string, unknown> {
  let same = false
  let value: unknown
  try {
    const text = UTF8.decode(bytes)
    value = parseForeignJson(text)
    same = `${canonicalLine(value)}\n` === text
  } catch (error) {
    if (error instanceof SyntaxError || error instanceof TypeError || error instanceof NanoguardError)
      reject("it is not JSON")
    throw error
  }
  if (!same) reject("it is not the canonical form of itself")
  return objectOf(value)
}

/** Member by member: a record may be nested as deeply as canonical text is allowed to be, and lies a level deeper here. */
function canonicalLine(value: unknown): string {
  const members = Object.entries(objectOf(value)).sort(([a], [b]) => (a < b ? -1 : 1))
  return `{${members.map(([name, member]) => `${canonicalText(name)}:${canonicalText(member)}`).join(",")}}`
}

function readHeader(line: Record<string, unknown>, trusted: Verifier | undefined): Header {
  const members = ["type", "schema", "time", "origin", "key", "checkpoint", "checkpoints", "from", "to", "selection"]
  noMoreThan(line, members)
  if (line["type"] !== "header" || line["schema"] !== EXPORT_SCHEMA) reject("it is no header of this format")
  const text = textIn(line, "key")
  if (trusted && text !== formatVerifier(trusted)) reject("it is signed for another key than the one given")
  const key = keyOf(text)
  if (line["origin"] !== key.name) reject("its origin is not the key's name")
  const head = headOf(textIn(line, "checkpoint"), key)
  const known = new Map([[head.size, head.root]])
  for (const item of listOf(line["checkpoints"]).map(objectOf)) {
    noMoreThan(item, ["note", "proof"])
    const older = headOf(textIn(item, "note"), key)
    if (!verifyConsistency(older, head, hashesIn(item, "proof"))) {
      reject(`its checkpoint of ${older.size} records is not a beginning of this tree`)
    }
    known.set(older.size, older.root)
  }
  const [from, to] = [wholeIn(line, "from"), wholeIn(line, "to")]
  if (from < 1 || to < from - 1 || to > head.size) reject("its range is outside of the checkpoint's tree")
  const selection = objectOf(line["selection"])
  noMoreThan(selection, [], ["agent", "since", "until"])
  for (const name of Object.keys(selection)) textIn(selection, name)
  return { key, head, from, to, selection: selection as Selection, known }
}

function keyOf(text: string): Verifier {
  try {
    return parseVerifier(text)
  } catch (error) {
    if (error instanceof NanoguardError) reject(error.message)
    throw error
  }
}

function headOf(note: string, key: Verifier): TreeHead {
  const checked = checkNote(note, key.name, [key])
  return "problem" in checked ? reject(`a checkpoint: ${checked.problem}`) : checked
}

function checkRecord(line: Record<string, unknown>, seq: number, { head, selection }: Header, counts: Counts): void {
  noMoreThan(line, ["type", "seq", "record", "proof"], ["people"])
  const record = objectOf(line["record"])
  const leaf = hashLeaf(canonicalText(record))
  if (!verifyInclusion(leaf, seq - 1, head, hashesIn(line, "proof"))) reject(`record ${seq} is not in the tree`)
  const { agent, since, until } = selection
  const time = since === undefined && until === undefined ? "" : textIn(record, "time")
  const chosen = (agent ?? record["agent"]) === record["agent"] && time >= (since ?? time) && time <= (until ?? time)
  if (!chosen) reject(`record ${seq} is not one that was selected`)
  counts.records++
  if (!("people" in line)) return
  const named = new Set(commitmentsOf(record))
  for (const person of listOf(line["people"]).map(objectOf)) {
    if (!named.delete(textIn(person, "commitment"))) reject(`record ${seq} does not name the person that is opened`)
    if ("erased" in person) {
      noMoreThan(person, ["commitment", "erased"])
      if (person["erased"] !== true) reject("a person is neither opened nor erased")
      counts.erased++
      continue
    }
    noMoreThan(person, ["commitment", "salt", "value"])
    const opening = { salt: textIn(person, "salt"), value: textIn(person, "value") }
    const isSalt = Buffer.from(opening.salt, "base64url").toString("base64url") === opening.salt
    if (!isSalt || !opensPerson({ ...(person as PersonOpening), ...opening })) {
      reject(`record ${seq}: a person is not the one that was committed to`)
    }
    counts.opened++
  }
}

function checkEnd(line: Record<string, unknown>, state: State, header: Header): void {
  noMoreThan(line, ["type", "digest", ...Object.keys(state.counts)])
  for (const [name, count] of Object.entries(state.counts)) {
    if (line[name] !== count) reject(`it counts other ${name} than there are`)
  }
  if (line["digest"] !== state.digest.copy().digest("base64")) reject("the lines before it have another SHA-256")
  if (!isSelected(header) && state.next !== header.to + 1) reject(`it comes before record ${state.next}`)
}

function isSelected({ selection }: Header): boolean {
  return Object.keys(selection).length > 0
}

/** Compares checkpoints that were kept elsewhere with those in the header; says which could not be. */
async function compareOutside(
  header: Header,
  outside: ((origin: string) => Promise<readonly Checkpoint[]>) | undefined,
): Promise<string[]> {
  if (outside === undefined) return ["any checkpoint outside of the host (give --anchor)"]
  const checkpoints = await outside(header.key.name)
  if (checkpoints.length === 0) reject("no outside place holds a checkpoint of this log")
  let unknown = 0
  for (const { note } of checkpoints) {
    const { size, root } = headOf(note, header.key)
    const own = header.known.get(size)
    if (own === undefined) unknown++
    else if (Buffer.compare(own, root) !== 0) reject(`an outside checkpoint of ${size} records is of another tree`)
  }
  return unknown > 0 ? [`${unknown} outside checkpoints that the file has no proof for`] : []
}
