// What `vet --fix` did: the one document that src/render/fix.ts turns into bytes. docs/fix.md describes it.
import type { Correction } from "../../policy/types.ts"
import type { VetReport } from "../report.ts"

/** What became of one finding. */
export interface FixStep {
  lockfile: string
  /** The package that was found. */
  purl: string
  /** The verdict's code. */
  code: string
  action: Correction["action"] | "none"
  /** What came in its place; absent where nothing does. */
  target?: string
  /** How a person would do the same; absent where no command does it. */
  command?: string
  outcome: "fixed" | "not-fixed"
  /** For `not-fixed`: the reason, from our own templates. */
  why?: string
}

export interface FixFile {
  /** Relative to the current directory. */
  path: string
  kind: "manifest" | "lockfile"
  /** A unified diff of a manifest; of a lockfile the packages that move, one a line, bounded. */
  diff: string
}

export interface FixReport {
  schema: "nanoguard.fix/1"
  steps: FixStep[]
  files: FixFile[]
  /** Whether the files were written; never with --dry-run. */
  applied: boolean
  dryRun: boolean
  before: VetReport["counts"]
  after: VetReport["counts"]
  /** Commands that install what is locked now; nothing was installed. */
  install: string[]
}

/** Why one step cannot be made. Its message is a sentence of ours for people, and never ends the run. */
export class Unfixable extends Error {
  /** Set where a program has to be installed first. */
  readonly lacks: string | undefined

  constructor(message: string, lacks?: string) {
    super(message)
    this.name = "Unfixable"
    this.lacks = lacks
  }
}
