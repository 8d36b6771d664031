// Conditions on the arguments of an MCP call: a closed set of operators, no expressions.

import type { LayerContext } from "./compile-packages.ts"
import type { Clause } from "./compiled.ts"
import { compilePattern } from "./regex.ts"
import type { PolicyDocument } from "./schema.ts"
import { plainText } from "./text.ts"
import type { McpAction } from "./types.ts"
import { type Path, policyError } from "./yaml.ts"

type ArgumentClause = NonNullable<NonNullable<PolicyDocument["mcp"]>[number]["arguments"]>[string]
type Operators = NonNullable<ArgumentClause["not"]>
type Test = (value: unknown) => boolean

/**
 * One clause an argument. A list meets a restricting clause if any element does, and a permitting one only if every
 * element does, so that wrapping a value in a list never helps whoever sends it.
 */
export function compileArguments(
  source: Readonly<Record<string, ArgumentClause>>,
  permits: boolean,
  layer: LayerContext,
  path: Path,
): Clause<McpAction>[] {
  return Object.entries(source).map(([name, clause]) => {
    const steps = name.split(".")
    const { not, present, ...operators } = clause
    if (Object.keys(clause).length === 0)
      policyError("a condition on an argument is empty", layer.yaml.where([...path, name], true))
    const positive = compileOperators(operators, layer, [...path, name])
    const negative = not && compileOperators(not, layer, [...path, name, "not"])
    const one: Test = (value) => positive(value) && !negative?.(value)
    const test = (value: unknown): boolean => {
      if (present !== undefined) {
        if ((value !== undefined) !== present) return false
        if (Object.keys(clause).length === 1) return true
      }
      if (value === undefined) return false
      if (!Array.isArray(value)) return one(value)
      const elements = value.flat(8)
      return permits ? elements.length > 0 && elements.every(one) : elements.some(one)
    }
    return {
      field: `arguments.${name}`,
      wanted: plainText(JSON.stringify(clause), 200),
      holds: (action) => test(valueAt(action.arguments, steps)),
      actual: (action) => plainText(JSON.stringify(valueAt(action.arguments, steps)) ?? "none", 200),
    }
  })
}

function compileOperators(operators: Omit<Operators, "present">, layer: LayerContext, path: Path): Test {
  const { equals, in: oneOf, prefix, suffix, contains, matches, min, max } = operators
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
      typeof value === "string" && test(value)
  if (equals !== undefined) tests.push((value) => value === equals)
  if (oneOf !== undefined) tests.push((value) => oneOf.some((item) => item === value))
  if (prefix !== undefined) tests.push(text((value) => value.startsWith(prefix)))
  if (suffix !== undefined) tests.push(text((value) => value.endsWith(suffix)))
  if (contains !== undefined) tests.push(text((value) => value.includes(contains)))
  if (pattern && "test" in pattern) tests.push(text((value) => value.length <= 100_000 && pattern.test(value)))
  if (min !== undefined) tests.push((value) => typeof value === "number" && value >= min)
  if (max !== undefined) tests.push((value) => typeof value === "number" && value <= max)
  return (value) => tests.every((test) => test(value))
}

function valueAt(value: unknown, steps: readonly string[]): unknown {
  let current = value
  for (const step of steps) {
    if (typeof current !== "object" || current === null || !Object.hasOwn(current, step)) return undefined
    current = (current as Record<string, unknown>)[step]
  }
  return current
}
