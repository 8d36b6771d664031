// `audit verify`: everything that can be made again from the bodies is made again, and laid beside what is stored, signed and
// published. Nothing is written, and gateways may go on writing.
import type { Kysely } from "kysely"
import type { Context } from "../../context.ts"
import { NanoguardError } from "../../errors.ts"
import { stateHome } from "../../home.ts"
import { openReader, type Reader } from "../../store/reader.ts"
import type { Tables } from "../../store/schema.ts"
import { loadLogKey } from "../checkpoints/keys.ts"
import { formatVerifier, type Verifier } from "../checkpoints/note.ts"
import { type AnchorReading, compareAnchors, readAnchors } from "./anchors.ts"
import { checkTimes } from "./checkpoint-times.ts"
import { compareKnown, readCheckpoints } from "./checkpoints.ts"
import { type Facts, readFacts } from "./facts.ts"
import { judgeLog } from "./judge.ts"
import type { VerifyOptions } from "./options.ts"
import { checkPeople } from "./people.ts"
import { collectProblems, type Problems, type Unchecked, type VerifyReport } from "./report.ts"
import { ArchivedMeanwhile, scanLog } from "./scan-log.ts"
import { compareTiles } from "./upper-tiles.ts"

/**
 * Verifies the log of this context. Without `keys` its own public key counts, and that this proves less is said: who may write the
 * log may exchange the key with it. Throws `NanoguardError` (environment) where there is no log or it cannot be read.
 */
export async function verifyLog(ctx: Context, options: VerifyOptions): Promise<VerifyReport> {
  const reader = await openReader(ctx)
  try {
    const { origin } = await readFacts(reader.db, false)
    if (options.keys.length > 0) return await verifyStore(reader, options)
    const { key, problem } = readOwnKey(reader.directory ?? stateHome(ctx), origin)
    const report = await verifyStore(reader, { ...options, keys: key ? [key] : [] })
    if (key && report.records > 0) report.unchecked.push({ code: "key.own", what: OWN_KEY })
    if (problem === undefined) return report
    const tell = (item: Unchecked) => (item.code === "key.missing" ? { ...item, what: problem } : item)
    return { ...report, unchecked: report.unchecked.map(tell) }
  } finally {
    await reader.close()
  }
}

const OWN_KEY =
  "whether this is the log it was: its name and key are this host's word (give --key, as it was kept elsewhere)"

/** No key where this user has none, or where there is a `problem` with it (others may have changed it): then others have to be given. */
function readOwnKey(directory: string, origin: string): { key?: Verifier | undefined; problem?: string } {
  try {
    return { key: loadLogKey(directory, origin) }
  } catch (error) {
    if (!(error instanceof NanoguardError)) throw error
    const { message, hint } = error
    return { problem: `signatures were not checked: ${message}${hint ? ` (${hint}; or give --key)` : " (give --key)"}` }
  }
}

/** Verifies the log that a reader gives. */
export async function verifyStore(reader: Reader, options: VerifyOptions): Promise<VerifyReport> {
  const started = performance.now()
  for (;;) {
    try {
      return await verifyOnce(reader, options, started)
    } catch (error) {
      if (!(error instanceof ArchivedMeanwhile)) throw error
    }
  }
}

async function verifyOnce(reader: Reader, options: VerifyOptions, started: number): Promise<VerifyReport> {
  const problems = collectProblems()
  const origin = (await readFacts(reader.db, false)).origin
  const readings = await readAnchors(options.anchors, origin, options.keys, problems)
  const checked = await inSnapshot(reader, (db) => verifySnapshot(reader, db, readings, options, problems))
  const { problems: listed, more } = problems.list()
  return {
    schema: "nanoguard.audit-verify/1",
    store: { kind: reader.kind, location: reader.location },
    origin,
    keys: options.keys.map(formatVerifier),
    ...checked,
    problems: listed,
    more,
    intact: listed.length === 0,
    milliseconds: Math.round(performance.now() - started),
  }
}

/** One state of the store for all queries. Threads read rows of it that never change. */
function inSnapshot<T>(reader: Reader, work: (db: Kysely<Tables>) => Promise<T>): Promise<T> {
  const transaction = reader.db.transaction()
  // SQLite's one isolation level is this one; asking for it by name is an error there.
  return (reader.kind === "postgres" ? transaction.setIsolationLevel("repeatable read") : transaction).execute(work)
}

type Checked = Omit<
  VerifyReport,
  "schema" | "store" | "origin" | "keys" | "problems" | "more" | "intact" | "milliseconds"
>

async function verifySnapshot(
  reader: Reader,
  db: Kysely<Tables>,
  readings: readonly AnchorReading[],
  options: VerifyOptions,
  problems: Problems,
): Promise<Checked> {
  const facts = await readFacts(db, reader.indexed)
  for (const key of options.keys.filter(({ name }) => name !== facts.origin)) {
    const what = `the key ${formatVerifier(key)} is of the log ${key.name}, and this one is ${facts.origin}: it was put in its place, or the key is of another host`
    problems.add({ code: "key.other", seq: 1, what })
  }
  const checkpoints = await readCheckpoints(db, facts.origin, options.keys, problems)
  const outside = readings.flatMap(({ roots }) => roots)
  const scanned = await scanLog(reader, db, facts, [...checkpoints.roots, ...outside], options, problems)
  const { tree, differences } = scanned
  const { untiled, unknown } = scanned
  judgeLog({ facts, tree, differences, checkpoints: checkpoints.roots, untiled, unknown }, problems)
  for (const seq of scanned.mentions.unreadable) {
    const what = `record ${seq}: its body is none that nanoguard of this version writes`
    problems.add({ code: "record.malformed", seq, what })
  }
  await compareTiles(db, tree, problems)
  const anchors = compareAnchors(readings, tree, facts, problems)
  await compareKnown(db, outside, facts.records, problems)
  // The times of records come from the index: one that is behind knows no later ones.
  const signed = checkpoints.roots.at(-1)?.size ?? 0
  if (reader.indexed && facts.derived >= signed) await checkTimes(db, problems)
  const { opened, erased } = await checkPeople(db, scanned.mentions, scanned.hashed === facts.records, problems)
  if (options.index && facts.archived > 0 && !scanned.mentions.archived.includes(facts.archived)) {
    const what = `records up to ${facts.archived} are said to be archived, and no record of the log says so`
    problems.add({ code: "archive.unexplained", seq: 1, to: facts.archived, what })
  }
  return {
    records: facts.records,
    hashed: scanned.hashed,
    archived: facts.archived,
    checkpoints: {
      count: checkpoints.count,
      verified: options.keys.length > 0 ? checkpoints.roots.length : 0,
      newest: signed,
    },
    anchors: anchors.reports,
    indexed: scanned.indexed,
    opened,
    erased,
    unchecked: [...listUnchecked(reader, facts, signed, scanned.hashed, options), ...anchors.unchecked],
  }
}

function listUnchecked(
  reader: Reader,
  facts: Facts,
  newest: number,
  hashed: number,
  options: VerifyOptions,
): Unchecked[] {
  const { records, archived, derived } = facts
  const list: Unchecked[] = []
  const say = (code: Unchecked["code"], what: string, from?: number, to?: number) =>
    list.push({ code, ...(from !== undefined && { from }), ...(to !== undefined && { to }), what })
  if (hashed < records && archived > 0)
    say(
      "archive.missing",
      `${count(archived)} archived: neither their bodies nor what the index says of them were checked`,
      1,
      archived,
    )
  if (options.keys.length === 0) say("key.missing", "no key (give --key): signatures were not checked")
  if (newest === 0 && records > 0)
    say("checkpoint.none", "there is no checkpoint of this log that counts: nothing is signed")
  else if (newest < records) {
    say("checkpoint.behind", `${count(records - newest)} not yet under a checkpoint`, newest + 1, records)
  }
  if (!reader.indexed) say("index.missing", "there is no index: nothing was compared with it")
  else if (!options.index) say("index.skipped", "the index and the list of persons were not compared with the bodies")
  else if (derived < records)
    say("index.behind", `${count(records - derived)} not yet in the index`, derived + 1, records)
  return list
}

function count(records: number): string {
  return records === 1 ? "1 record" : `${records} records`
}
