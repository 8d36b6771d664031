// Conditions on a value that somebody sent: a closed set of operators, no expressions.
import type { LayerContext } from "./compile-packages.ts"
import { compilePattern } from "./regex.ts"
import type { PolicyDocument } from "./schema.ts"
import { type Path, policyError } from "./yaml.ts"

/** Operators by name, as a policy has them under `arguments` and `where`. */
export type ValueClause = NonNullable<NonNullable<PolicyDocument["mcp"]>[number]["arguments"]>[string]
type Operators = NonNullable<ValueClause["not"]>
export type Test = (value: unknown) => boolean

export interface ValueContext {
  /** The rule allows: what cannot be read does not meet it. A rule that asks or denies is met by it. */
  permits: boolean
  /** Values are texts where they are sent (query, headers, forms), and numbers in them are to be compared as numbers. */
  textual: boolean
  layer: LayerContext
  path: Path
}

/** Longer texts are not looked through: what a pattern says of them is not known. */
const MAX_MATCHED = 100_000
const NUMBER = /^-?(?:0|[1-9]\d{0,14})(?:\.\d{1,15})?$/

/**
 * One test for a value. A list meets a restricting rule if any element does, and a permitting one only if every element does, so that
 * wrapping a value in a list never helps whoever sends it. Throws where a pattern or a condition is none.
 */
export function compileValueTest(clause: ValueClause, context: ValueContext): Test {
  const { permits, layer, path } = context
  const { not, present, ...operators } = clause
  if (Object.keys(clause).length === 0) policyError("a condition is empty", layer.yaml.where(path, true))
  const positive = compileOperators(operators, context, !permits)
  const negative = not && compileOperators(not, { ...context, path: [...path, "not"] }, permits)
  const one: Test = (value) => positive(value) && !negative?.(value)
  return (value) => {
    if (present !== undefined) {
      if ((value !== undefined) !== present) return false
      if (Object.keys(clause).length === 1) return true
    }
    if (value === undefined) return false
    if (!Array.isArray(value)) return one(value)
    const elements = elementsOf(value)
    return permits ? elements.length > 0 && elements.every(one) : elements.some(one)
  }
}

/** `unreadable` is the answer for a value that an operator cannot be applied to with certainty. */
function compileOperators(operators: Omit<Operators, "present">, context: ValueContext, unreadable: boolean): Test {
  const { equals, in: oneOf, prefix, suffix, contains, matches, min, max } = operators
  const { layer, path, textual } = context
  const pattern = matches === undefined ? undefined : compilePattern(matches)
  if (pattern && "error" in pattern)
    policyError(
      "matches is not a regular expression that RE2 takes",
      layer.yaml.where([...path, "matches"]),
      pattern.error,
    )
  const tests: Test[] = []
  const text =
    (test: (value: string) => boolean): Test =>
    (value) =>
      typeof value === "string" ? test(value) : textual && isScalar(value) && test(String(value))
  const number =
    (test: (value: number) => boolean): Test =>
    (value) => {
      if (typeof value === "number") return test(value)
      if (!textual || typeof value !== "string") return false
      // `5e3`, `0x1388` and ` 5000` are 5000 to some readers and not to others.
      return NUMBER.test(value) ? test(Number(value)) : unreadable
    }
  const same = (wanted: string | number | boolean): Test => {
    if (!textual) return (value) => value === wanted
    if (typeof wanted === "number") return number((value) => value === wanted)
    return text((value) => value === String(wanted))
  }
  if (equals !== undefined) tests.push(same(equals))
  if (oneOf !== undefined) {
    const any = oneOf.map(same)
    tests.push((value) => any.some((test) => test(value)))
  }
  if (prefix !== undefined) tests.push(text((value) => value.startsWith(prefix)))
  if (suffix !== undefined) tests.push(text((value) => value.endsWith(suffix)))
  if (contains !== undefined) tests.push(text((value) => value.includes(contains)))
  if (pattern && "test" in pattern)
    tests.push(text((value) => (value.length <= MAX_MATCHED ? pattern.test(value) : unreadable)))
  if (min !== undefined) tests.push(number((value) => value >= min))
  if (max !== undefined) tests.push(number((value) => value <= max))
  return (value) => tests.every((test) => test(value))
}

const isScalar = (value: unknown) => typeof value === "number" || typeof value === "boolean"

/** What is in a list and in the lists in it, however deep; without recursion, since whoever sends it chooses the depth. */
function elementsOf(list: readonly unknown[]): unknown[] {
  const found: unknown[] = []
  const open: unknown[] = [...list].reverse()
  while (open.length > 0) {
    const item = open.pop()
    if (!Array.isArray(item)) found.push(item)
    else for (let index = item.length - 1; index >= 0; index--) open.push(item[index])
  }
  return found
}
