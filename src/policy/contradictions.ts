// Conditions on an argument that no value can meet together.
import type { ListRule } from "./compiled.ts"

interface Operators {
  equals?: unknown
  in?: readonly unknown[]
  min?: number
  max?: number
  present?: boolean
  not?: Operators
}

/** The first argument of an MCP rule whose conditions contradict each other; proven, never guessed. */
export function contradictionIn(rule: ListRule): string | undefined {
  const clauses = (rule.source["arguments"] ?? {}) as Readonly<Record<string, Operators>>
  return Object.keys(clauses).find((name) => isImpossible(rule, name, clauses[name] as Operators))
}

function isImpossible(rule: ListRule, name: string, clause: Operators): boolean {
  if (clause.present === false && Object.keys(clause).length > 1) return true
  if (clause.min !== undefined && clause.max !== undefined && clause.min > clause.max) return true
  const text = ["prefix", "suffix", "contains", "matches"].some((operator) => operator in clause)
  if (text && (clause.min !== undefined || clause.max !== undefined)) return true
  const values = clause.equals !== undefined ? [clause.equals] : clause.in
  if (!values) return false
  // Whatever meets the clause is one of these values, so trying them all settles it.
  const test = rule.clauses.find(({ field }) => field === `arguments.${name}`)
  return (
    test !== undefined &&
    !values.some((value) => test.holds({ kind: "mcp", server: "", arguments: nest(name.split("."), value) } as never))
  )
}

function nest(steps: readonly string[], value: unknown): Record<string, unknown> {
  const [step = "", ...rest] = steps
  return { [step]: rest.length === 0 ? value : nest(rest, value) }
}
