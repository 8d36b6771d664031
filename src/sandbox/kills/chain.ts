// Who is stopped, as the store has it. A kill counts as it stands there; a resume counts where an approver signed it over every row
// before it, so that it lifts what that person saw, once, and at its own place alone.
import { type Kysely, sql } from "kysely"
import { type Enrolled, readEnrolled } from "../../approvals/approvers.ts"
import { digestOf } from "../../approvals/binding.ts"
import { verifySignature } from "../../approvals/signature.ts"
import type { KillsTable, Tables } from "../../store/schema.ts"
import { type KillHead, readKillHead, readOrigin, writeKillHead } from "./head.ts"
import { type Kill, readTarget } from "./types.ts"

/** Most rows that are read: somebody who stops everything every hour gets there in a year. */
const MAX_ROWS = 10_000

/** Longest reason, in UTF-16 units. */
export const MAX_REASON = 2000
/** Longest name of whoever ordered it. */
export const MAX_BY = 200

export interface KillChain {
  /** Kills that stand, by target as `formatTarget` has it. */
  standing: ReadonlyMap<string, Kill>
  /** Digest of all rows up to the newest resume that counted, by target. */
  lifted: ReadonlyMap<string, string>
  /** Positions of resumes that nobody signed who may: they lift nothing. */
  refused: readonly number[]
  /** Digest over all rows; "-" of none. */
  link: string
  /** Digests up to each row. */
  links: ReadonlySet<string>
  position: number
  /** Rows at the end are gone that this machine had seen, in words; everything is stopped then. */
  cut?: string
}

/**
 * The chain as it stands. Where rows are missing or nobody's, everything is stopped; also where the head that `stateDirectory` keeps
 * (`stateHome`) is not in it. Errors: environment (store).
 */
export async function readKills(db: Kysely<Tables>, stateDirectory?: string): Promise<KillChain> {
  // First what is to be found, then what is there: it only grows.
  const head = stateDirectory === undefined ? undefined : readKillHead(stateDirectory)
  const { rows } = await selectBounded.execute(db)
  // The most usual case by far, and one that each start waits for.
  const enrolled = rows.length === 0 ? { approvers: new Map(), former: [] } : await readEnrolled(db)
  const chain = followRows(rows, enrolled)
  const cut = head && (await findCut(db, chain, head))
  if (cut === undefined) return chain
  const all: Kill = { target: { kind: "all" }, time: 0, by: "nanoguard", reason: cut, position: 0 }
  return { ...chain, cut, standing: new Map([...chain.standing, ["all", chain.standing.get("all") ?? all]]) }
}

/** Keeps how far the chain has come, for the next start; nothing is written where that is known already, or nobody was ever stopped. Errors: environment (store). */
export async function keepHead(db: Kysely<Tables>, stateDirectory: string, chain: KillChain): Promise<void> {
  const { position, link } = chain
  const before = readKillHead(stateDirectory)
  if (before === undefined && position === 0) return
  if (typeof before === "object" && before.link === link) return
  writeKillHead(stateDirectory, { origin: await readOrigin(db), position, link })
}

async function findCut(db: Kysely<Tables>, chain: KillChain, head: KillHead | "damaged"): Promise<string | undefined> {
  if (head === "damaged") return "what this machine knew of the table of kills cannot be read (kills-head.json)"
  if (chain.links.has(head.link) || head.origin !== (await readOrigin(db))) return undefined
  return `rows at the end of the table of kills are gone or others: this machine had seen ${head.position}, and ${chain.position} are there`
}

/** Something that changes with every row of kills or approvers that is added or removed: a look at it costs little, however many there are. */
export async function readKillsMark(db: Kysely<Tables>): Promise<string> {
  const { rows } = await sql<{ mark: unknown }>`select cast((select count(*) from kills) as text) || ' '
    || cast((select coalesce(max(position), 0) from kills) as text) || ' '
    || cast((select count(*) from approvers) as text) as mark`.execute(db)
  return String(rows[0]?.mark)
}

/** A column, or nothing where it is longer than any can be: such a row is nobody's. */
const upTo = (limit: number, column: string) =>
  sql`case when length(${sql.ref(column)}) > ${sql.lit(limit)} then '' else ${sql.ref(column)} end as ${sql.ref(column)}`

const selectBounded = sql<KillsTable>`select position, action, time, ${upTo(80, "target")}, ${upTo(MAX_BY, "by")},
  ${upTo(MAX_REASON, "reason")}, ${upTo(16_384, "signature")} from kills order by position limit ${sql.lit(MAX_ROWS + 1)}`

function followRows(rows: readonly KillsTable[], enrolled: Enrolled): KillChain {
  const standing = new Map<string, Kill>()
  const lifted = new Map<string, string>()
  const refused: number[] = []
  const links = new Set(["-"])
  let link = "-"
  let before = 0
  const stopAll = ({ time, position }: KillsTable, reason: string) =>
    standing.set("all", { target: { kind: "all" }, time, by: "nanoguard", reason, position })
  for (const row of rows.slice(0, MAX_ROWS)) {
    const { action, target, time, by, reason, position } = row
    if (position !== before + 1) stopAll(row, "rows are missing from the table of kills")
    before = position
    const meant = readTarget(target)
    const next = digestOf(`${link}\n${rowText(row)}`)
    if (action === "resume") {
      if (meant && isSigned(enrolled, link, row)) {
        standing.delete(target)
        lifted.set(target, next)
      } else refused.push(position)
    } else if (meant) standing.set(target, { target: meant, time, by, reason, position })
    else stopAll(row, "a row of the table of kills names nobody")
    link = next
    links.add(link)
  }
  if (rows.length > MAX_ROWS) stopAll(rows[MAX_ROWS]!, `there are more than ${MAX_ROWS} rows in the table of kills`)
  return { standing, lifted, refused, link, links, position: before }
}

/** By somebody who is an approver still: a key that was stolen is removed, and what it lifted stands again. */
function isSigned({ approvers }: Enrolled, link: string, row: KillsTable): boolean {
  const approver = approvers.get(row.by)
  return approver !== undefined && verifySignature(approver.key, resumeMessage(link, row), row.signature)
}

const rowText = ({ position, action, target, time, by, reason }: Omit<KillsTable, "signature">) =>
  JSON.stringify([position, action, target, time, by, reason])

/** What is signed of a resume: `link` is the digest over all rows before it. */
export const resumeMessage = (link: string, row: Omit<KillsTable, "signature">) =>
  `nanoguard-resume-v1\n${link}\n${rowText(row)}`
