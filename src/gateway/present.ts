// How each version of a listing appears to a client. Hiding a version lets ranges correct themselves, listing it lets pins say
// why they fail; which of the two works is a client's own doing (docs/clients.md has the experiments).
import { isPrerelease } from "../packages/versions.ts"
import type { Ecosystem, Verdict } from "../policy/types.ts"
import { compareQuickly } from "./protocols/order.ts"
import type { Client, Withheld } from "./types.ts"

export interface PresentInput {
  ecosystem: Ecosystem
  client: Client
  /** In the document's order. */
  versions: readonly string[]
  /** Versions that are not served, with what is said of them. */
  refused: ReadonlyMap<string, Verdict>
  /** What the document's tags name; `latest` is where a replacement is looked for. */
  tags: Readonly<Record<string, string>>
  /** Versions that their author deprecated or yanked: no replacement for others where there is a choice. */
  deprecated?: (version: string) => boolean
}

export interface Presented {
  withheld: ReadonlyMap<string, Withheld>
  /** The version that stands in for those: always a served one; undefined where none is served, and where all are. */
  replacement: string | undefined
}

/** Presents every version of a listing. Pure; the order of versions makes no difference. */
export function presentVersions(input: PresentInput): Presented {
  const { versions, refused } = input
  const withheld = new Map<string, Withheld>()
  if (refused.size === 0) return { withheld, replacement: undefined }
  const replacement = findReplacement(input)
  const presentationOf = presentationFor(input, replacement)
  for (const version of versions) {
    const verdict = refused.get(version)
    if (verdict !== undefined) withheld.set(version, { presentation: presentationOf(version), verdict })
  }
  return { withheld, replacement }
}

type PresentationOf = (version: string) => Withheld["presentation"]

/** Clients of npm's registry that pass over a deprecated version wherever a range has another one. */
const PASS_OVER: ReadonlySet<Client> = new Set<Client>(["npm", "pnpm", "yarn", "bun"])
/** Clients that take the highest version of a range, deprecated or not, unless `latest` is in the range: then that one. */
const PREFER_LATEST: ReadonlySet<Client> = new Set<Client>(["pnpm-classic", "yarn-classic"])

function presentationFor(input: PresentInput, replacement: string | undefined): PresentationOf {
  const { ecosystem, client } = input
  // A list of Go's has no marks, and a version that is not in it can still be asked for and be refused.
  if (ecosystem === "golang") return () => "withheld"
  // Where nothing is served there is nothing to choose instead, and the reason is all that there is to show.
  if (ecosystem !== "npm" || replacement === undefined || PASS_OVER.has(client)) return () => "listed"
  const isCovered = coverOf(input)
  const isBehind = PREFER_LATEST.has(client) ? latestCoverOf(input, replacement) : () => false
  return (version) => (isCovered(version) || isBehind(version) ? "listed" : "withheld")
}

/** Whether a refused version's minor line has a higher release that is served, so that neither `^` nor `~` chooses it. */
function coverOf({ versions, refused }: PresentInput): (version: string) => boolean {
  const best = new Map<string, string>()
  for (const version of versions) {
    if (refused.has(version) || isEarly("npm", version)) continue
    const line = minorLine(version)
    const other = best.get(line)
    if (other === undefined || compareQuickly("npm", version, other) > 0) best.set(line, version)
  }
  return (version) => {
    const higher = best.get(minorLine(version))
    return higher !== undefined && compareQuickly("npm", higher, version) > 0
  }
}

/**
 * Whether a range that has a refused version and a lower served one has what `latest` names, too: that is the highest one which is
 * served below the refused one.
 */
function latestCoverOf({ versions, refused, tags }: PresentInput, replacement: string): (version: string) => boolean {
  const named = tags["latest"]
  const latest = named === undefined || !refused.has(named) ? named : replacement
  if (latest === undefined || !versions.includes(latest) || isEarly("npm", latest)) return () => false
  let next: string | undefined
  for (const version of versions) {
    if (refused.has(version) || isEarly("npm", version) || compareQuickly("npm", version, latest) <= 0) continue
    if (next === undefined || compareQuickly("npm", version, next) < 0) next = version
  }
  return (version) =>
    compareQuickly("npm", version, latest) > 0 && (next === undefined || compareQuickly("npm", version, next) < 0)
}

function minorLine(version: string): string {
  return version.slice(0, version.indexOf(".", version.indexOf(".") + 1))
}

/**
 * The highest served version, by preference: a release that is not deprecated and not above what `latest` names, such a
 * release at all, and then anything.
 */
function findReplacement(input: PresentInput): string | undefined {
  const { ecosystem, versions, refused, tags, deprecated } = input
  const { latest } = tags
  let best: string | undefined
  let bestRank = -1
  for (const version of versions) {
    if (refused.has(version)) continue
    const release = !isEarly(ecosystem, version) && deprecated?.(version) !== true
    const within = latest === undefined || compareQuickly(ecosystem, version, latest) <= 0
    const rank = release ? (within ? 2 : 1) : 0
    if (rank < bestRank) continue
    if (rank > bestRank || isHigher(ecosystem, version, best!)) {
      best = version
      bestRank = rank
    }
  }
  return best
}

/** Spellings of one version (build metadata) are told apart too, so that the order of a document decides nothing. */
function isHigher(ecosystem: Ecosystem, a: string, b: string): boolean {
  const order = compareQuickly(ecosystem, a, b)
  return order > 0 || (order === 0 && a > b)
}

/** SemVer, and Go's form of it, mark pre-releases with a dash: nearly all versions need no more than a look. */
function isEarly(ecosystem: Ecosystem, version: string): boolean {
  return (ecosystem === "pypi" || version.includes("-")) && isPrerelease(ecosystem, version)
}
