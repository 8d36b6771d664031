// What JFrog Curation says when it blocks a package, read back into data: the forms that its documentation and command line know,
// and those of reports from users. Texts that it writes are data here, never instructions, and bounded.
import { parseForeignJson } from "../../foreign-json.ts"
import { type CurationPolicy, readGroups } from "./curation-groups.ts"

export type { CurationPolicy }

/** Texts are the server's, in printable ASCII of bounded length. */
export interface CurationBlock {
  name?: string
  version?: string
  policies: CurationPolicy[]
  /** CVE ids in any text, in order. */
  cves?: string[]
  /** Versions that a recommendation names. */
  upgrades?: string[]
  /** Not decided yet: it is being scanned, or was not found so far. */
  pending?: boolean
  /** A waiver may be asked for. */
  waiver?: boolean
}

/** Characters of all messages, and the most of everything else. */
const MOST = 32 * 1024
const POLICIES = 20
const IDS = 50

/** By these a refusal is told from one for want of a right, which looks the same otherwise. */
const KEY =
  /jfrog packages curation|curation service|curation policy|blocked by (?:jfrog )?curation|all versions blocked/i
const PENDING = /not being found|on-demand|pending (?:scan|update|curation)|is being (?:scanned|evaluated)/i
const SUBJECT = /\bpackage\s+(\S{1,300}):([^\s:{}]{1,128})\s+(?:download\s+)?(?:was|is|has been)\b/i
const CVE = /\bCVE-\d{4}-\d{4,9}\b/gi
/** A version as a recommendation names it: with a dot at least, so that "9 or above" is none. */
const VERSION = /(?<![\w.-])v?\d{1,9}(?:\.[0-9A-Za-z]{1,40}){1,8}(?:[-+~!][0-9A-Za-z.+~-]{1,80})?(?![\w-])/g

/** What a 403 says in its body and in its `npm-notice` header; undefined where it is not Curation's. Never throws. */
export function readCuration(answer: {
  body: string
  notice?: string | string[] | undefined
}): CurationBlock | undefined {
  const notices = [answer.notice ?? []].flat()
  const messages = [...messagesOf(answer.body.slice(0, 2 * MOST)), ...notices]
    .map((message) => message.slice(0, MOST))
    .filter((message) => KEY.test(message))
  if (messages.length === 0) return undefined
  const block: CurationBlock = { policies: [] }
  for (const message of messages) readMessage(message, block)
  return block
}

function readMessage(message: string, block: CurationBlock): void {
  const subject = SUBJECT.exec(message)
  if (subject !== null && block.name === undefined && isName(subject[1]!)) {
    block.name = subject[1]!
    block.version = plain(subject[2]!, 128)
  }
  const policies = readGroups(message.slice(message.search(KEY)))
  for (const policy of policies) {
    // The header repeats the body.
    const known = block.policies.some((other) => other.policy === policy.policy && other.condition === policy.condition)
    if (!known && block.policies.length < POLICIES) block.policies.push(policy)
  }
  addAll(
    block,
    "cves",
    (message.match(CVE) ?? []).map((id) => id.toUpperCase()),
  )
  addAll(block, "upgrades", policies.flatMap(upgradesOf))
  if (PENDING.test(message)) block.pending = true
  if (/\[waivers? allowed\]/i.test(message)) block.waiver = true
}

function addAll(block: CurationBlock, field: "cves" | "upgrades", found: readonly string[]): void {
  const all = [...new Set([...(block[field] ?? []), ...found])].slice(0, IDS)
  if (all.length > 0) block[field] = all
}

/** Versions in what a policy recommends; scores of the CVEs that it lists are in the explanation, and no versions. */
function upgradesOf({ recommendation }: CurationPolicy): string[] {
  if (recommendation === undefined) return []
  const start = recommendation.search(/\b(?:upgrade|update|downgrade|use|install|versions?)\b/i)
  if (start < 0) return []
  const text = recommendation
    .slice(start)
    .replace(CVE, " ")
    .replace(/https?:\S*/gi, " ")
  return (text.match(VERSION) ?? []).map((version) => version.replace(/\.$/, ""))
}

/** Messages of the documented envelope, of others' envelopes, or the text itself where there is none or it is broken. */
function messagesOf(body: string): string[] {
  try {
    const found = pick(parseForeignJson(body))
    return found.length > 0 ? found : [body]
  } catch {
    return [unescapeJson(body)]
  }
}

function pick(value: unknown): string[] {
  if (typeof value === "string") return [value]
  if (typeof value !== "object" || value === null) return []
  if (Array.isArray(value)) return value.slice(0, POLICIES).flatMap((item) => (Array.isArray(item) ? [] : pick(item)))
  const { errors, message, error } = value as Record<string, unknown>
  return Array.isArray(errors) ? pick(errors) : [message, error].filter((text) => typeof text === "string")
}

function unescapeJson(text: string): string {
  return text
    .replace(/\\u([0-9a-f]{4})/gi, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)))
    .replace(/\\(["\\/])/g, "$1")
}

function isName(text: string): boolean {
  return /^@?[A-Za-z0-9~][A-Za-z0-9._~/@:+-]*$/.test(text)
}

function plain(text: string, most: number): string {
  return text.slice(0, most).replace(/[^\x21-\x7e]/g, "?")
}
