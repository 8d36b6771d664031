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
  text: string
}

/**
 * The values of a request, a row each. Beside those of an earlier one: `+` what is new or other, `-` what was there instead, and the
 * rest marked as the same. `max` is the longest value, in UTF-16 units.
 */
export function valueRows(request: NetworkArguments, before?: NetworkArguments, max = MAX_SHOWN): Row[] {
  const now = flatten(request, max)
  const then = before === undefined ? undefined : flatten(before, max)
  if (then === undefined || now.length > MAX_COMPARED || then.length > MAX_COMPARED)
    return labelParts(now.map((flat) => ({ ...flat })))
  const changes = diffArrays(then, now, {
    comparator: (a, b) => a.part === b.part && a.text === b.text,
    maxEditLength: MAX_EDITS,
  })
  if (changes === undefined) return labelParts(now.map((flat) => ({ ...flat, sign: "+" })))
  const rows = changes.flatMap(({ value, added, removed }) =>
    value.map((flat) => ({ ...flat, sign: added ? ("+" as const) : removed ? ("-" as const) : (" " as const) })),
  )
  // That the bytes are others is said by their own hash.
  return labelParts(rows.filter(({ part, sign }) => part !== "body" || sign !== "-"))
}

/** The title of a part stands once, beside its first value. */
function labelParts(flats: readonly (Flat & { sign?: "+" | "-" | " " })[]): Row[] {
  let last: string | undefined
  return flats.map(({ part, text, sign }) => {
    const label = part === last ? "" : part
    last = part
    if (sign === undefined) return { label, value: text }
    const tone = sign === "+" ? ("warn" as const) : ("dim" as const)
    return {
      label,
      value: `${sign} ${text}`,
      ...(sign !== " " && { tone }),
      ...(sign === " " && { same: true as const }),
    }
  })
}

/** Values as `name: value`; a name that is more than a plain path is quoted, so that it cannot pass for a name and a value. */
function flatten(request: NetworkArguments, max: number): Flat[] {
  const { query, headers, body, shown } = request
  const described = readDescribed(shown)
  const flats: Flat[] = []
  const add = (part: string, name: string, value: string, cut?: ShownValue["cut"]) =>
    flats.push({ part: shortValue(part, 12).slice(0, 12), text: `${nameOf(name)}${shortValue(value, max, cut)}` })
  if (query !== "" && !described?.parts.some(({ title }) => title === "query")) add("query", "", query)
  for (const [name, value] of Object.entries(headers)) add("header", name, value)
  for (const { title, values, more } of described?.parts ?? []) {
    for (const { name, value, cut } of values) add(title, name, value, cut)
    if (more !== undefined)
      flats.push({ part: shortValue(title, 12).slice(0, 12), text: `(and ${countOf(more, "more value")})` })
  }
  // What the gate did not decode is there all the same.
  if (described === undefined) add("decoded", "", JSON.stringify(shown ?? null))
  if (body !== undefined)
    add("body", "", `${countOf(body.size, "byte")} of ${body.type || "no stated type"}, sha256 ${body.sha256}`)
  return flats
}

function nameOf(name: string): string {
  if (name === "") return ""
  const plain = /^[\w./@[\]$-]{1,80}$/.test(name)
  return `${plain ? name : JSON.stringify(shortValue(name, 60))}: `
}

const isObject = (value: Json | undefined): value is { readonly [name: string]: Json } =>
  typeof value === "object" && value !== null && !Array.isArray(value)
