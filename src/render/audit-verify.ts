// How `nanoguard audit verify` says what it found: the first bad record first, and never without what it could not check.
import type { ExportReport } from "../audit/verify/export-file.ts"
import type { AnchorReport, Problem, Unchecked, VerifyReport } from "../audit/verify/report.ts"
import { cleanText, countOf, formatCount, safeJson } from "./clean.ts"
import type { Style } from "./style.ts"

/** A report as text, or as one JSON document. */
export function renderVerifyReport(report: VerifyReport, format: "text" | "json", style: Style): string {
  if (format === "json") return safeJson(report)
  const { problems, more, unchecked } = report
  const lines = [headline(report, style), ""]
  for (const problem of problems) lines.push(`  ${style.red("bad")}  ${cleanText(problem.what)}`)
  if (more > 0) lines.push(`  ${style.red("bad")}  and ${formatCount(more)} more`)
  if (problems.length > 0) lines.push("")
  for (const line of checkedLines(report)) lines.push(`  checked      ${line}`)
  for (const item of unchecked) lines.push(`  ${style.yellow("not checked")}  ${describeUnchecked(item)}`)
  for (const step of nextSteps(problems)) lines.push(`  next         ${step}`)
  return `${lines.join("\n")}\n`
}

/** What somebody does who has never seen a broken log. */
function nextSteps(problems: readonly Problem[]): string[] {
  if (problems.length === 0) return []
  if (problems.every(({ code }) => code === "tree.missing"))
    return ["bring the hashes back: nanoguard store derive --archive <directory>; then verify again"]
  const steps = ["keep the store as it is, and hold it against a backup, an export or an outside place"]
  if (problems.some(({ code }) => code === "checkpoint.signature" || code === "anchor.malformed"))
    steps.push("if the log had another key once, or several gateways write to it, name each key: --key <vkey> <vkey>")
  return steps
}

function headline({ intact, records, origin, problems }: VerifyReport, style: Style): string {
  const name = cleanText(origin, 80)
  if (intact && records === 0) return "The record is empty: there is nothing to verify"
  if (intact) return style.green(`The record ${name} is intact: ${countOf(records, "record")}`)
  if (problems.every(({ code }) => code === "anchor.malformed"))
    return style.red(`The record ${name} fits what its key signed, and an outside place holds something else`)
  if (problems.every(({ code }) => code === "tree.missing"))
    return style.red(`The record ${name} could not be verified: hashes of archived records are gone`)
  return style.red(`The record ${name} is not what it was${firstBad(problems)}`)
}

function firstBad(problems: readonly Problem[]): string {
  const first = problems.find(({ code, seq }) => seq !== undefined && /^(?:record|log)\./.test(code))
  if (first === undefined) return ""
  const { seq, to, code } = first
  const open = code === "log.rewritten" && to !== undefined && to > seq!
  return open ? `: the first bad record is between ${seq} and ${to}` : `: the first bad record is ${seq}`
}

function checkedLines(report: VerifyReport): string[] {
  const { hashed, checkpoints, keys, anchors, indexed, opened, milliseconds, problems } = report
  const lines = [`${countOf(hashed, "body", "bodies")} hashed again in ${formatCount(milliseconds)} ms`]
  if (checkpoints.count > 0) lines.push(describeCheckpoints(checkpoints, keys.length > 0))
  for (const key of keys) lines.push(`key ${cleanText(key)}`)
  for (const anchor of anchors)
    if (anchor.state !== "unreachable" && anchor.state !== "unchecked") lines.push(describeAnchor(anchor))
  const differs = problems.some(({ code }) => code === "index.differs")
  if (indexed > 0)
    lines.push(`the index ${differs ? "was held against" : "says what it should of"} ${countOf(indexed, "record")}`)
  if (opened > 0)
    lines.push(
      `${countOf(opened, "personal value")} held against ${opened === 1 ? "its commitment" : "their commitments"}`,
    )
  return lines
}

function describeCheckpoints({ count, verified, newest }: VerifyReport["checkpoints"], hasKey: boolean): string {
  const signed = `${formatCount(verified)} of ${countOf(count, "checkpoint")} signed`
  const what = hasKey ? signed : `${countOf(count, "checkpoint")}, their signatures left out`
  return newest > 0 ? `${what}, the newest of ${countOf(newest, "record")}` : what
}

function describeAnchor({ name, checkpoints, newest, state }: AnchorReport): string {
  const place = cleanText(name)
  if (state === "empty") return `${place}: holds no checkpoint of this log`
  const many = countOf(checkpoints, "checkpoint")
  return `${place}: ${many}, ${newest > 0 ? `the log as far as record ${formatCount(newest)} is theirs` : "none of which fits"}`
}

function describeUnchecked({ what, from, to }: Unchecked): string {
  const range = from === undefined ? "" : ` (${from === to ? from : `${from} to ${to}`})`
  return `${cleanText(what)}${range}`
}

/** What became of an exported file. */
export function renderExportReport(report: ExportReport, format: "text" | "json", style: Style): string {
  if (format === "json") return safeJson(report)
  const { accepted, rejected, records, from, to, size, key, unchecked } = report
  if (!accepted) return `${style.red(`rejected: ${cleanText(String(rejected))}`)}\n`
  const what = `${countOf(records, "record")} out of ${from} to ${to}, under a checkpoint of ${countOf(size, "record")}`
  const lines = [style.green(`accepted: ${what}`), "", `  checked      key ${cleanText(key)}`]
  for (const item of unchecked) lines.push(`  ${style.yellow("not checked")}  ${cleanText(item)}`)
  return `${lines.join("\n")}\n`
}
