// npm's bulk advisory endpoint, answered from our own index, so that `npm audit` works behind the gate and says what the gate
// says (npm-audit-report's and @npmcli/metavuln-calculator's documentation: POST /-/npm/v1/security/advisories/bulk).
import { createHash } from "node:crypto"
import { gunzipSync } from "node:zlib"
import { parseForeignJson } from "../../../foreign-json.ts"
import { advisoryId } from "../../../packages/advisories/names.ts"
import type { AdvisoryIndex } from "../../../packages/advisories/types.ts"
import { isNpmName } from "../../../packages/registries/npm.ts"
import { isRecord } from "../../../packages/registries/values.ts"
import { isValidVersion } from "../../../packages/versions.ts"
import type { Advisory, Severity } from "../../../policy/types.ts"
import type { Rendered } from "../../types.ts"
import { vulnerableVersions } from "./vulnerable.ts"

/** A tree of 20,000 packages asks with about a megabyte before it is packed; the work that a question takes is bounded, too. */
export const MAX_BULK_BYTES = 2 << 20
const MAX_UNPACKED = 4 << 20
const MAX_NAMES = 20_000
const MAX_VERSIONS = 100

/**
 * Answers a body of `{name: [versions]}`, gzipped or not, with the advisories that apply to one of those versions; undefined
 * for a body that is no such thing or beyond its bounds. Names and versions that no registry has are passed over.
 */
export function answerAdvisories(body: Buffer | undefined, index: Index): Rendered | undefined {
  const asked = body && readBody(body)
  if (asked === undefined || !isBounded(asked)) return undefined
  const answers: string[] = []
  for (const [name, value] of Object.entries(asked)) {
    const found = isNpmName(name) ? advisoriesFor(name, versionsOf(value), index) : []
    if (found.length > 0) answers.push(`${JSON.stringify(name)}:${JSON.stringify(found)}`)
  }
  return { contentType: "application/json", body: `{${answers.join(",")}}` }
}

type Index = Pick<AdvisoryIndex, "affecting" | "records">

/** npm always packs it; the first two bytes tell (RFC 1952), whatever the headers say. */
function readBody(body: Buffer): Record<string, unknown> | undefined {
  if (body.length > MAX_BULK_BYTES) return undefined
  const packed = body[0] === 0x1f && body[1] === 0x8b
  try {
    const text = (packed ? gunzipSync(body, { maxOutputLength: MAX_UNPACKED }) : body).toString()
    const value: unknown = parseForeignJson(text)
    return isRecord(value) ? value : undefined
  } catch {
    return undefined // not gzip, not JSON, or larger than the bound
  }
}

/** What is left out of an answer would read as safe: a question is answered whole or not at all. */
function isBounded(asked: Record<string, unknown>): boolean {
  const lists = Object.values(asked)
  return lists.length <= MAX_NAMES && lists.every((list) => !Array.isArray(list) || list.length <= MAX_VERSIONS)
}

function versionsOf(value: unknown): string[] {
  return (Array.isArray(value) ? value : []).filter(
    (version) => typeof version === "string" && isValidVersion("npm", version),
  )
}

/** What the law sees of each version, put together by advisory. */
function advisoriesFor(name: string, versions: readonly string[], index: Index) {
  const found = new Map<string, { advisory: Advisory; affected: string[] }>()
  for (const version of versions) {
    for (const advisory of index.affecting("npm", name, version)) {
      const known = found.get(advisory.id)
      if (known !== undefined) known.affected.push(version)
      else found.set(advisory.id, { advisory, affected: [version] })
    }
  }
  if (found.size === 0) return []
  const records = index.records("npm", name)?.advisories ?? []
  return [...found.values()].map(({ advisory, affected }) => {
    const record = records.find(({ id }) => id === advisory.id) ?? {}
    return describe(name, advisory, vulnerableVersions(record, affected))
  })
}

/** GitHub's words for severities; npm takes one that is not stated for high, and so do our own rules. */
const WORDS: Readonly<Record<Severity, string>> = { low: "low", medium: "moderate", high: "high", critical: "critical" }
const GHSA = /^GHSA(-[23456789cfghjmpqrvwx]{4}){3}$/

function describe(name: string, { id: first, aliases, kind, severity, cvss }: Advisory, range: string) {
  const malware = kind === "malware"
  const ids = [first, ...aliases].filter((id) => advisoryId(id) !== undefined)
  const id = ids[0] ?? "unknown"
  return {
    id: numberOf(id),
    url: pageOf(ids.find((one) => GHSA.test(one)) ?? id),
    title: `${malware ? "Known malware" : "Known vulnerability"} in ${name} (${id})`,
    severity: malware ? "critical" : WORDS[severity ?? "high"],
    vulnerable_versions: range,
    cwe: malware ? ["CWE-506"] : [],
    cvss: { score: cvss ?? 0, vectorString: null },
  }
}

/** Where a person reads about an advisory; databases that are not public have no page. */
function pageOf(id: string): string {
  if (GHSA.test(id)) return `https://github.com/advisories/${id}`
  return /^(?:MAL|CVE)-\d{4}-\d+$/.test(id) ? `https://osv.dev/vulnerability/${id}` : `urn:advisory:${id}`
}

/** Clients tell advisories apart by a number: the same for the same id, always. */
function numberOf(id: string): number {
  return createHash("sha256").update(id).digest().readUIntBE(0, 6)
}
