// What a request carries, decoded, as rows: and what of it differs from the one that was approved last.
import { diffArrays } from "diff"
import type { Json, NetworkArguments } from "../approvals/types.ts"
import type { Described, ShownPart, ShownValue } from "../gateway/services/types.ts"
import { type Row, shortValue } from "./card-text.ts"
import { countOf } from "./clean.ts"

/** Longest value on a card, in UTF-16 units; the full view has it whole. */
export const MAX_SHOWN = 200

/** Most lines that are compared, and edits between them: what is further apart is another request altogether. */
const MAX_COMPARED = 2_000
const MAX_EDITS = 400

/** What the gate calls the parts of a request. */
const TITLES: ReadonlySet<string> = new Set([
  ...["query", "form", "JSON", "body", "text", "header", "refs", "push", "publish"],
  ...["e-mail", "attachments", "GraphQL", "variables", "MCP", "arguments", "decoded"],
])

/** Longest value of before that stands behind the one of now. */
const MAX_WAS = 60

/** Reads what the gate decoded; anything else than that is nothing. */
export function readDescribed(value: Json | undefined): Described | undefined {
  if (!isObject(value)) return undefined
  const { verb, resource, amount, parts } = value
  if (typeof verb !== "string" || typeof resource !== "string" || !Array.isArray(parts)) return undefined
  const read = parts.map(readPart)
  if (read.some((part) => part === undefined)) return undefined
  return { verb, resource, parts: read as ShownPart[], ...(typeof amount === "string" && { amount }) }
}

function readPart(part: Json): ShownPart | undefined {
  if (!isObject(part) || typeof part["title"] !== "string" || !Array.isArray(part["values"])) return undefined
  const values = part["values"].flatMap((value): ShownValue[] => {
    if (!isObject(value) || typeof value["name"] !== "string" || typeof value["value"] !== "string") return []
    const { name, value: text, cut } = value as { name: string; value: string; cut?: Json }
    const whole =
      isObject(cut) && typeof cut["length"] === "number" && typeof cut["sha256"] === "string" ? cut : undefined
    return [
      {
        name,
        value: text,
        ...(whole && { cut: { length: whole["length"] as number, sha256: whole["sha256"] as string } }),
      },
    ]
  })
  const lost = part["values"].length - values.length
  const more = (typeof part["more"] === "number" ? part["more"] : 0) + lost
  return { title: part["title"], values, ...(more > 0 && { more }) }
}

interface Flat {
  part: string
  /** As it stands before the value, with a colon. */
  name: string
  value: string
  /** What is compared besides, where a row shows only the beginning of it. */
  hash?: string
}

/**
 * The values of a request, a row each. Beside those of an earlier one: `~` what is other, with what it was, `+` what is new, `-` what is
 * gone, and the rest marked as the same. `max` is the longest value, in UTF-16 units.
 */
export function valueRows(request: NetworkArguments, before?: NetworkArguments, max = MAX_SHOWN): Row[] {
  const now = flatten(request, max)
  const then = before === undefined ? undefined : flatten(before, max)
  if (then === undefined) return labelParts(now)
  const changes =
    now.length > MAX_COMPARED || then.length > MAX_COMPARED
      ? undefined
      : diffArrays(then, now, {
          comparator: isSame,
          maxEditLength: MAX_EDITS,
        })
  if (changes === undefined) return labelParts(now.map((flat) => ({ ...flat, sign: "+" })))
  const gone = changes.flatMap(({ value, removed }) => (removed ? value : []))
  const rows = changes.flatMap(({ value, added, removed }) =>
    value.map(
      (flat): Signed => (removed ? { ...flat, sign: "-" } : added ? pairUp(flat, gone) : { ...flat, sign: " " }),
    ),
  )
  const paired = new Set(rows.flatMap(({ was }) => (was === undefined ? [] : [was])))
  // That the bytes are others is said by their own hash.
  return labelParts(
    rows.filter((row) => row.sign !== "-" || (row.part !== "body" && ![...paired].some((was) => isSame(was, row)))),
  )
}

type Signed = Flat & { sign?: "+" | "-" | "~" | " "; was?: Flat }

const isSame = (a: Flat, b: Flat) => a.part === b.part && a.name === b.name && a.value === b.value && a.hash === b.hash

/** A new value with the one that had its name; a name that comes several times says nothing. */
function pairUp(flat: Flat, gone: readonly Flat[]): Signed {
  const [was, ...others] = gone.filter(({ part, name }) => part === flat.part && name === flat.name)
  return was !== undefined && others.length === 0 && flat.part !== "body"
    ? { ...flat, sign: "~", was }
    : { ...flat, sign: "+" }
}

/** The title of a part stands once, beside its first value. */
function labelParts(rows: readonly Signed[]): Row[] {
  let last: string | undefined
  return rows.map(({ part, name, value, sign, was }) => {
    const label = part === last ? "" : part
    last = part
    if (sign === undefined) return { label, value: `${name}${value}` }
    const before = was === undefined ? "" : `  (was ${shortValue(was.value, MAX_WAS)})`
    const tone = sign === "-" ? ("dim" as const) : ("warn" as const)
    const more = sign === " " ? { same: true as const } : { tone }
    return { label, value: `${sign} ${name}${value}${before}`, ...more }
  })
}

/** Values as `name: value`; a name that is more than a plain path is quoted, so that it cannot pass for a name and a value. */
function flatten(request: NetworkArguments, max: number): Flat[] {
  const { query, headers, body, shown } = request
  const described = readDescribed(shown)
  const flats: Flat[] = []
  const add = (title: string, name: string, value: string, cut?: ShownValue["cut"]) => {
    // A title that is none of ours stands with the name: labels are never in others' words.
    const isOurs = TITLES.has(title)
    const whole = isOurs ? nameOf(name) : `${nameOf(title)}${nameOf(name)}`
    // A text is read as one: an e-mail's lines, each behind a bar.
    flats.push({ part: isOurs ? title : "part", name: whole, value: shortValue(value, max, cut, title === "text") })
  }
  if (query !== "" && !described?.parts.some(({ title }) => title === "query")) add("query", "", query)
  for (const [name, value] of Object.entries(headers)) add("header", name, value)
  for (const { title, values, more } of described?.parts ?? []) {
    for (const { name, value, cut } of values) {
      // What is bound of a body says these better, below.
      if (title !== "body" || body === undefined || (name !== "type" && name !== "bytes")) add(title, name, value, cut)
    }
    if (more !== undefined) add(title, "", `(and ${countOf(more, "more value")})`)
  }
  // What the gate did not decode is there all the same.
  if (described === undefined) add("decoded", "", JSON.stringify(shown ?? null))
  if (body !== undefined) {
    const { sha256, size, type } = body
    const hash = max === Infinity ? sha256 : `${sha256.slice(0, 16)}...`
    const value = `${countOf(size, "byte")} of ${type || "no stated type"}, sha256 ${hash}`
    flats.push({ part: "body", name: "", value: shortValue(value, max), hash: sha256 })
  }
  return flats
}

function nameOf(name: string): string {
  if (name === "") return ""
  const plain = /^[\w./@[\]$-]{1,80}$/.test(name)
  return `${plain ? name : JSON.stringify(shortValue(name, 60))}: `
}

const isObject = (value: Json | undefined): value is { readonly [name: string]: Json } =>
  typeof value === "object" && value !== null && !Array.isArray(value)
