// npm's bulk advisory endpoint, which `npm audit` asks: GitHub's advisories with npm ranges, without CVE names.
// (npm-audit-report's and @npmcli/metavuln-calculator's documentation; POST /-/npm/v1/security/advisories/bulk)
import { promisify } from "node:util"
import { gzip } from "node:zlib"
import type { Context } from "../../context.ts"
import { parseForeignJson } from "../../foreign-json.ts"
import type { MissingReason } from "../../policy/types.ts"
import { affectedBy } from "./affects.ts"
import { isObject, type Json, listOf } from "./json.ts"
import { mergePackage } from "./merge.ts"
import { advisoryId, canonicalName } from "./names.ts"
import { type Finding, MAX_RANGES, recordOf } from "./normalize.ts"
import { eventsOfNpmRange } from "./npm-range.ts"
import { highestRating, rateVector, severityOfWord } from "./severity.ts"
import type { AffectedBy, PackageRecord } from "./types.ts"

const PATH = "-/npm/v1/security/advisories/bulk"
/** Packages in one request: npm itself sends all at once, registries in between bound bodies at about 1 MB. */
const BATCH = 1000
const MAX_ANSWER_BYTES = 64 << 20
const TIMEOUT_MS = 30_000
const MAX_ADVISORIES = 5000

/** What the endpoint knows, or why it was not asked or gave no answer. */
export type BulkResult =
  | { ok: true; affecting: (name: string, version: string) => AffectedBy }
  | { ok: false; reason: MissingReason }

function idOf(advisory: Json): string | undefined {
  // The URL ends in the GHSA id; the numeric `id` is npm's own and means nothing elsewhere.
  const url = typeof advisory["url"] === "string" ? advisory["url"].slice(0, 500) : ""
  const ghsa = /GHSA(-[23456789cfghjmpqrvwx]{4}){3}$/.exec(url)?.[0]
  const number = advisory["id"]
  return ghsa ?? (typeof number === "number" || typeof number === "string" ? advisoryId(`npm-${number}`) : undefined)
}

/** One advisory of an answer. One that cannot be read is kept as such: it leaves the package undecided. */
function findingOf(name: string, answer: unknown): Finding {
  const advisory = isObject(answer) ? answer : {}
  const id = idOf(advisory)
  const word = severityOfWord(advisory["severity"])
  const cvss = isObject(advisory["cvss"]) ? rateVector(advisory["cvss"]["vectorString"]).cvss : undefined
  const ranges = id === undefined ? undefined : eventsOfNpmRange(advisory["vulnerable_versions"])?.slice(0, MAX_RANGES)
  const record = recordOf("npm", {
    id: id ?? "npm-unknown",
    aliases: [],
    malware: listOf(advisory["cwe"]).includes("CWE-506"),
    rating: highestRating([word ? { severity: word } : {}, cvss === undefined ? {} : { cvss }]),
    ranges: ranges ?? [],
    versions: [],
    unreadable: ranges === undefined,
  })
  return { ecosystem: "npm", name, record }
}

/** The body as text, read no further than the bound; undefined where it is longer. */
async function readBody(response: Response): Promise<string | undefined> {
  const chunks: Uint8Array[] = []
  let size = 0
  for await (const chunk of response.body ?? []) {
    size += chunk.length
    if (size > MAX_ANSWER_BYTES) return undefined
    chunks.push(chunk)
  }
  return Buffer.concat(chunks).toString()
}

function recordsOf(answer: Json, asked: ReadonlySet<string>): Map<string, PackageRecord> {
  const records = new Map<string, PackageRecord>()
  for (const [name, advisories] of Object.entries(answer)) {
    // An answer for something else than was asked is none.
    if (!asked.has(name)) continue
    const list = Array.isArray(advisories) ? advisories.slice(0, MAX_ADVISORIES) : [advisories]
    if (list.length > 0) records.set(name, mergePackage(list.map((advisory) => findingOf(name, advisory))))
  }
  return records
}

async function ask(ctx: Context, url: URL, batch: ReadonlyMap<string, readonly string[]>) {
  const body = await promisify(gzip)(JSON.stringify(Object.fromEntries(batch)))
  const headers = { "content-type": "application/json", "content-encoding": "gzip", accept: "application/json" }
  const signal = AbortSignal.timeout(TIMEOUT_MS)
  const response = await ctx.fetch(url.href, { method: "POST", headers, body, signal, redirect: "error" })
  if (response.status !== 200) {
    await response.body?.cancel()
    // 404, 405, 501: a registry without the endpoint. Anything else is a registry in trouble.
    return [404, 405, 501].includes(response.status) ? ("unsupported" as const) : ("unreachable" as const)
  }
  const text = await readBody(response)
  const answer: unknown = text === undefined ? undefined : parseForeignJson(text)
  return isObject(answer) ? recordsOf(answer, new Set(batch.keys())) : ("invalid" as const)
}

/**
 * Asks a registry about versions of npm packages. `baseUrl` is the registry's, with or without a slash at the end. All or
 * nothing: if one batch fails, the answer is why, since half an answer would read as "nothing known" for the rest.
 */
export async function fetchBulk(
  ctx: Context,
  baseUrl: string,
  packages: ReadonlyMap<string, readonly string[]>,
): Promise<BulkResult> {
  const url = new URL(PATH, baseUrl.endsWith("/") ? baseUrl : `${baseUrl}/`)
  const entries = [...packages].filter(([name]) => canonicalName("npm", name) !== undefined && name !== "__proto__")
  const records = new Map<string, PackageRecord>()
  try {
    for (let from = 0; from < entries.length; from += BATCH) {
      const answer = await ask(ctx, url, new Map(entries.slice(from, from + BATCH)))
      if (typeof answer === "string") return { ok: false, reason: answer }
      for (const [name, record] of answer) records.set(name, record)
    }
  } catch (error) {
    return { ok: false, reason: error instanceof SyntaxError ? "invalid" : "unreachable" }
  }
  return { ok: true, affecting: (name, version) => affectedBy(records.get(name), version) }
}
