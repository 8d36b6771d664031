// How each version of a listing appears to a client. Hiding a version lets ranges correct themselves, listing it lets pins say
// why they fail; which of the two works is a client's own doing (docs/clients.md has the experiments).
import { isPrerelease } from "../packages/versions.ts"
import type { Ecosystem, Verdict } from "../policy/types.ts"
import { compareQuickly } from "./protocols/order.ts"
import type { Client, Presentation, Withheld } from "./types.ts"

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
  const { ecosystem, client, versions, refused } = input
  if (refused.size === 0) return { withheld: new Map(), replacement: undefined }
  const covers = ecosystem === "npm" && !KNOWN.has(client) ? coveringLines(versions, refused) : undefined
  const withheld = new Map<string, Withheld>()
  for (const version of versions) {
    const verdict = refused.get(version)
    if (verdict === undefined) continue
    const presentation = covers?.(version) ?? presentationFor(ecosystem, client)
    withheld.set(version, { presentation, verdict })
  }
  return { withheld, replacement: findReplacement(input) }
}

/** npm clients whose choice of a version is known to pass over deprecated or restricted ones. */
const KNOWN: ReadonlySet<Client> = new Set<Client>(["npm", "pnpm", "yarn"])

function presentationFor(ecosystem: Ecosystem, client: Client): Exclude<Presentation, "served"> {
  // npm has a member of its own for what policy holds back; a Go module list knows no marks.
  if (ecosystem === "golang") return "withheld"
  return ecosystem === "npm" && client === "npm" ? "withheld" : "listed"
}

/**
 * For clients that take the highest version of a range, deprecated or not: one is listed only where its minor line has a
 * higher release that is served, so that neither `^` nor `~` chooses it.
 */
function coveringLines(versions: readonly string[], refused: ReadonlyMap<string, Verdict>) {
  const best = new Map<string, string>()
  for (const version of versions) {
    if (refused.has(version) || isEarly("npm", version)) continue
    const line = minorLine(version)
    const other = best.get(line)
    if (other === undefined || compareQuickly("npm", version, other) > 0) best.set(line, version)
  }
  return (version: string): "listed" | "withheld" => {
    const higher = best.get(minorLine(version))
    return higher !== undefined && compareQuickly("npm", higher, version) > 0 ? "listed" : "withheld"
  }
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
