// What a card says of what was asked: a request of the network, a package, an exception, and whatever other rooms may ask.
import type { Background } from "../approvals/background.ts"
import { readNetwork, readPackage } from "../approvals/read-arguments.ts"
import type { Binding, NetworkArguments, PackageArguments } from "../approvals/types.ts"
import { codeOf } from "../policy/codes.ts"
import type { Evidence } from "../policy/types.ts"
import { oddHost } from "./card-host.ts"
import { type Row, shortValue } from "./card-text.ts"
import { readDescribed, valueRows } from "./card-values.ts"
import { cleanText } from "./clean.ts"

/** A part of a card that may be cut; `name` says what was, in the plural. */
export interface Section {
  name: string
  rows: readonly Row[]
}

export interface Parts {
  /** What will happen: one sentence. */
  headline: string
  /** What is always shown, below the headline. */
  top: readonly Row[]
  /** In the order in which they are shown. */
  sections: readonly Section[]
}

type Asking = Pick<Binding, "kind" | "subject" | "arguments">

/** Most evidence that a card lists. */
const MAX_EVIDENCE = 12

/** What was asked, with values of at most `max` UTF-16 units. */
export function partsOf(binding: Asking, background: Background | undefined, max: number): Parts {
  const request = readNetwork(binding)
  if (request !== undefined) return requestParts(request, background, max)
  const bound = readPackage(binding)
  if (bound !== undefined) return packageParts(binding.kind, bound, background, max)
  const lines = JSON.stringify(binding.arguments, null, 2).split("\n")
  return {
    headline: `${shortValue(String(binding.kind), 40)} ${shortValue(String(binding.subject), 160)}`,
    top: [],
    sections: [{ name: "arguments", rows: listed("arguments", lines, max) }],
  }
}

function requestParts(request: NetworkArguments, background: Background | undefined, max: number): Parts {
  const { host, query, rule, also = [], codes, reason, operation, access, credential, opening } = request
  const most = (length: number) => (max === Infinity ? max : length)
  const described = readDescribed(request.shown)
  const what = described ? `${described.verb} ${described.resource}` : `${request.method} ${host}${request.path}`
  const amount = described?.amount === undefined ? "" : `, ${shortValue(described.amount, most(60))}`
  const address = `${shortValue(request.method, 20)} ${shortValue(addressOf(request), most(400))}`
  const kind = [operation, access && `a ${access}`].filter((part) => part !== undefined).join(", ")
  return {
    headline: `${shortValue(what, most(160))}${amount}`,
    top: [
      { label: "sends", value: `${address}${query === "" ? "" : "?..."}` },
      ...oddHost(host).map((value): Row => ({ label: "beware", value, tone: "bad" })),
      ...openingRows(opening),
    ],
    sections: [
      { name: "values", rows: comparedRows(request, background?.approved, max) },
      { name: "provenance", rows: listed("provenance", request.provenance ?? [], most(200)) },
      {
        name: "the rule",
        rows: [
          {
            label: "rule",
            value: `${[...new Set([rule, ...also])].map((id) => shortValue(id, most(80))).join(", ")}: ${codes.map(describeCode).join(", ")}`,
          },
          { label: "because", value: shortValue(reason, most(300)) },
          ...(kind === "" ? [] : [{ label: "operation", value: shortValue(kind, 120) }]),
        ],
      },
      {
        name: "the credential",
        rows:
          credential === undefined
            ? []
            : [{ label: "credential", value: `${shortValue(credential, 80)} goes onto it; the agent never had it` }],
      },
    ],
  }
}

function comparedRows(request: NetworkArguments, before: Background["approved"], max: number): Row[] {
  const then = before && readNetwork(before.binding)
  if (before === undefined || then === undefined) return valueRows(request, undefined, max)
  const day = new Date(before.binding.requested).toISOString().slice(0, 16).replace("T", " ")
  // What is other comes first: where there is little room, it is what is seen.
  return [...valueRows(request, then, max), { label: "compared", value: `with ${before.id}, approved, of ${day}Z` }]
}

function openingRows(opening: NetworkArguments["opening"]): Row[] {
  if (opening === undefined) return []
  const name = opening === "grpc" ? "gRPC stream" : "WebSocket"
  const value = `only the opening of a ${name} is decided: messages after it are not seen`
  return [{ label: "beware", value, tone: "warn" }]
}

function addressOf({ scheme, host, port, path }: NetworkArguments): string {
  const usual = scheme === "https" || scheme === "wss" ? 443 : 80
  return `${scheme}://${host.includes(":") ? `[${host}]` : host}${port === usual ? "" : `:${port}`}${path}`
}

function packageParts(kind: string, bound: PackageArguments, background: Background | undefined, max: number): Parts {
  const { purl, codes, advisories, missing, integrity } = bound
  const list = codes.map(describeCode).join(", ")
  const facts = evidenceRows(background)
  return {
    headline:
      kind === "exception"
        ? `lift ${shortValue(list, 120)} for ${shortValue(purl, 160)}`
        : `let in ${shortValue(purl, 160)}`,
    top: [{ label: kind === "exception" ? "would lift" : "asks for", value: shortValue(list, Math.max(300, max)) }],
    sections: [
      {
        name: "evidence",
        rows: [
          ...(advisories ? [{ label: "advisories", value: shortValue(advisories.join(", "), max) }] : []),
          ...(missing ? [{ label: "not known", value: shortValue(missing.join(", "), max) }] : []),
          ...facts.evidence,
          ...(integrity === undefined ? [] : [{ label: "bytes", value: shortValue(integrity, max) }]),
        ],
      },
      { name: "the rule", rows: facts.rule },
    ],
  }
}

/** What the record says of a package's verdict: its evidence, and its rule with the number to ask `why` about. */
export function evidenceRows(background: Background | undefined): { evidence: Row[]; rule: Row[] } {
  const decided = background?.decided
  if (decided === undefined) return { evidence: [], rule: [] }
  const { evidence, rule, reason } = decided.verdict
  const shown = evidence.slice(0, MAX_EVIDENCE).map(describeEvidence)
  if (evidence.length > shown.length) shown.push(`(and ${evidence.length - shown.length} more)`)
  return {
    evidence: listed("evidence", shown, 300),
    rule: [
      { label: "rule", value: shortValue(rule, 300) },
      { label: "because", value: shortValue(reason, 300) },
      { label: "on record", value: `ng-${decided.seq}: nanoguard why ng-${decided.seq}` },
    ],
  }
}

function describeEvidence({ kind, ...fields }: Evidence): string {
  const said = Object.entries(fields).map(
    ([name, value]) => `${name} ${Array.isArray(value) ? value.join(", ") : value}`,
  )
  return `${kind}: ${said.join("; ")}`
}

/** A code with its title. */
export function describeCode(code: string): string {
  const title = codeOf(code)?.title
  return title === undefined ? cleanText(code, 80) : `${code} (${title.toLowerCase()})`
}

/** Values below each other, the label beside the first one. */
function listed(label: string, values: readonly string[], max: number): Row[] {
  return values.map((value, i) => ({ label: i === 0 ? label : "", value: shortValue(value, max) }))
}
