// The shapes of `nanoguard init`: what was found, what was chosen, what would be written.

export type Preset = "solo" | "team" | "strict"
export type Ci = "github" | "gitlab"
export type Agent = "claude" | "codex" | "gemini" | "nanoclaw"
export type Manager = "npm" | "pnpm" | "yarn" | "bun" | "pip" | "uv" | "poetry" | "pdm" | "pipenv" | "cargo" | "go"
export type Engine = "docker" | "podman" | "container" | "bwrap"

export const PRESETS: readonly Preset[] = ["solo", "team", "strict"]
export const CIS: readonly Ci[] = ["github", "gitlab"]
export const AGENTS: readonly Agent[] = ["claude", "codex", "gemini", "nanoclaw"]

/** Something that was found, and the file or directory that shows it. */
export interface Found<Name extends string> {
  name: Name
  why: string
}

export interface FoundManager extends Found<Manager> {
  /** Major version, where the repository states one. */
  major?: number
}

/** What is in the repository and on the machine. */
export interface Facts {
  git: boolean
  managers: FoundManager[]
  lockfiles: string[]
  agents: Found<Agent>[]
  ci: Found<Ci>[]
  /** Container engines on PATH, in the order in which `sandbox.engine: auto` would try them. */
  engines: Engine[]
}

/** What to write: the answers to the prompts, or the flags. */
export interface Answers {
  preset: Preset
  ci: Ci | "none"
  agents: Agent[]
  /** Write the section for agents into AGENTS.md, CLAUDE.md or GEMINI.md. */
  instructions: boolean
  /** Write the package managers' own settings. */
  native: boolean
  /** Address of the gate that they are to ask; none where absent. */
  gateway?: string
  /** Image that the one for agents begins with; none is written where absent. */
  image?: string
}

/**
 * `create`: the file is new. `merge`: keys or lines are added to a file that exists. `keep`: nothing to do, or the file is
 * yours. `replace`: yours, and you said so. `conflict`: it could not be merged; `reason` says what to add by hand.
 */
export type FileAction = "create" | "merge" | "keep" | "replace" | "conflict"

/** One file of the plan. `before` is what the plan was made from: writing stops if the file has changed since. */
export interface PlannedFile {
  /** Relative to the root, with forward slashes. */
  path: string
  action: FileAction
  /** One line: what the file is for, or why nothing is done. */
  reason: string
  before: string | null
  /** Equal to `before` where nothing is to be written. */
  after: string
  /** Could be replaced by the template, if the user says so. */
  replacement?: string
}

export interface Plan {
  files: PlannedFile[]
  /** What a person should know and no file can say. */
  notes: string[]
}

export interface InitReport {
  schema: "nanoguard.init/1"
  root: string
  facts: Facts
  answers: Answers
  dryRun: boolean
  files: (Pick<PlannedFile, "path" | "action" | "reason"> & { diff?: string })[]
  /** Paths that were written; empty on a dry run and where there was nothing to do. */
  written: string[]
  notes: string[]
  next: string[]
  /** What `--build-image` made. */
  image?: {
    engine: string
    id: string
    tag: string
    installed: readonly { name: string; version: string }[]
    pinned: readonly { base: string; is: string }[]
  }
}
