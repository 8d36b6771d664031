// Every body of the log hashed, in this thread or in several, and what comes of it added up.
import type { Kysely } from "kysely"
import type { Reader } from "../../store/reader.ts"
import type { Tables } from "../../store/schema.ts"
import { archiveSource } from "./archive.ts"
import type { SignedRoot } from "./checkpoints.ts"
import type { Facts } from "./facts.ts"
import { addRange, compareTotals, emptyTotals } from "./index-totals.ts"
import type { Mentions } from "./mentions.ts"
import type { VerifyOptions } from "./options.ts"
import { checkHere, checkInThreads, cutTasks, threadsFor } from "./pool.ts"
import type { RangeResult, RangeTask } from "./range.ts"
import type { Problems } from "./report.ts"
import type { Difference, ScanResult } from "./scan.ts"
import { beginTree, type HashedTree } from "./tree.ts"
import { typedSource } from "./typed-source.ts"

export interface Scanned {
  tree: HashedTree
  /** The same from stored leaf tiles, where they differ from the bodies. */
  differences: Difference[]
  untiled: number | undefined
  unknown: ScanResult["unknown"]
  hashed: number
  indexed: number
  mentions: Mentions
}

/** Bodies were archived between the snapshot and their turn: to be begun again. */
export class ArchivedMeanwhile extends Error {}

/** Hashes every body, and compares leaf tiles and the index on the way. */
export async function scanLog(
  reader: Reader,
  db: Kysely<Tables>,
  facts: Facts,
  roots: readonly SignedRoot[],
  options: VerifyOptions,
  problems: Problems,
): Promise<Scanned> {
  const { records, derived, archived } = facts
  const sizes = [...new Set(roots.map(({ size }) => size))].sort((a, b) => a - b)
  const entries = options.index && reader.indexed
  const tasks = cutTasks(records, sizes, {
    derived,
    archived,
    indexed: entries ? Math.min(derived, records) : 0,
    read: options.index,
  })
  const results = checkTasks(reader, db, facts, tasks, entries, options, problems)
  const tree = beginTree()
  const totals = emptyTotals()
  const scanned: Scanned = {
    tree,
    differences: [],
    untiled: undefined,
    unknown: undefined,
    hashed: 0,
    indexed: 0,
    mentions: { people: [], erased: [], archived: [], unreadable: [] },
  }
  let done = 0
  const people = new Set<string>()
  for await (const { scan, index, mentions, archived: now = 0 } of results) {
    if (now > archived) throw new ArchivedMeanwhile()
    tree.add(scan.roots, scan.partial)
    scanned.differences.push(...scan.differences)
    scanned.untiled ??= scan.untiled
    if (scan.unknown) {
      scanned.unknown = { from: scanned.unknown?.from ?? scan.unknown.from, to: scan.unknown.to }
      tree.endAt(scan.unknown.from)
    }
    scanned.hashed += scan.hashed
    if (index) addRange(totals, index, problems)
    for (const commitment of mentions?.people ?? []) people.add(commitment)
    scanned.mentions.erased.push(...(mentions?.erased ?? []))
    scanned.mentions.archived.push(...(mentions?.archived ?? []))
    scanned.mentions.unreadable.push(...(mentions?.unreadable ?? []))
    options.onProgress?.(tasks[done++]!.to, records)
  }
  scanned.mentions.people = [...people]
  scanned.indexed = totals.compared
  const unread = scanned.hashed === records ? 0 : archived
  if (entries) await compareTotals(db, totals, { archived: unread, derived }, problems)
  return scanned
}

/** Archived bodies are read here, one after the other; the rest in threads, where there are files to share and it is worth it. */
async function* checkTasks(
  reader: Reader,
  db: Kysely<Tables>,
  { origin, archived }: Facts,
  tasks: readonly RangeTask[],
  entries: boolean,
  { archive, keys, threads }: VerifyOptions,
  problems: Problems,
): AsyncGenerator<RangeResult> {
  const here = typedSource(db, entries)
  const old = archive === undefined ? 0 : tasks.filter(({ from }) => from <= archived).length
  if (archive !== undefined && old > 0) {
    yield* checkHere(archiveSource(here, { directory: archive, origin, keys }, problems), tasks.slice(0, old))
  }
  const rest = tasks.slice(old)
  const count = threads ?? threadsFor(rest)
  if (reader.directory === undefined || count === 0) return yield* checkHere(here, rest)
  const files = { directory: reader.directory, immutable: reader.immutable, indexed: reader.indexed, entries }
  yield* checkInThreads(files, rest, count)
}
