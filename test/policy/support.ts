// What most tests of the law need: a fixed day, facts of a harmless package, and short ways to ask.

import { NanoguardError } from "../../src/errors.ts"
import { decide } from "../../src/policy/decide.ts"
import { parseAction } from "../../src/policy/examples.ts"
import { loadExplainer, loadPolicy } from "../../src/policy/load.ts"
import type { Action, DecisionEvidence, PackageFacts, Verdict } from "../../src/policy/types.ts"

await loadExplainer()

export const DAY = 86_400_000
export const NOW = Date.UTC(2026, 10, 21)

/** Nothing is known against this package, and nothing about it is missing. */
export const FINE: PackageFacts = {
  exists: true,
  published: NOW - 100 * DAY,
  lastRelease: NOW - 100 * DAY,
  license: "MIT",
  installScripts: [],
  deprecated: false,
  yanked: false,
  provenance: "signed",
  provenanceBefore: "signed",
  publisherChanged: false,
  integrity: "match",
  advisories: [],
  lookalike: null,
  score: 80,
}

export function action(text: string): Action {
  const parsed = parseAction(text)
  if (!parsed) throw new Error(`no action: ${text}`)
  return parsed
}

/** Decides `subject` under the lines of a policy after `version: 1`. */
export function ask(policy: string, subject: string | Action, evidence: Partial<DecisionEvidence> = {}): Verdict {
  const loaded = loadPolicy(`version: 1\n${policy}`, "nanoguard.yaml")
  return decide(loaded, typeof subject === "string" ? action(subject) : subject, { now: NOW, facts: FINE, ...evidence })
}

/** Effect and code of a decision in one string, for tables: "deny vulnerability.severity". */
export function answer(policy: string, subject: string | Action, evidence: Partial<DecisionEvidence> = {}): string {
  const { effect, code } = ask(policy, subject, evidence)
  return `${effect} ${code}`
}

/** The error of loading a policy as `line:column message | hint`; fails where it loads. */
export function loadError(text: string): string {
  try {
    loadPolicy(text, "nanoguard.yaml")
  } catch (error) {
    if (!(error instanceof NanoguardError)) throw error
    const { where, message, hint } = error
    return `${where?.line}:${where?.column} ${message}${hint === undefined ? "" : ` | ${hint}`}`
  }
  throw new Error("it loaded")
}
