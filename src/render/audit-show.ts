// How `nanoguard audit show` looks.

import type { ShowReport } from "../audit/read/show.ts"
import { PERSON } from "../audit/sealing/people.ts"
import type { LogRecord } from "../audit/types.ts"
import type { Verdict } from "../policy/types.ts"
import { paintOf, shortTime } from "./audit-tail.ts"
import { cleanText, countOf, safeJson } from "./clean.ts"
import { labelled } from "./layout.ts"
import type { Style } from "./style.ts"

interface ShowPage {
  style: Style
  columns: number
}

type Line = [label: string, text: string]

/** Longest text of one line: a command or a note is to be read whole. */
const LONG = 4000

/** Items of a list (evidence, anchors) that are shown; JSON has all. */
const MOST = 30

/** Renders one record. As JSON it holds everything that a second program needs to check the proof. */
export function renderShow(report: ShowReport, format: "text" | "json", page: ShowPage): string {
  if (format === "json") return safeJson(report)
  const { record, seq } = report
  const head = record === null ? `Record ${seq}` : `Record ${seq}  ${shortTime(record.time)}  ${textOf(record.type)}`
  const out = [page.style.bold(head)]
  const print = (lines: readonly Line[]) => {
    for (const [label, text] of lines) out.push(...labelled(2, label, text, page.columns, page.style.dim))
  }
  if (record !== null) print(recordLines(record, report))
  else if (report.archived) print([["body", "archived: its hash is here, its text lies with the archive"]])
  else print([["body", `not a record that this version can read: ${cleanText(report.body ?? "", LONG)}`]])
  if (record?.verdict !== undefined) {
    const verdict = record.verdict
    out.push("", verdictHead(verdict, page.style))
    print(verdictLines(verdict, report.people))
  }
  out.push("", page.style.bold("In the log"))
  print(placeLines(report))
  return `${out.join("\n")}\n`
}

function recordLines(record: LogRecord, { people }: ShowReport): Line[] {
  const { agent, run, boxed, item, detail, secrets } = record
  const box = boxed === undefined ? "" : boxed ? ", in a box" : ", not in a box: the gate is no boundary for it"
  const lines: Line[] = [["subject", textOf(record.subject)]]
  if (agent !== undefined || run !== undefined)
    lines.push(["agent", `${textOf(agent ?? "-")}${run === undefined ? "" : `, run ${textOf(run)}`}${box}`])
  const nameOf = (commitment: unknown) => textOf(people[String(commitment)] ?? "erased")
  if (record.operator !== undefined) lines.push(["operator", nameOf(record.operator)])
  if (record.by !== undefined && record.by.length > 0) lines.push(["by", record.by.map(nameOf).join(", ")])
  if (record.note !== undefined) lines.push(["note", nameOf(record.note)])
  if (item !== undefined) lines.push(["item", describe(item.kind, item.name, item.version, item.digest)])
  if (record.outcome !== undefined) lines.push(["outcome", textOf(record.outcome)])
  if (record.approval !== undefined) lines.push(["approval", textOf(record.approval)])
  lines.push(["gateway", textOf(record.gateway)])
  const policy = record.policy ?? record.verdict?.policyHash
  if (policy !== undefined) lines.push(["policy", textOf(policy)])
  for (const [name, value] of entriesOf(detail)) lines.push(["detail", `${textOf(name)}: ${showValue(value)}`])
  for (const [name, value] of entriesOf(secrets)) lines.push(["secret", `${textOf(name)}: ${showValue(value)}`])
  return lines
}

function verdictHead({ effect, code, mode }: Verdict, style: Style): string {
  const observed = mode === "observe" ? " (observe: nothing was stopped)" : ""
  return `${paintOf(effect, style)(style.bold(textOf(String(effect).toUpperCase())))} ${textOf(code)}${observed}`
}

function verdictLines(verdict: Verdict, people: ShowReport["people"]): Line[] {
  const { reason, rule, evidence, correction, also, excepted } = verdict
  const lines: Line[] = [
    ["because", textOf(reason)],
    ["rule", textOf(rule)],
  ]
  for (const fact of evidence.slice(0, MOST)) {
    const { kind, ...fields } = fact
    const text = entriesOf(fields).map(([name, value]) => `${textOf(name)} ${showValue(value)}`)
    lines.push(["evidence", [textOf(kind), ...text].join(", ")])
  }
  if (evidence.length > MOST) lines.push(["evidence", `and ${evidence.length - MOST} more (--format json has all)`])
  for (const other of also ?? []) lines.push(["also", describe(other.effect, other.code, other.rule)])
  for (const exception of excepted ?? [])
    lines.push([
      "excepted",
      describe(exception.code, "by", ownerOf(exception.owner, people), "until", exception.expires),
    ])
  if (correction !== undefined) {
    lines.push(["way out", describe(correction.action, correction.target)])
    if (correction.command !== undefined) lines.push(["command", cleanText(String(correction.command), LONG)])
  }
  return lines
}

/** The owner of an exception is a person too. */
const ownerOf = (owner: unknown, people: ShowReport["people"]) =>
  PERSON.test(String(owner)) ? (people[String(owner)] ?? "erased") : owner

function placeLines({ leaf, inclusion, anchors, seq }: ShowReport): Line[] {
  const lines: Line[] = [["hash", leaf]]
  if (inclusion === null) {
    lines.push([
      "tree",
      "not yet under a checkpoint: nothing outside could vouch for it (`nanoguard audit checkpoint`)",
    ])
    return lines
  }
  const { checkpoint, proof, verified, signed } = inclusion
  const { size, time, origin } = checkpoint
  const steps = countOf(proof.length, "hash", "hashes")
  lines.push([
    "tree",
    verified
      ? `under the checkpoint of ${countOf(size, "record")} of ${shortTime(time)}: proven with ${steps}`
      : `NOT PROVEN to be under the checkpoint of ${countOf(size, "record")}: record or tree was altered; run \`nanoguard audit verify\``,
  ])
  const who = {
    true: `by the log's key, as ${cleanText(origin)}`,
    false: "NOT by the log's key",
    null: "not checked: the log's key is not here",
  }
  lines.push(["signed", who[`${signed}`]])
  for (const { anchor, size, time } of anchors.slice(0, MOST))
    lines.push(["outside", `${textOf(anchor)} confirmed ${countOf(size, "record")} on ${shortTime(time)}`])
  if (anchors.length === 0)
    lines.push(["outside", `no place outside of this host has confirmed a checkpoint over record ${seq}`])
  return lines
}

const entriesOf = (value: unknown) => (typeof value === "object" && value !== null ? Object.entries(value) : [])

const textOf = (value: unknown) => cleanText(String(value))

const showValue = (value: unknown) => cleanText(typeof value === "string" ? value : (JSON.stringify(value) ?? ""), LONG)

const describe = (...parts: unknown[]) =>
  parts
    .filter((part) => part !== undefined)
    .map(textOf)
    .join(" ")
