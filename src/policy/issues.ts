// Turns what the schema found into one error that says where, what, and what was probably meant.
import type * as z from "zod/mini"
import { nearest } from "./nearest.ts"
import { plainText } from "./text.ts"
import { type Path, policyError, type YamlFile } from "./yaml.ts"

type Issue = z.core.$ZodIssue

/** Throws the first issue as a configuration error. `keysAt` lists the keys that a path may have. */
export function throwIssue(issues: readonly Issue[], yaml: YamlFile, keysAt: (path: Path) => readonly string[]): never {
  // A misspelt key usually makes another one missing; the misspelling is what to mend.
  const issue = issues.find(({ code }) => code === "unrecognized_keys") ?? (issues[0] as Issue)
  const flat = issue.code === "invalid_union" ? deepest(issue) : issue
  const path = flat.path as Path
  if (flat.code === "unrecognized_keys") {
    const key = flat.keys[0] as string
    const known = keysAt(path)
    const near = nearest(key, known)
    policyError(
      `unknown key ${plainText(key, 60)}${inPath(path)}`,
      yaml.where([...path, key], true),
      near ? `did you mean ${near}?` : known.length > 0 ? `known keys: ${known.join(", ")}` : undefined,
    )
  }
  const missing = valueAt(yaml.data, path) === undefined
  if (missing) policyError(`${nameOf(path)} is missing`, yaml.where(path), wanted(flat))
  policyError(`${nameOf(path)} is not what it should be`, yaml.where(path), wanted(flat, valueAt(yaml.data, path)))
}

/** Of a union, the alternative that went deepest: that is the one the author meant. */
function deepest(issue: Issue & { code: "invalid_union" }): Issue {
  let best: Issue | undefined
  const values: unknown[] = []
  for (const alternative of issue.errors) {
    for (const inner of alternative) {
      if (inner.code === "invalid_value") values.push(...inner.values)
      const found = inner.code === "invalid_union" ? deepest(inner) : inner
      const depth = (candidate: Issue) => candidate.path.length + (candidate.code === "unrecognized_keys" ? 1 : 0)
      if (!best || depth(found) > depth(best)) best = found
    }
  }
  if (!best) return issue
  return { ...best, path: [...issue.path, ...best.path] } as Issue
}

function wanted(issue: Issue, actual?: unknown): string {
  if (issue.code === "invalid_value") {
    const values = issue.values.map(String)
    const near = typeof actual === "string" ? nearest(actual, values) : undefined
    const list = values.length > 12 ? `${values.slice(0, 12).join(", ")}, ...` : values.join(", ")
    return near
      ? `did you mean ${near}? It wants one of ${list}`
      : `it wants ${values.length > 1 ? "one of " : ""}${list}`
  }
  if (issue.message.startsWith("wants")) return `it ${issue.message}`
  if (issue.code === "invalid_type") return `it wants ${article(issue.expected)}`
  if (issue.code === "too_small") return `it wants at least ${issue.minimum}${unitOf(issue.origin)}`
  if (issue.code === "too_big") return `it wants at most ${issue.maximum}${unitOf(issue.origin)}`
  if (issue.code === "invalid_key") return "the name is not one that may be used here"
  return "see docs/policy.md"
}

function unitOf(origin: string): string {
  if (origin === "string") return " characters"
  return origin === "array" ? " entries" : ""
}

function article(type: string): string {
  if (type === "array") return "a list"
  if (type === "object" || type === "record") return "keys with values"
  if (type === "string") return "text"
  return `a ${type}`
}

const nameOf = (path: Path) => (path.length === 0 ? "the policy" : plainText(spell(path), 120))
const inPath = (path: Path) => (path.length === 0 ? "" : ` in ${plainText(spell(path), 120)}`)

/** A path as a person writes it: network[2].methods. */
export function spell(path: Path): string {
  return path.map((step, index) => (typeof step === "number" ? `[${step}]` : index === 0 ? step : `.${step}`)).join("")
}

function valueAt(data: unknown, path: Path): unknown {
  let value = data
  for (const step of path) {
    if (typeof value !== "object" || value === null) return undefined
    value = (value as Record<string | number, unknown>)[step]
  }
  return value
}
