// Whether an event is one: names, types and bounds of what the rooms hand over. What is inside of a decision is its own affair.

import { EXIT, NanoguardError } from "../../errors.ts"
import { cleanText } from "../../render/clean.ts"
import type { NewEvent } from "../types.ts"
import { ITEM_KINDS, kindOf, OUTCOMES } from "./record.ts"

/** Longest id of an agent, a run, a gateway, an approval or a policy, in UTF-16 units. */
const MAX_ID = 512

/** Latest time that RFC 3339 can write: the end of the year 9999. */
const MAX_TIME = 253_402_300_799_999

/** Most people that can decide one thing. */
const MAX_PEOPLE = 64

type Check = (value: unknown) => string | undefined

const isString: Check = (value) => (typeof value === "string" ? undefined : "is not a string")
const isId: Check = (value) =>
  typeof value !== "string" || value === ""
    ? "is not a name"
    : value.length > MAX_ID
      ? `is longer than ${MAX_ID}`
      : undefined
const isBoolean: Check = (value) => (typeof value === "boolean" ? undefined : "is neither true nor false")
const isObject: Check = (value) =>
  typeof value === "object" && value !== null && !Array.isArray(value) ? undefined : "is not an object"
const isTime: Check = (value) =>
  Number.isSafeInteger(value) && (value as number) >= 0 && (value as number) <= MAX_TIME
    ? undefined
    : "is not a number of milliseconds since the epoch"

const CHECKS = new Map<string, Check>([
  [
    "type",
    (value) =>
      typeof value === "string" && kindOf(value) ? undefined : "is no type of event, such as package.decided",
  ],
  ["subject", (value) => (typeof value === "string" && value !== "" ? undefined : "says nothing")],
  ["gateway", isId],
  ["time", isTime],
  ["agent", isId],
  ["run", isId],
  ["boxed", isBoolean],
  ["operator", isId],
  ["by", checkPeople],
  ["note", isString],
  ["item", checkItem],
  ["outcome", (value) => ((OUTCOMES as ReadonlySet<unknown>).has(value) ? undefined : "is no outcome")],
  ["approval", isId],
  ["decision", checkDecision],
  ["policy", isId],
  ["secrets", checkSecrets],
  ["detail", isObject],
])

/** Throws `NanoguardError` (usage) that names the member, where an event has an unknown one, or one of a wrong type or size. */
export function checkEvent(event: NewEvent): void {
  if (isObject(event)) throw refuse("it is not an object")
  for (const name in event) checkMember(name, event[name as keyof NewEvent])
  for (const name of ["type", "subject", "gateway"] as const)
    if (event[name] === undefined) throw refuse(`\`${name}\` is missing`)
}

/** `checkEvent` of the members that hold personal values, and of the decision. */
export function checkPersonal(event: NewEvent): void {
  if (isObject(event)) throw refuse("it is not an object")
  for (const name of ["operator", "by", "note", "decision"] as const) checkMember(name, event[name])
}

function checkMember(name: string, value: unknown): void {
  if (value === undefined) return
  const check = CHECKS.get(name)
  if (!check) throw refuse(`\`${name}\` is no member of an event`)
  const wrong = check(value)
  if (wrong !== undefined) throw refuse(`\`${name}\` ${wrong}`)
}

function checkPeople(value: unknown): string | undefined {
  if (!Array.isArray(value)) return "is not a list"
  if (value.length > MAX_PEOPLE) return `names more than ${MAX_PEOPLE} people`
  return value.some(isId) ? "names somebody without a name" : undefined
}

function checkItem(value: unknown): string | undefined {
  if (isObject(value)) return "is not an object"
  const { kind, name, version, digest, ...rest } = value as Record<string, unknown>
  if (!(ITEM_KINDS as ReadonlySet<unknown>).has(kind)) return "is of no kind that agents consume"
  if (typeof name !== "string" || name === "") return "has no name"
  if ((version !== undefined && isString(version)) || (digest !== undefined && isString(digest)))
    return "has a version or digest that is not a string"
  return Object.keys(rest).length > 0 ? "has a member besides kind, name, version and digest" : undefined
}

function checkDecision(value: unknown): string | undefined {
  if (isObject(value)) return "is not an object"
  const { action, evidence, verdict } = value as Record<string, unknown>
  if (isObject(action) || isObject(evidence) || isObject(verdict)) return "is not made of action, evidence and verdict"
  const { effect, code, policyHash, excepted } = verdict as Record<string, unknown>
  if (effect !== "allow" && effect !== "ask" && effect !== "deny") return "has a verdict without an effect"
  if (typeof code !== "string" || isId(policyHash)) return "has a verdict without a code or a policy's hash"
  const owners = excepted === undefined ? [] : excepted
  if (!Array.isArray(owners) || owners.some((one) => isObject(one) || isId((one as { owner: unknown }).owner)))
    return "has an exception without an owner"
  return undefined
}

function checkSecrets(value: unknown): string | undefined {
  if (isObject(value)) return "is not an object"
  return Object.values(value as object).some(isString) ? "holds something other than strings" : undefined
}

function refuse(what: string): NanoguardError {
  return new NanoguardError(`the event cannot be recorded: ${cleanText(what, 200)}`, {
    exit: EXIT.usage,
    hint: "this is a fault of what writes the event, not of your configuration: please report it",
  })
}
