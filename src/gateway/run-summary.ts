// What a visit comes to, for the closing lines of the command that it was.
import { compareVersions } from "../packages/versions.ts"
import type { Ecosystem } from "../policy/types.ts"
import type { HeldBack, RunSummary, Seen, Substitution } from "./runs.ts"
import type { Attribution, Refusal } from "./types.ts"

interface Visited {
  who: Attribution
  refusals: ReadonlyMap<string, Refusal>
  packages: ReadonlyMap<string, Seen>
}

/** What one visit was refused, what it got instead, and what was held back of packages that it took nothing of. */
export function summarise({ who, refusals, packages }: Visited): RunSummary {
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

function heldBackOf({ ecosystem, name, refused, refusals = refused.size, use, client }: Seen): HeldBack {
  const version = newestOf(ecosystem, [...refused.keys()])
  const verdict = refused.get(version)!
  return { ecosystem, name, version, versions: refusals, verdict, client, ...(use !== undefined && { use }) }
}

/** The part of a version that a caret range keeps: the major one, below 1 the minor one as well. */
function lineOf(version: string): string {
  const [major = "", minor = ""] = version.replace(/^v/, "").split(".")
  return major === "0" ? `0.${minor}` : major
}

function newestOf(ecosystem: Ecosystem, versions: readonly string[]): string {
  return versions.reduce((a, b) => (compareVersions(ecosystem, a, b) >= 0 ? a : b))
}
