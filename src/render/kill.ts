// How `nanoguard kill` and `resume` look.
import type { EngineName } from "../sandbox/types.ts"
import { cleanText, countOf, safeJson } from "./clean.ts"
import { alignColumns } from "./layout.ts"

type Format = "text" | "json"

export interface KilledBox {
  run: string
  agent: string
  engine: EngineName
  /** Milliseconds since the command began; absent where that did not come about. */
  frozen?: number
  killed?: number
  removed?: number
  problem?: string
}

export interface KillReport {
  schema: "nanoguard.kill/1"
  state: "killed" | "drilled"
  /** "all", "agent:<name>", "run:<id>". */
  targets: readonly string[]
  by: string
  reason: string
  /** RFC 3339. */
  time: string
  /** Milliseconds until the order was durable; absent where the store could not take it. */
  stored?: number
  unstored?: { why: string; waiting: boolean; problem?: string }
  boxes: readonly KilledBox[]
  engines: readonly { engine: EngineName; ms: number; boxes: number; problem?: string }[]
  /** Milliseconds until every box stood still, and until all was done. */
  frozen: number
  total: number
  /** Runs without a box: their tokens are good for nothing any more, their processes go on. */
  unboxed: readonly { agent: string; run: string }[]
  notes: readonly string[]
}

export interface ResumeReport {
  schema: "nanoguard.resume/1"
  state: "lifted" | "declined"
  lifted: readonly { target: string; time: string; by: string; reason: string }[]
  /** Who signed it. */
  by?: string
  /** What is stopped still. */
  standing: readonly string[]
}

/** What a kill came to, or a drill of one. */
export function renderKill(report: KillReport, format: Format): string {
  if (format === "json") return safeJson(report)
  const { state, targets, boxes, engines, unboxed, notes } = report
  const who = targets.map((target) => (target === "all" ? "everything" : cleanText(target))).join(", ")
  const lines =
    state === "drilled"
      ? [`Drill: a kill of ${who} would stop ${countOf(boxes.length, "box", "boxes")}. Nothing was changed.`]
      : [
          `${who}: stopped. ${[countOf(boxes.length, "box", "boxes"), ...endsOf(report)].join(", ")}.`,
          ...storeLines(report),
        ]
  lines.push(
    ...alignColumns(
      boxes.map(({ run, agent, engine, ...times }) => [`  ${run}`, agent || "-", engine, stepsOf(state, times)]),
    ),
  )
  for (const { engine, ms, boxes: count, problem } of engines)
    if (problem !== undefined) lines.push(`  ${engine} did not answer: ${cleanText(problem)}`)
    else if (state === "drilled") lines.push(`  ${engine} answers in ${ms} ms: ${countOf(count, "box", "boxes")}`)
  for (const { agent, run } of unboxed)
    lines.push(
      `  ${cleanText(agent)} (${cleanText(run)}) has no box: ${state === "drilled" ? "its token would end" : "its token is good for nothing now"}, its processes go on`,
    )
  for (const note of notes) lines.push(`  ${cleanText(note)}`)
  if (state === "killed")
    lines.push(`New runs are refused until an approver lifts it: nanoguard resume ${targets.map(asArgument).join(" ")}`)
  return `${lines.join("\n")}\n`
}

/** Of all boxes: how many may run on; else times, where that one stood still before it ended is said only where each did. */
function endsOf({ boxes, engines, frozen, total }: KillReport): string[] {
  const left = boxes.filter(({ problem }) => problem !== undefined).length
  const silent = engines.filter(({ problem }) => problem !== undefined).map(({ engine }) => engine)
  const open = [...(left === 0 ? [] : [`${left} NOT ENDED`]), ...silent.map((engine) => `${engine} DID NOT ANSWER`)]
  if (boxes.length === 0 || open.length > 0) return open
  const stood = boxes.every((box) => box.frozen !== undefined) ? [`every one frozen within ${frozen} ms`] : []
  return [...stood, `ended within ${total} ms`]
}

const asArgument = (target: string) => (target === "all" ? "--all" : cleanText(target))

function storeLines({ stored, unstored }: KillReport): string[] {
  if (stored !== undefined || !unstored)
    return [`  recorded within ${stored ?? 0} ms; a gate that runs refuses from then on`]
  const { why, waiting, problem } = unstored
  return [
    `  NOT RECORDED: ${cleanText(why)}`,
    waiting
      ? "  it waits in the state directory: runs and gates here obey it, and the next command that can brings it into the store"
      : `  and it could not be kept in the state directory (${cleanText(problem ?? "")}): nothing keeps new runs from starting. Repeat it`,
  ]
}

function stepsOf(
  state: KillReport["state"],
  { frozen, killed, removed, problem }: Omit<KilledBox, "run" | "agent" | "engine">,
) {
  if (state === "drilled") return "would be frozen, killed and removed"
  const steps = Object.entries({ frozen, killed, removed }).flatMap(([name, ms]) =>
    ms === undefined ? [] : [`${name} ${ms} ms`],
  )
  return problem === undefined ? steps.join(", ") : `${["NOT ENDED", ...steps].join(", ")}: ${problem}`
}

/** What was lifted, and what stands. */
export function renderResume(report: ResumeReport, format: Format): string {
  if (format === "json") return safeJson(report)
  const { state, lifted, by, standing } = report
  const lines = lifted.map(
    ({ target, time, by, reason }) =>
      `  ${cleanText(target)}: stopped ${time.slice(0, 16).replace("T", " ")} UTC by ${cleanText(by)}: ${cleanText(reason)}`,
  )
  const head =
    state === "declined" ? "Nothing was lifted." : by === undefined ? "To lift:" : `Lifted, signed by ${cleanText(by)}:`
  const left = standing.map((target) => `  ${cleanText(target)}`)
  return `${[head, ...lines, ...(left.length > 0 ? ["Still stopped, each by a kill of its own:", ...left] : [])].join("\n")}\n`
}
