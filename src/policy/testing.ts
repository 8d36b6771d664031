// `policy test`: inline examples and *.test.yaml files.
//
// A test file is a list of cases under `cases`; each names an action, what is known, and what the policy must answer:
//   - { name: old enough, action: "pkg:npm/x@1.0.0", facts: { published: 2026-01-01 }, now: 2026-11-21, expect: { effect: allow } }
import * as z from "zod/mini"
import type { CompiledPolicy } from "./compiled.ts"
import { decide } from "./decide.ts"
import { exampleResults, parseAction } from "./examples.ts"
import { actionSchema, factsSchema, scopeSchema, toFacts } from "./input-schema.ts"
import { throwIssue } from "./issues.ts"
import { keysAt } from "./keys.ts"
import type { Layer } from "./layers.ts"
import type { Scope } from "./scope-types.ts"
import { plainText } from "./text.ts"
import type { Action, DecisionEvidence, Verdict } from "./types.ts"
import { parseYaml, policyError } from "./yaml.ts"

const caseSchema = z.strictObject({
  name: z.optional(z.string().check(z.maxLength(200))),
  action: z.union([z.string(), actionSchema]),
  facts: z.optional(factsSchema),
  addresses: z.optional(z.array(z.string())),
  counters: z.optional(z.record(z.string(), z.number())),
  killed: z.optional(z.boolean()),
  scope: z.optional(scopeSchema),
  unboundPlaceholder: z.optional(z.string()),
  now: z.optional(z.string()),
  expect: z.union([
    z.enum(["allow", "ask", "deny"]),
    z.strictObject({
      effect: z.optional(z.enum(["allow", "ask", "deny"])),
      code: z.optional(z.string()),
      rule: z.optional(z.string()),
      mode: z.optional(z.enum(["enforce", "observe"])),
    }),
  ]),
})
const fileSchema = z.strictObject({ now: z.optional(z.string()), cases: z.array(caseSchema).check(z.minLength(1)) })

export interface TestResult {
  file: string
  line: number
  name: string
  passed: boolean
  /** Per expected field what came instead; empty where passed. */
  differences: { field: string; expected: string; actual: string }[]
  /** Absent for inline examples, which ask one rule and not the policy. */
  verdict?: Verdict
}

/** Runs one test file against a policy. Throws NanoguardError with its place where the file itself is wrong. */
export function runPolicyTests(policy: CompiledPolicy, text: string, file: string, now: number): TestResult[] {
  const yaml = parseYaml(text, file)
  const parsed = z.safeParse(fileSchema, yaml.data)
  if (!parsed.success) throwIssue(parsed.error.issues, yaml, (path) => keysAt(fileSchema, path))
  const instant = (date: string | undefined, fallback: number, ...path: (string | number)[]) => {
    if (date === undefined) return fallback
    const ms = Date.parse(date)
    if (!Number.isFinite(ms)) policyError("now is not a date", yaml.where(path), "such as 2026-11-21")
    return ms
  }
  const base = instant(parsed.data.now, now, "now")
  return parsed.data.cases.map((test, index) => {
    const path = ["cases", index]
    const action = typeof test.action === "string" ? parseAction(test.action) : (test.action as Action)
    if (!action)
      return policyError(
        "action is no action",
        yaml.where([...path, "action"]),
        "such as pkg:npm/x@1.0.0 or POST https://host/path",
      )
    const evidence: DecisionEvidence = {
      now: instant(test.now, base, ...path, "now"),
      ...(test.facts && { facts: toFacts(test.facts) }),
      ...(test.addresses && { addresses: test.addresses }),
      counters: test.counters ?? {},
      ...(test.unboundPlaceholder !== undefined && { unboundPlaceholder: test.unboundPlaceholder }),
      ...(test.killed !== undefined && { killed: test.killed }),
      ...(test.scope && { scope: test.scope as Scope }),
    }
    const verdict = decide(policy, action, evidence)
    const expected = typeof test.expect === "string" ? { effect: test.expect } : test.expect
    const differences = Object.entries(expected).flatMap(([field, wanted]) => {
      const actual =
        field === "rule" ? verdict.rule.replace(/ \(.*$/, "") : verdict[field as "effect" | "code" | "mode"]
      return actual === wanted ? [] : [{ field, expected: plainText(String(wanted), 100), actual }]
    })
    const name = plainText(test.name ?? (typeof test.action === "string" ? test.action : verdict.subject), 200)
    return { file, line: yaml.where(path).line ?? 1, name, passed: differences.length === 0, differences, verdict }
  })
}

/** The inline examples of every rule as test results. */
export function runExamples(policy: CompiledPolicy, layers: readonly Layer[]): TestResult[] {
  return exampleResults(policy, layers).map(({ rule, side, text, where, problem }) => ({
    file: where.file,
    line: where.line ?? 1,
    name: plainText(`${rule.id} ${side === "match" ? "matches" : "does not match"} ${text}`, 200),
    passed: problem === undefined,
    differences:
      problem === undefined
        ? []
        : [{ field: side, expected: plainText(text, 200), actual: problem.hint ?? problem.message }],
  }))
}
