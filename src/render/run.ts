// What `nanoguard run` says for itself: a line before the box starts, a line when it stands still, and what it came to at the end.
import type { RunOutcome, Started } from "../sandbox/run.ts"
import { cleanText, countOf } from "./clean.ts"
import { renderRunSummary } from "./gateway-exec.ts"
import type { Style } from "./style.ts"

/** Said before the box starts: what it is made of, and by whose policy. */
export function renderBoxStart({ run, law, spec, engine, workspace }: Started, style: Style): string {
  const made = engine === "bubblewrap" ? "a bubblewrap sandbox" : `a ${engine} container`
  const where = workspace.mode === "none" ? "no workspace" : `workspace ${workspace.mode}`
  const runtime = spec.runtime === undefined ? "" : `, ${cleanText(spec.runtime)}`
  return style.dim(
    `nanoguard: ${run} in ${made}${runtime}; ${where}; no network but the gate, by the policy of ${cleanText(law.project)}\n`,
  )
}

const WHY: Readonly<Record<string, string>> = {
  "gate-gone": "the gate is gone",
  "log-failing": "the record cannot be written",
  "approvers-gone": "no approver has been there for a while",
}

/** Said when the box is stopped where it stands, and when it goes on. */
export function renderPause(why: string, paused: boolean, style: Style): string {
  const reason = WHY[why] ?? cleanText(why)
  return paused
    ? `${style.yellow("nanoguard: paused")}: ${reason}. Every process of the box stands still until that is over.\n`
    : `nanoguard: going on, no more: ${reason}\n`
}

interface Options {
  style: Style
  columns: number
}

/** The closing lines: how it ended, what was installed, reached, refused and approved; what changed is told by the workspace. */
export function renderBoxEnd(outcome: RunOutcome, options: Options): string {
  const { style } = options
  const { exit, ended, reason, summary } = outcome
  const refusals =
    summary === undefined ? "" : renderRunSummary(summary, { failed: exit !== 0, over: true, ...options })
  const lines = [
    ...(ended === "killed" ? [style.red(killedLine(reason))] : []),
    ...(ended === "timeout" ? [style.yellow("nanoguard: its time was over")] : []),
    ...consumed(outcome),
  ]
  return `${refusals}${lines.map((line) => `${line}\n`).join("")}`
}

const killedLine = (reason?: string) =>
  reason === undefined
    ? "nanoguard: killed by a person. What was stopped starts again once an approver lifts it: nanoguard resume"
    : `nanoguard: ended: ${cleanText(reason)}`

/** A person at a run that has no terminal of its own sees nothing of a request that waits but this. */
export function renderHeld({ approval, subject }: { approval: string; subject: string }, style: Style): string {
  const said = `nanoguard: ${cleanText(approval, 40)} waits for a person`
  return `${style.yellow(said)}: ${cleanText(subject, 300)}\n  decide in another terminal: nanoguard approve\n`
}

const SHOWN = 8

function consumed({ summary }: RunOutcome): string[] {
  const parts = [
    ...listed("installed", summary?.installed ?? []),
    ...listed("reached", summary?.reached ?? []),
    ...listed("approved", summary?.approved ?? []),
    ...(summary && summary.refusals.length > 0 ? [`  refused    ${countOf(summary.refusals.length, "request")}`] : []),
  ]
  return parts.length === 0 ? [] : ["nanoguard: what this run came to", ...parts]
}

function listed(word: string, names: readonly string[]): string[] {
  if (names.length === 0) return []
  const more = names.length > SHOWN ? ` and ${names.length - SHOWN} more` : ""
  return [
    `  ${word.padEnd(10)} ${names
      .slice(0, SHOWN)
      .map((name) => cleanText(name, 120))
      .join(", ")}${more}`,
  ]
}
