// A card: what a person has to see of a request before they decide it, as data. All of it comes from what was bound and signed for,
// or from the record; an agent's own words come last, and are called that.
import { shortDigest } from "../approvals/binding.ts"
import type { Waiting } from "../approvals/live/types.ts"
import type { Binding, NetworkArguments, PackageArguments } from "../approvals/types.ts"
import { codeOf } from "../policy/codes.ts"
import { formatDuration } from "../policy/duration.ts"
import type { Evidence } from "../policy/types.ts"
import { oddHost } from "./card-host.ts"
import { type Row, shortValue } from "./card-text.ts"
import { MAX_SHOWN, readDescribed, valueRows } from "./card-values.ts"
import { cleanText, countOf } from "./clean.ts"

/** A part of a card that may be cut; `name` says what was, in the plural. */
export interface Section {
  name: string
  rows: readonly Row[]
}

export interface Card {
  /** What will happen: one sentence. */
  headline: string
  /** What is always shown, below the headline. */
  top: readonly Row[]
  /** In the order in which they are shown. */
  sections: readonly Section[]
  /** What is always shown, above the keys. */
  bottom: readonly Row[]
}

/** Most evidence that a card lists. */
const MAX_EVIDENCE = 12

/** The card of a request at a time. `whole`: with every value as long as it is. */
export function cardOf(waiting: Waiting, now: number, whole = false): Card {
  const { approval } = waiting
  const { binding } = approval
  const max = whole ? Infinity : MAX_SHOWN
  const text = (value: string, most = max) => shortValue(value, Math.min(most, 100_000))
  const parts = binding.kind === "network" ? requestOf(waiting, max) : packageOf(waiting, text)
  return {
    headline: parts.headline,
    top: [...parts.top, { label: "asked by", value: whoOf(binding, text) }, boxedOf(waiting)],
    sections: [...parts.sections, saidOf(binding, text)].filter(({ rows }) => rows.length > 0),
    bottom: [...deniedOf(waiting, now), ...footOf(waiting, now)],
  }
}

type Parts = Pick<Card, "headline" | "top" | "sections">
type Text = (value: string, most?: number) => string

function requestOf({ approval, background }: Waiting, max: number): Parts {
  const request = approval.binding.arguments as unknown as NetworkArguments
  const { method, scheme, host, port, path, query, rule, codes, reason, operation, access, credential, opening } =
    request
  const described = readDescribed(request.shown)
  const address = `${scheme}://${host.includes(":") ? `[${host}]` : host}${isUsual(scheme, port) ? "" : `:${port}`}${path}`
  const before = background?.approved
  const values = valueRows(request, before?.binding.arguments as unknown as NetworkArguments | undefined, max)
  const first = before && {
    label: "compared",
    value: `with ${before.id}, approved before (requested ${at(before.binding.requested)})`,
  }
  const what = described ? `${described.verb} ${described.resource}` : `${method} ${host}${path}`
  const amount = described?.amount === undefined ? "" : `, ${shortValue(described.amount, 60)}`
  return {
    headline: `${shortValue(what, 160)}${amount}`,
    top: [
      {
        label: "request",
        value: `${shortValue(method, 20)} ${shortValue(address, Math.min(max, 400))}${query === "" ? "" : "?..."}`,
      },
      ...oddHost(host).map((value): Row => ({ label: "beware", value, tone: "bad" })),
      ...(opening === undefined ? [] : [openingOf(opening)]),
    ],
    sections: [
      { name: "values", rows: [...(first ? [first] : []), ...values] },
      {
        name: "provenance",
        rows: (request.provenance ?? []).map((value, i) => ({
          label: i === 0 ? "provenance" : "",
          value: shortValue(value, 200),
        })),
      },
      {
        name: "the rule",
        rows: [
          { label: "rule", value: `${shortValue(rule, 120)}: ${codes.map(describeCode).join(", ")}` },
          { label: "because", value: shortValue(reason, 300) },
          ...(operation === undefined && access === undefined
            ? []
            : [
                {
                  label: "operation",
                  value: [operation, access && `a ${access}`]
                    .filter((part) => part !== undefined)
                    .map((part) => shortValue(part, 80))
                    .join(", "),
                },
              ]),
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

function openingOf(opening: "websocket" | "grpc"): Row {
  const name = opening === "grpc" ? "gRPC stream" : "WebSocket"
  return {
    label: "beware",
    value: `only the opening of a ${name} is decided: messages after it are not seen`,
    tone: "warn",
  }
}

function packageOf({ approval: { binding }, background }: Waiting, text: Text): Parts {
  const { kind, subject } = binding
  if (kind !== "package" && kind !== "exception") {
    const lines = JSON.stringify(binding.arguments, null, 2).split("\n")
    return {
      headline: `${text(kind, 40)} ${text(subject, 160)}`,
      top: [],
      sections: [
        { name: "arguments", rows: lines.map((line, i) => ({ label: i === 0 ? "arguments" : "", value: text(line) })) },
      ],
    }
  }
  const { purl, codes, advisories, missing, integrity } = binding.arguments as unknown as PackageArguments
  const list = codes.map(describeCode).join(", ")
  const decided = background?.decided
  const evidence = decided?.verdict.evidence.slice(0, MAX_EVIDENCE) ?? []
  const left = (decided?.verdict.evidence.length ?? 0) - evidence.length
  const row = (label: string, value: string | undefined): Row[] =>
    value === undefined ? [] : [{ label, value: text(value, 300) }]
  return {
    headline: kind === "exception" ? `lift ${list} for ${text(purl, 160)}` : `let in ${text(purl, 160)}`,
    top: [{ label: kind === "exception" ? "would lift" : "asks for", value: list }],
    sections: [
      {
        name: "evidence",
        rows: [
          ...row("advisories", advisories?.join(", ")),
          ...row("not known", missing?.join(", ")),
          ...evidence.map(
            (item, i): Row => ({ label: i === 0 ? "evidence" : "", value: text(describeEvidence(item), 300) }),
          ),
          ...(left > 0 ? [{ label: "", value: `(and ${left} more)` }] : []),
          ...row("bytes", integrity),
        ],
      },
      {
        name: "the rule",
        rows:
          decided === undefined
            ? []
            : [
                ...row("rule", decided.verdict.rule),
                ...row("because", decided.verdict.reason),
                ...row("on record", `ng-${decided.seq} (nanoguard why ng-${decided.seq})`),
              ],
      },
    ],
  }
}

/** One fact behind a verdict, in words. */
export function describeEvidence({ kind, ...fields }: Evidence): string {
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

function whoOf({ agent, operator, run }: Binding, text: Text): string {
  const of = operator === undefined ? "no operator named" : `operator ${text(operator, 80)}`
  return `${text(agent, 80)} (${of}; ${run === undefined ? "outside of a run" : `run ${text(run, 60)}`})`
}

function boxedOf({ background }: Waiting): Row {
  if (background === undefined) return { label: "box", value: "looking at the record ...", tone: "dim" }
  const { boxed } = background
  if (boxed === true) return { label: "box", value: "it runs in a box" }
  const what = boxed === false ? "it runs in no box" : "the record does not say that it runs in a box"
  return { label: "box", value: `${what}: for it the gate is no boundary`, tone: "warn" }
}

function deniedOf({ background }: Waiting, now: number): Row[] {
  const denied = background?.denied
  if (denied === undefined) return []
  const { by, time, asked, same, note } = denied
  const which = same ? "the same was" : "this, with other arguments, was"
  const why = note === undefined ? "" : `: ${JSON.stringify(shortValue(note, 120))}`
  return [
    {
      label: "asked again",
      value: `${ordinal(asked + 1)} ask: ${which} denied by ${shortValue(by, 60)} ${formatDuration(now - time)} ago${why}`,
      tone: "bad",
    },
  ]
}

function footOf({ approval, agreed, missing, mine }: Waiting, now: number): Row[] {
  const { id, digest, binding } = approval
  const { group, people, quorum } = binding.approvers
  const who = people === "anyone" ? "any approver" : people.map((name) => shortValue(name, 60)).join(", ")
  const names = agreed.length > 0 ? `; agreed: ${agreed.map((name) => shortValue(name, 60)).join(", ")}` : ""
  const left = missing > 0 && agreed.length > 0 ? `; ${missing} more` : ""
  return [
    {
      label: "decided by",
      value: `${group === "" ? "" : `${shortValue(group, 40)}: `}${shortValue(who, 200)} (${countOf(quorum, "person", "people")} must agree${names}${left})${mine ? "" : "; not you"}`,
    },
    { label: "digest", value: `${shortDigest(digest)}  ${id}  ${timeLeft(binding.expires, now)}` },
  ]
}

function saidOf({ reason }: Binding, text: Text): Section {
  return {
    name: "the agent's words",
    rows: reason === undefined ? [] : [{ label: "agent says", value: `"${text(reason, 400)}"` }],
  }
}

/** What is left until an instant, to the second where it is short. */
export function timeLeft(expires: number, now: number): string {
  const left = Math.max(0, expires - now)
  if (left >= 3_600_000) return `${formatDuration(left)} left`
  const seconds = Math.ceil(left / 1000)
  return `${seconds >= 60 ? `${Math.floor(seconds / 60)}m ` : ""}${seconds % 60}s left`
}

const at = (ms: number) => `${new Date(ms).toISOString().slice(0, 16).replace("T", " ")}Z`
const ordinal = (n: number) => `${n}${["th", "st", "nd", "rd"][n % 100 > 10 && n % 100 < 14 ? 0 : n % 10] ?? "th"}`
const isUsual = (scheme: string, port: number) => port === (scheme === "https" || scheme === "wss" ? 443 : 80)
