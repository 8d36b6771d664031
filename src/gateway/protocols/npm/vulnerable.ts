// The versions that an advisory applies to, as a range of npm's.

import satisfies from "semver/functions/satisfies.js"
import validRange from "semver/ranges/valid.js"
import type { AdvisoryRecord, Interval } from "../../../packages/advisories/types.ts"

const MAX_RANGE = 4000
/** Read loosely, as npm reads them, ranges pass over words that are no versions: those must not be there. */
const WORD = /^(?:(?:[<>]=?|=)?[0-9][0-9A-Za-z.+-]*|\*|\|\|)$/
const OPTIONS = { includePrerelease: true, loose: true }

/**
 * The advisory's ranges and versions as one range. Where they cannot be said in npm's syntax, or would miss one of the `affected`
 * versions (valid, and those that were asked for), the range is those versions: a client must not conclude that it is safe.
 */
export function vulnerableVersions(
  { ranges = [], versions = [] }: Pick<AdvisoryRecord, "ranges" | "versions">,
  affected: readonly string[],
): string {
  const text = [...ranges.map(rangeOf), ...versions.map((version) => `=${version}`)].join(" || ")
  const usable =
    text.length <= MAX_RANGE && text.split(" ").every((word) => WORD.test(word)) && validRange(text, OPTIONS) !== null
  if (usable && affected.every((version) => satisfies(version, text, OPTIONS))) return text
  return affected.map((version) => `=${version}`).join(" || ")
}

function rangeOf({ introduced, fixed, below, last }: Interval): string {
  const end = fixed ?? below
  const upper = end !== undefined ? `<${end}` : last !== undefined ? `<=${last}` : ""
  const lower = introduced === "0" ? "" : `>=${introduced}`
  return `${lower} ${upper}`.trim() || "*"
}
