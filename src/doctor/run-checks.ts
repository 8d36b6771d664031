// All checks side by side: none waits for another, none takes longer than its time, none stops the others.
import { NanoguardError } from "../errors.ts"
import type { Check, CheckResult, Finding, Tools } from "./types.ts"

/** Runs every check, each for `limit` milliseconds at most. Never rejects for what a check does. Results are in the order of `checks`. */
export function runChecks(checks: readonly Check[], tools: Tools, limit: number): Promise<CheckResult[]> {
  return Promise.all(
    checks.map(async ({ id, title, run }): Promise<CheckResult> => {
      // Also what a check throws before its first `await` is its own failure.
      const work = Promise.resolve().then(() => run(tools))
      const finding = await Promise.race([work.catch(describeFailure), giveUp(limit)])
      return { id, title, ...finding }
    }),
  )
}

/** A failed check as a finding, with the command of its hint where that names one. */
export function describeFailure(error: unknown): Finding {
  if (!(error instanceof NanoguardError)) {
    const code = (error as NodeJS.ErrnoException | null)?.code
    return { state: "fail", why: `the check itself failed${typeof code === "string" ? ` (${code})` : ""}` }
  }
  const fix = commandIn(error.hint)
  const place = error.where ? ` (${error.where.file})` : ""
  const why = `${error.message}${place}${error.hint !== undefined && fix === undefined ? `: ${error.hint}` : ""}`
  return { state: "fail", why, ...(fix !== undefined && { fix }) }
}

/** The command that a hint names, in backticks or after its colon. */
function commandIn(hint = ""): string | undefined {
  return (/`(nanoguard [^`]+)`/.exec(hint) ?? /(?:^|: )(nanoguard [a-z][^;,]*)$/.exec(hint))?.[1]
}

function giveUp(limit: number): Promise<Finding> {
  return new Promise((resolve) => {
    const say = () => resolve({ state: "fail", why: `gave no answer within ${limit / 1000} s` })
    setTimeout(say, limit).unref()
  })
}
