// What `policy explain` is asked about.
import * as z from "zod/mini"
import { parseAction } from "./examples.ts"
import { actionSchema, factsSchema, scopeSchema, toFacts } from "./input-schema.ts"
import { throwIssue } from "./issues.ts"
import { keysAt } from "./keys.ts"
import type { Action, DecisionEvidence } from "./types.ts"
import { parseYaml, policyError } from "./yaml.ts"

export interface ExplainInput {
  action: Action
  evidence: Partial<DecisionEvidence>
}

const inputSchema = z.strictObject({
  action: z.union([z.string(), actionSchema]),
  facts: z.optional(factsSchema),
  now: z.optional(z.union([z.string(), z.number()])),
  counters: z.optional(z.record(z.string(), z.number())),
  addresses: z.optional(z.array(z.string())),
  killed: z.optional(z.boolean()),
  scope: z.optional(scopeSchema),
  unboundPlaceholder: z.optional(z.string()),
})

/** A subject given on the command line; undefined where the text is no subject, and may be a file. */
export function readSubject(text: string): ExplainInput | undefined {
  const action = parseAction(text)
  return action && { action, evidence: {} }
}

/** An action file: `{ action, facts?, now?, counters?, addresses?, killed?, scope? }` or the action alone, as JSON or YAML. */
export function readActionFile(text: string, file: string): ExplainInput {
  const yaml = parseYaml(text, file)
  const alone = z.safeParse(actionSchema, yaml.data)
  if (alone.success) return { action: alone.data as Action, evidence: {} }
  const parsed = z.safeParse(inputSchema, yaml.data)
  if (!parsed.success) return throwIssue(parsed.error.issues, yaml, (path) => keysAt(inputSchema, path))
  const { action: given, facts, now, ...rest } = parsed.data
  const action = typeof given === "string" ? parseAction(given) : (given as Action)
  if (!action)
    return policyError(
      "action is no action",
      yaml.where(["action"]),
      "such as pkg:npm/x@1.0.0 or POST https://host/path",
    )
  const instant = typeof now === "string" ? Date.parse(now) : now
  if (instant !== undefined && !Number.isFinite(instant))
    policyError("now is not a date", yaml.where(["now"]), "such as 2026-11-21")
  const evidence = {
    ...(rest as Partial<DecisionEvidence>),
    ...(facts && { facts: toFacts(facts) }),
    ...(instant !== undefined && { now: instant }),
  }
  return { action, evidence }
}
