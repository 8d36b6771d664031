// What the cases know of a package manager.
import type { TestContext } from "vitest"
import type { Ecosystem } from "../../../src/policy/types.ts"

/** What a project asks for: pins ("=1.0.1") and ranges ("^1.0.0") by name. */
export type Wanted = Readonly<Record<string, string>>

export interface ClientDescription {
  label: string
  ecosystem: Ecosystem
  /** As it is called in a shell. */
  command: string
  /** The program's path; skips the test where it cannot be had. */
  find: (ctx: TestContext) => Promise<string>
  /** Caches and habits of its own; nothing of registries. `home` is a directory of this run. */
  env: (home: string, program: string) => Record<string, string>
  /** A project; `base` is the registry's address, for who takes it from the project alone. */
  files: (wanted: Wanted, base: string) => Record<string, string>
  /** Command lines for a shell. */
  install: string
  frozen: string
  add: (name: string) => string
  /** Fetches a version and runs it, without a project. */
  once?: (name: string, version: string) => string
  /** Files that record what was resolved. */
  locks: readonly string[]
  /** Directories that hold what was installed, below the project. */
  trees: readonly string[]
  /** The version of a package that is installed, by reading what is on disk. */
  installed: (project: string, name: string) => string | undefined
  /** Requests of a refused artifact that it makes for one pin, where that is more than one. */
  asks?: number
  /** Its commands change what is installed, and not what the project asks for. */
  keeps?: "nothing"
}
