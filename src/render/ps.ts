// How `nanoguard ps` looks.
import type { Running, RunningRow } from "../sandbox/who.ts"
import type { Line } from "./card-text.ts"
import { cleanText, countOf, safeJson } from "./clean.ts"
import { alignColumns } from "./layout.ts"

export interface PsReport {
  schema: "nanoguard.ps/1"
  /** RFC 3339. */
  time: string
  boxes: readonly (Omit<RunningRow, "started"> & { started?: string })[]
  /** Where requests, refusals, held and spend are from. */
  numbers: Running["numbers"]
  /** What is stopped: "all", "agent:<name>", "run:<id>". */
  stopped: readonly string[]
  problems: readonly string[]
}

const HEAD = ["AGENT", "RUN", "OPERATOR", "ENGINE", "UP", "REQUESTS", "REFUSED", "HELD", "SPEND", "STATE"]
const RIGHT = [4, 5, 6, 7, 8]

/** The document, or the table as plain lines. */
export function renderPs(report: PsReport, format: "text" | "json"): string {
  if (format === "json") return safeJson(report)
  return `${psLines(report)
    .map(({ text }) => text)
    .join("\n")}\n`
}

/** The table as lines of a screen. */
export function psLines(report: PsReport): Line[] {
  const { boxes, stopped, problems, time } = report
  const lines: Line[] = []
  if (boxes.length === 0) lines.push({ text: "No box is running. Start one: nanoguard run -- <command>" })
  else {
    const [head, ...rows] = alignColumns([HEAD, ...boxes.map((box) => cellsOf(box, Date.parse(time)))], RIGHT)
    lines.push({ text: head!, tone: "head" }, ...rows.map((text, i) => rowLine(text, boxes[i]!)))
  }
  for (const target of stopped) lines.push({ text: `stopped: ${cleanText(target)}`, tone: "bad" })
  for (const problem of problems) lines.push({ text: cleanText(problem), tone: "warn" })
  return lines
}

const TONES: Partial<Record<RunningRow["state"], "bad" | "warn">> = { lost: "bad", frozen: "warn", ending: "warn" }

function rowLine(text: string, { state }: Pick<RunningRow, "state">): Line {
  const tone = TONES[state]
  return tone === undefined ? { text } : { text, tone }
}

function cellsOf(box: PsReport["boxes"][number], now: number): string[] {
  const { agent, run, operator = "-", engine, started, requests, refusals, held, spend, state, paused } = box
  const count = (value: number | undefined) => (value === undefined ? "-" : String(value))
  return [
    ...[agent, run, operator, engine, started === undefined ? "-" : upTime(now - Date.parse(started))],
    ...[count(requests), count(refusals), count(held), spend === undefined ? "-" : `$${spend.toFixed(2)}`],
    paused === undefined ? state : `${state} (${paused})`,
  ]
}

/** Two units at most: `42s`, `3m 5s`, `2h 14m`, `3d 1h`. */
function upTime(ms: number): string {
  const seconds = Math.max(0, Math.floor(ms / 1000))
  const units = [
    [86_400, "d", 3600, "h"],
    [3600, "h", 60, "m"],
    [60, "m", 1, "s"],
  ] as const
  const unit = units.find(([size]) => seconds >= size)
  if (!unit) return `${seconds}s`
  const [size, name, below, part] = unit
  return `${Math.floor(seconds / size)}${name} ${Math.floor((seconds % size) / below)}${part}`
}

/** The last line of a screen that is drawn again and again. */
export function psFooter(report: PsReport): Line {
  const { boxes, numbers, time } = report
  const from = numbers === "gate" ? "" : numbers === "record" ? "; no gate answers, counted from the record" : ""
  return { text: `${time.slice(11, 19)} UTC  ${countOf(boxes.length, "box", "boxes")}${from}  q ends`, tone: "dim" }
}
