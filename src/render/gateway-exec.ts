// What the wrapper of a command says: little before it, and at its end what the gate refused or exchanged, for agents that read
// nothing but the terminal.
import type { WayRound } from "../gateway/around.ts"
import { nameOf, saidOf } from "../gateway/refusal.ts"
import type { HeldBack, RunSummary, Substitution } from "../gateway/runs.ts"
import type { Refusal } from "../gateway/types.ts"
import type { Verdict } from "../policy/types.ts"
import { cleanText, countOf } from "./clean.ts"
import { wrapText } from "./layout.ts"
import type { Style } from "./style.ts"

/** Said before the command starts: which gate, by whose policy (a gate that runs already may be another project's), and what it is not. */
export function renderExecStart(
  { origin, project, all }: { origin: string; project: string; all: boolean },
  style: Style,
): string {
  return style.dim(
    `nanoguard: ${all ? "requests go" : "packages come"} through ${cleanText(origin)}, by the policy of ${cleanText(project)}. No box: the command itself can do what you can.\n`,
  )
}

/** Said where the gate of this command is still in use by another. */
export function renderWaiting(style: Style): string {
  return style.dim("nanoguard: another command uses this gate; it stays until that ends, at most ten minutes.\n")
}

/** A command that would not ask the gate at all. */
export function renderWayRound({ what, hint, command }: WayRound, style: Style): string {
  const run = command === undefined ? "" : `  run: ${cleanText(command, 2000)}\n`
  return `${style.red("nanoguard: refused")} source.unverified: ${cleanText(what)}\n  ${cleanText(hint)}\n${run}`
}

interface Options {
  /** The command ended with another code than 0. */
  failed: boolean
  /** The run itself is over, as that of a box that ended: a yes that holds for it alone comes too late. */
  over?: boolean
  style: Style
  columns: number
}

const SHOWN = 10

/** The closing lines; "" where nothing was refused or exchanged. */
export function renderRunSummary(summary: RunSummary, options: Options): string {
  const { refusals, substituted, heldBack } = summary
  const blocks = [
    ...cut(refusals, (refusal) => refusalLines(refusal, options)),
    ...cut(substituted, (one) => substitutionLines(one, options)),
    // What was merely not listed matters where the command failed and no refusal says why.
    ...(options.failed && refusals.length === 0 ? cut(heldBack, (one) => heldLines(one, options)) : []),
  ]
  return blocks.length === 0 ? "" : `\n${blocks.join("\n")}\n`
}

function cut<T>(list: readonly T[], lines: (one: T) => string[]): string[] {
  const shown = list.slice(0, SHOWN).flatMap(lines)
  return list.length > SHOWN
    ? [...shown, `nanoguard: and ${countOf(list.length - SHOWN, "more")}: nanoguard audit tail --format json`]
    : shown
}

function refusalLines({ verdict, requestId, approval }: Refusal, options: Options): string[] {
  const { style } = options
  const waits = approval?.state === "pending"
  const word = waits ? style.yellow("approval needed for") : style.red("refused")
  const head = `nanoguard: ${word} ${cleanText(nameOf(verdict.subject))}: ${cleanText(verdict.code)}`
  const asked = approval === undefined ? [] : waits ? askLines(approval.id, options.over === true) : [saidOf(approval)]
  const lines = [reasonOf(verdict), ...nextOf(verdict), ...asked, `why: nanoguard why ${requestId}`]
  return [head, ...indented(lines, options)]
}

function askLines(id: string, over: boolean): string[] {
  return over
    ? [
        `a person runs: nanoguard approve ${id} --for agent`,
        "this run is over, and a yes without --for agent is for this run alone; then repeat your command",
      ]
    : [`a person runs: nanoguard approve ${id}`, "once they agreed, repeat your command"]
}

function substitutionLines({ name, withheld, installed, verdict }: Substitution, options: Options): string[] {
  const head = `nanoguard: ${options.style.yellow("held back")} ${cleanText(name)} ${cleanText(withheld)}: ${cleanText(verdict.code)}. ${cleanText(installed)} was taken instead.`
  return [head, ...indented([reasonOf(verdict)], options)]
}

function heldLines({ name, version, versions, verdict, use }: HeldBack, options: Options): string[] {
  const { style } = options
  const more = versions > 1 ? ` and ${countOf(versions - 1, "other version")}` : ""
  const head = `nanoguard: ${style.red("held back")} ${cleanText(name)} ${cleanText(version)}${more}: ${cleanText(verdict.code)}`
  const way =
    verdict.correction === undefined
      ? use === undefined
        ? ["no version is approved"]
        : [`use: ${name} ${use}`]
      : nextOf(verdict)
  return [head, ...indented([reasonOf(verdict), ...way], options)]
}

function reasonOf({ reason, evidence }: Verdict): string {
  const ids = evidence.flatMap((item) => (item.kind === "advisory" ? [String(item["id"])] : []))
  const more = ids.filter((id) => !reason.includes(id))
  const rest = more.length > 4 ? ` and ${more.length - 4} more` : ""
  return more.length > 0
    ? `${reason} ${ids.length > more.length ? "Also" : "By"} ${more.slice(0, 4).join(", ")}${rest}.`
    : reason
}

function nextOf({ correction, subject }: Verdict): string[] {
  if (correction === undefined) return subject.startsWith("pkg:") ? ["no version that the policy allows is known"] : []
  const { action, command, target } = correction
  if (command !== undefined) return [`run: ${command}`]
  if (action === "request-approval") return []
  return target === undefined ? [action] : [`${action}: ${nameOf(target)}`]
}

/** Commands stay on one line: they are there to be copied. */
function indented(lines: readonly string[], { columns }: Options): string[] {
  return lines.flatMap((line) =>
    /^(run|a person runs|why): /.test(line)
      ? [`  ${cleanText(line, 2000)}`]
      : wrapText(cleanText(line), Math.max(40, columns - 2)).map((part) => `  ${part}`),
  )
}
