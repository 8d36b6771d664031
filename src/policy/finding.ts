// What `policy check` finds.
import type { Path } from "./yaml.ts"

/** One thing in a policy that its author can hardly have meant. */
export interface Finding {
  check:
    | "never-matches"
    | "empty-range"
    | "shadowed"
    | "exception-expired"
    | "exception-unused"
    | "approvers-missing"
    | "quorum-unreachable"
    | "wildcard-allow"
    | "setting-without-effect"
    | "missing-allowed"
  /** An error makes `policy check` fail; a warning does not. */
  level: "error" | "warning"
  message: string
  /** Index of the layer, and the path in its file. */
  layer: number
  path: Path
  hint?: string
}
