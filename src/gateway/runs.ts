// Who is at the gate, and what each run was refused or got instead. Kept in memory and bounded; the record has all of it for good.
import { createHash, randomBytes } from "node:crypto"
import type { Lockfile } from "../packages/types.ts"
import { compareVersions } from "../packages/versions.ts"
import type { Ecosystem, Verdict } from "../policy/types.ts"
import type { Attribution, Client, Refusal } from "./types.ts"

/** What the wrapper of a run knows of the project that it works in: it makes corrections exact. */
export interface Project {
  /** Names that the project itself asks for, by ecosystem. */
  direct?: Partial<Record<Ecosystem, readonly string[]>>
  lockfiles?: readonly Lockfile[]
}

/** A version that policy held back, and what was taken instead. */
export interface Substitution {
  ecosystem: Ecosystem
  name: string
  withheld: string
  installed: string
  verdict: Verdict
}

/** A package of which versions were held back and nothing was taken. */
export interface HeldBack {
  ecosystem: Ecosystem
  name: string
  /** The newest that was held back. */
  version: string
  versions: number
  verdict: Verdict
  /** A version that policy serves. */
  use?: string
  client: Client
}

export interface RunSummary {
  run: string
  agent: string
  refusals: Refusal[]
  substituted: Substitution[]
  heldBack: HeldBack[]
  packages: number
}

export interface NewRun {
  agent: string
  /** The run that this visit belongs to; one of its own where absent. */
  run?: string
  operator: string
  boxed: boolean
  /** Milliseconds until the token is worth nothing. */
  lasts: number
  project?: Project
}

export interface RunBook {
  /** Opens a run; the token is told once, and only its hash is kept. */
  open: (run: NewRun) => { visit: string; run: string; token: string; expires: number }
  /** Whose token it is; undefined where it is nobody's, or over. */
  find: (token: string) => Attribution | undefined
  /** Ends a visit: its token is worth nothing from now on. */
  close: (visit: string) => void
  summary: (visit: string) => { who: Attribution; summary: RunSummary } | undefined
  projectOf: (who: Attribution) => Project | undefined
  /** Packages of an ecosystem that a visit was shown, the last ones first. */
  seenBy: (who: Attribution, ecosystem: Ecosystem) => readonly Seen[]
  listed: (who: Attribution, listing: Omit<Seen, "taken">) => void
  took: (who: Attribution, ecosystem: Ecosystem, name: string, version: string) => void
  refused: (who: Attribution, refusal: Refusal) => void
  /** Whether a visit may wait for a person because of this subject: the first time it is asked. */
  waits: (who: Attribution, subject: string) => boolean
  /** How many are open. */
  readonly size: number
}

interface Entry {
  who: Attribution
  /** Hash of its token; none for who comes without. */
  token?: string
  expires: number
  project?: Project
  refusals: Map<string, Refusal>
  waited: Set<string>
  packages: Map<string, Seen>
}

/** A package that a run was shown. */
export interface Seen {
  client: Client
  ecosystem: Ecosystem
  name: string
  refused: ReadonlyMap<string, Verdict>
  use?: string
  /** What the upstream calls its latest. */
  latest?: string
  taken?: string
}

const MAX_RUNS = 1_000
const MAX_REFUSALS = 200
const MAX_PACKAGES = 5_000

/** An empty book; `now` in milliseconds since the epoch. */
export function createRunBook(now: () => number): RunBook {
  const tokens = new Map<string, string>()
  const runs = new Map<string, Entry>()
  const hash = (token: string) => createHash("sha256").update(token).digest("base64url")

  const drop = (key: string) => {
    const token = runs.get(key)?.token
    if (token !== undefined) tokens.delete(token)
    runs.delete(key)
  }
  const enter = (who: Attribution, expires: number): Entry => {
    const entry: Entry = { who, expires, refusals: new Map(), waited: new Set(), packages: new Map() }
    runs.set(keyOf(who), entry)
    for (const [run, { expires: end }] of runs) if (end <= now()) drop(run)
    for (const oldest of runs.keys()) {
      if (runs.size <= MAX_RUNS) break
      drop(oldest)
    }
    return entry
  }
  const entryOf = (who: Attribution) => runs.get(keyOf(who)) ?? enter(who, Number.POSITIVE_INFINITY)
  const seenOf = (who: Attribution, ecosystem: Ecosystem, name: string): Seen => {
    const { packages } = entryOf(who)
    const key = `${ecosystem}\0${name}`
    let seen = packages.get(key)
    if (seen === undefined) {
      seen = { ecosystem, name, refused: new Map(), client: "other" }
      packages.set(key, seen)
      if (packages.size > MAX_PACKAGES) packages.delete(packages.keys().next().value!)
    }
    return seen
  }
  const summary = (run: string) => {
    const entry = runs.get(run)
    return entry && { who: entry.who, summary: summarise(entry) }
  }

  return {
    open: ({ agent, operator, boxed, lasts, project, run }) => {
      const token = `ngt_${randomBytes(24).toString("base64url")}`
      const visit = `run-${randomBytes(6).toString("hex")}`
      const expires = now() + lasts
      const who = { agent, operator, run: run ?? visit, boxed, visit }
      const entry = enter(who, expires)
      if (project !== undefined) entry.project = project
      entry.token = hash(token)
      tokens.set(entry.token, visit)
      return { visit, run: who.run, token, expires }
    },
    find: (token) => {
      // By its hash: how long a comparison takes says nothing about a token.
      const run = tokens.get(hash(token))
      const entry = run === undefined ? undefined : runs.get(run)
      return entry !== undefined && entry.expires > now() ? entry.who : undefined
    },
    close: drop,
    summary,
    seenBy: (who, ecosystem) =>
      [...(runs.get(keyOf(who))?.packages.values() ?? [])].filter((seen) => seen.ecosystem === ecosystem).reverse(),
    projectOf: (who) => runs.get(keyOf(who))?.project,
    listed: (who, listing) => {
      const seen = seenOf(who, listing.ecosystem, listing.name)
      Object.assign(seen, listing)
    },
    took: (who, ecosystem, name, version) => {
      const seen = seenOf(who, ecosystem, name)
      if (seen.taken === undefined || compareVersions(ecosystem, version, seen.taken) > 0) seen.taken = version
    },
    refused: (who, refusal) => {
      const { refusals } = entryOf(who)
      const { subject, code } = refusal.verdict
      refusals.set(`${subject}\0${code}`, refusal)
      if (refusals.size > MAX_REFUSALS) refusals.delete(refusals.keys().next().value!)
    },
    waits: (who, subject) => {
      const { waited } = entryOf(who)
      if (waited.has(subject) || waited.size >= MAX_REFUSALS) return false
      waited.add(subject)
      return true
    },
    get size() {
      return runs.size
    },
  }
}

const keyOf = ({ visit, run }: Attribution) => visit ?? run

function summarise({ who, refusals, packages }: Entry): RunSummary {
  const substituted: Substitution[] = []
  const heldBack: HeldBack[] = []
  for (const seen of packages.values()) {
    if (seen.refused.size === 0) continue
    const one = seen.taken === undefined ? undefined : substitutionOf(seen, seen.taken)
    if (one !== undefined) substituted.push(one)
    if (seen.taken === undefined) heldBack.push(heldBackOf(seen))
  }
  const { visit = who.run, agent } = who
  return { run: visit, agent, refusals: [...refusals.values()], substituted, heldBack, packages: packages.size }
}

/**
 * A newer version that was held back and that whoever asked may have had in mind: which range it was, only the client knows. So it is
 * one of the same line as what was taken, or what the upstream calls its latest.
 */
function substitutionOf({ ecosystem, name, refused, latest }: Seen, taken: string): Substitution | undefined {
  // Whoever got one that listings hold back asked for exactly that one.
  if (refused.has(taken)) return undefined
  const line = lineOf(taken)
  const newer = [...refused.keys()].filter(
    (version) => compareVersions(ecosystem, version, taken) > 0 && (version === latest || lineOf(version) === line),
  )
  if (newer.length === 0) return undefined
  const withheld = newestOf(ecosystem, newer)
  return { ecosystem, name, withheld, installed: taken, verdict: refused.get(withheld)! }
}

function heldBackOf({ ecosystem, name, refused, use, client }: Seen): HeldBack {
  const version = newestOf(ecosystem, [...refused.keys()])
  const verdict = refused.get(version)!
  return { ecosystem, name, version, versions: refused.size, verdict, client, ...(use !== undefined && { use }) }
}

/** The part of a version that a caret range keeps: the major one, below 1 the minor one as well. */
function lineOf(version: string): string {
  const [major = "", minor = ""] = version.replace(/^v/, "").split(".")
  return major === "0" ? `0.${minor}` : major
}

function newestOf(ecosystem: Ecosystem, versions: readonly string[]): string {
  return versions.reduce((a, b) => (compareVersions(ecosystem, a, b) >= 0 ? a : b))
}
