// Asking about a package: what a verdict leaves for a person to decide.
import type { CompiledPolicy } from "../policy/compiled.ts"
import type { Verdict } from "../policy/types.ts"
import { panelOf } from "./panel.ts"
import type { Asked, PackageArguments } from "./types.ts"

/** Milliseconds that a request for an exception waits: it lets nobody on meanwhile, so there is no hurry. */
const EXCEPTION_WAIT = 7 * 86_400_000

/** Who wants it. */
export interface Asking {
  agent: string
  operator?: string | undefined
  run?: string | undefined
  boxed?: boolean
}

interface PackageQuestion {
  policy: Pick<CompiledPolicy, "hash" | "approvers" | "risks">
  /** Of the package; its effect is `ask`, or, for an exception, `deny`. */
  verdict: Verdict
  purl: string
  integrity?: string | undefined
  /** The agent's own words. */
  reason?: string
}

/**
 * The question that a verdict puts to people: what the deciding rule asks, and what else the same people are asked by other rules.
 * What other groups are asked remains, and is asked next.
 */
export function packageQuestion(who: Asking, question: PackageQuestion): Asked {
  const { verdict } = question
  const group = verdict.approvers ?? ""
  const also = (verdict.also ?? []).filter(({ effect, approvers = "" }) => effect === "ask" && approvers === group)
  return ask(who, question, "package", [verdict.code, ...also.map(({ code }) => code)])
}

/** The question whether the code that decided may be lifted for this version: also where it denies. */
export function exceptionQuestion(who: Asking, question: PackageQuestion): Asked {
  return ask(who, question, "exception", [question.verdict.code])
}

function ask(who: Asking, question: PackageQuestion, kind: string, codes: readonly string[]): Asked {
  const { policy, verdict, purl, integrity, reason } = question
  const named = (kind: string, field: string) => {
    const names = verdict.evidence.flatMap((item) => (item.kind === kind ? [String(item[field])] : []))
    return names.length > 0 ? [...new Set(names)].sort() : undefined
  }
  const [advisories, missing] = [named("advisory", "id"), named("missing", "fact")]
  const bound: PackageArguments = {
    purl,
    codes: [...new Set(codes)].sort(),
    ...(integrity !== undefined && { integrity }),
    ...(advisories && { advisories }),
    ...(missing && { missing }),
  }
  const { panel, wait } = panelOf(policy, verdict.approvers ?? "", verdict.risk)
  return {
    ...{ kind, agent: who.agent, operator: who.operator, run: who.run, reason },
    ...(who.boxed !== undefined && { boxed: who.boxed }),
    ...{ subject: purl, arguments: { ...bound }, approvers: panel, policyHash: policy.hash },
    wait: kind === "exception" ? EXCEPTION_WAIT : wait,
  }
}
