// Conditions on the arguments of an MCP call, by dotted name.
import type { LayerContext } from "./compile-packages.ts"
import type { Clause } from "./compiled.ts"
import { plainText } from "./text.ts"
import type { McpAction } from "./types.ts"
import { compileValueTest, type ValueClause } from "./value-tests.ts"
import type { Path } from "./yaml.ts"

/** One clause an argument. */
export function compileArguments(
  source: Readonly<Record<string, ValueClause>>,
  permits: boolean,
  layer: LayerContext,
  path: Path,
): Clause<McpAction>[] {
  return Object.entries(source).map(([name, clause]) => {
    const steps = name.split(".")
    const test = compileValueTest(clause, { permits, textual: false, layer, path: [...path, name] })
    return {
      field: `arguments.${name}`,
      wanted: plainText(JSON.stringify(clause), 200),
      holds: (action) => test(valueAt(action.arguments, steps)),
      actual: (action) => plainText(JSON.stringify(valueAt(action.arguments, steps)) ?? "none", 200),
    }
  })
}

function valueAt(value: unknown, steps: readonly string[]): unknown {
  let current = value
  for (const step of steps) {
    if (typeof current !== "object" || current === null || !Object.hasOwn(current, step)) return undefined
    current = (current as Record<string, unknown>)[step]
  }
  return current
}
