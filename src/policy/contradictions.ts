// Conditions on a value that no value can meet together.
import type { ListRule } from "./compiled.ts"
import type { Action } from "./types.ts"

interface Operators {
  equals?: unknown
  in?: readonly unknown[]
  min?: number
  max?: number
  present?: boolean
  not?: Operators
}

/**
 * The first argument of an MCP rule, or selector of a request rule, whose conditions contradict each other; proven, never guessed. A body
 * that was not read meets whatever restricts by it, so of request rules only those that allow can contradict themselves.
 */
export function contradictionIn(rule: ListRule): { key: "arguments" | "where"; name: string } | undefined {
  const key = rule.kind === "mcp" ? "arguments" : "where"
  if (key === "where" && rule.effect !== "allow") return undefined
  const clauses = (rule.source[key] ?? {}) as Readonly<Record<string, Operators>>
  const name = Object.keys(clauses).find((name) => isImpossible(rule, key, name, clauses[name] as Operators))
  return name === undefined ? undefined : { key, name }
}

function isImpossible(rule: ListRule, key: "arguments" | "where", name: string, clause: Operators): boolean {
  if (clause.present === false && Object.keys(clause).length > 1) return true
  if (clause.min !== undefined && clause.max !== undefined && clause.min > clause.max) return true
  const text = ["prefix", "suffix", "contains", "matches"].some((operator) => operator in clause)
  // A text of digits is a number where values are texts.
  if (key === "arguments" && text && (clause.min !== undefined || clause.max !== undefined)) return true
  const values = clause.equals !== undefined ? [clause.equals] : clause.in
  // 5 is also 5.00, which ends otherwise.
  if (!values || (key === "where" && text && values.some((value) => typeof value === "number"))) return false
  // Whatever meets the clause is one of these values, so trying them all settles it.
  const test = rule.clauses.find(({ field }) => field === `${key}${key === "where" ? " " : "."}${name}`)
  return test !== undefined && !values.some((value) => test.holds(actionWith(key, name, value)))
}

function actionWith(key: "arguments" | "where", name: string, value: unknown): Action {
  if (key === "arguments") return { kind: "mcp", server: "", arguments: nest(name.split("."), value) }
  const nowhere = { method: "", scheme: "", host: "", port: 0, path: "" }
  return { kind: "network", ...nowhere, fields: { [name]: value as string } }
}

function nest(steps: readonly string[], value: unknown): Record<string, unknown> {
  const [step = "", ...rest] = steps
  return { [step]: rest.length === 0 ? value : nest(rest, value) }
}
