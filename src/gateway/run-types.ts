// Who is at the gate: the contracts of the book of runs.
import type { Lockfile } from "../packages/types.ts"
import type { Scope } from "../policy/scope-types.ts"
import type { Ecosystem, Verdict } from "../policy/types.ts"
import type { Attribution, Client, Refusal } from "./types.ts"

/** What the wrapper of a run knows of the project that it works in: it makes corrections exact. */
export interface Project {
  /** Names that the project itself asks for, by ecosystem. */
  direct?: Partial<Record<Ecosystem, readonly string[]>>
  lockfiles?: readonly Lockfile[]
  /** What pnpm-workspace.yaml forces. */
  overrides?: Readonly<Record<string, string>>
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
  parents?: readonly string[]
  scope?: Scope
}

export interface RunBook {
  /** Opens a run; the token is told once, and only its hash is kept. */
  open: (run: NewRun) => { visit: string; run: string; token: string; expires: number }
  /** Whose token it is; undefined where it is nobody's, or over. */
  find: (token: string) => Attribution | undefined
  /** Ends a visit: its token is worth nothing from now on. */
  close: (visit: string) => void
  /** Those who are here now. */
  everyone: () => readonly Attribution[]
  /** Has a visit refused for good, whatever is lifted later; those who have no token come and go. */
  stop: (who: Attribution) => void
  isStopped: (who: Attribution) => boolean
  /** Ends visits whose time is over. */
  expire: () => void
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
  /** How many of them have a token that is still good. */
  readonly visits: number
}

/** A package that a run was shown. */
export interface Seen {
  client: Client
  ecosystem: Ecosystem
  name: string
  /** The last of them, where they are many. */
  refused: ReadonlyMap<string, Verdict>
  /** How many there are. */
  refusals?: number
  use?: string
  /** What the upstream calls its latest. */
  latest?: string
  taken?: string
}
