// Who is running: what the state directory, the engines and the gate know of each box, as one row.
import { setTimeout as sleep } from "node:timers/promises"
import type { Context } from "../context.ts"
import type { BoxRow } from "../gateway/boxes/types.ts"
import { askGate } from "../gateway/control-client.ts"
import { openReader } from "../store/open.ts"
import { listBoxFiles } from "./boxes.ts"
import { noteElsewhere } from "./elsewhere.ts"
import { findBoxes } from "./end.ts"
import { isOwnerAlive } from "./owner.ts"
import type { Engine, EngineName, FoundBox } from "./types.ts"

/** A box, as `ps` shows it. What is not known is absent. */
export interface RunningRow {
  run: string
  agent: string
  operator?: string
  parent?: string
  engine: EngineName
  /** Milliseconds since the epoch. */
  started?: number
  requests?: number
  refusals?: number
  /** That wait for a person now. */
  held?: number
  /** US dollars. */
  spend?: number
  /** `starting`: its box is not there yet. `ending`: its box is gone, its `run` is not. `lost`: its `run` is gone, and it is not. */
  state: "starting" | "running" | "frozen" | "ending" | "lost"
  /** Why it stands still, where the gate had it do so. */
  paused?: string
}

export interface Running {
  rows: RunningRow[]
  /** What did not answer, as sentences. */
  problems: string[]
  /** Where the numbers are from. */
  numbers: "gate" | "record" | "none"
}

/** A box that is younger than this and not there yet is starting; milliseconds. */
const STARTING = 15_000
/** Milliseconds that the gate has to answer. */
const GATE_MS = 1500

/** Looks at everything at once; never rejects. */
export async function findRunning(ctx: Context, engines: readonly Engine[]): Promise<Running> {
  const [found, gate] = await Promise.all([findBoxes(engines), askForBoxes(ctx)])
  // After the boxes, whose files were there before them.
  const files = listBoxFiles(ctx)
  const problems = [...files.problems, ...found.engines.flatMap(({ problem }) => problem ?? [])]
  const boxes = new Map(found.boxes.map(({ found }) => [found.run, found]))
  const served = new Map(gate?.map((row) => [row.run, row]))
  const rows: RunningRow[] = files.boxes.map(({ run, agent, operator, engine, started, parent, owner }) => ({
    ...{ run, agent, operator, engine, started },
    ...(parent !== undefined && { parent }),
    state: stateOf(boxes.get(run), isOwnerAlive(owner), ctx.now() - started),
    ...numbersOf(served.get(run)),
  }))
  const ending = new Set(rows.flatMap(({ run, state }) => (state === "ending" ? [run] : [])))
  problems.push(...files.boxes.flatMap((box) => (ending.has(box.run) ? (noteElsewhere(ctx, box) ?? []) : [])))
  const known = new Set(rows.map(({ run }) => run))
  // Nobody keeps a file of it: its directory was removed, or another program made it.
  for (const { run, agent, engine } of boxes.values())
    if (!known.has(run)) rows.push({ run, agent, engine, state: "lost" })
  if (gate || rows.length === 0) return { rows, problems, numbers: gate ? "gate" : "none" }
  const counted = await countFromRecord(ctx, rows).catch(() => undefined)
  return { rows: counted ?? rows, problems, numbers: counted ? "record" : "none" }
}

function stateOf(box: FoundBox | undefined, isOwned: boolean, age: number): RunningRow["state"] {
  if (!isOwned) return "lost"
  if (box === undefined || box.state === "stopped") return age < STARTING ? "starting" : "ending"
  return box.state
}

function numbersOf(row: BoxRow | undefined) {
  if (!row) return {}
  const { requests, refusals, held, spend, paused } = row
  return { requests, refusals, held, spend, ...(paused !== undefined && { paused }) }
}

/** Boxes of the gate; undefined where none runs, or it hangs. */
async function askForBoxes(ctx: Context): Promise<readonly BoxRow[] | undefined> {
  const asked = askGate<{ boxes: readonly BoxRow[] }>(ctx, "GET", "/v1/boxes").catch(() => undefined)
  const answer = await Promise.race([asked, sleep(GATE_MS, undefined)])
  return Array.isArray(answer?.boxes) ? answer.boxes : undefined
}

/** Requests and refusals as far as they are derived. */
async function countFromRecord(ctx: Context, rows: readonly RunningRow[]): Promise<RunningRow[]> {
  const { db, close } = await openReader(ctx)
  try {
    const counts = await db
      .selectFrom("entries")
      .select(["run", "outcome"])
      .select(({ fn }) => fn.sum<number>("times").as("times"))
      .where(
        "run",
        "in",
        rows.map(({ run }) => run),
      )
      .where("kind", "in", ["package", "network", "credential", "mcp"])
      .groupBy(["run", "outcome"])
      .execute()
    return rows.map((row) => {
      const own = counts.filter(({ run }) => run === row.run)
      const sum = (of: typeof own) => of.reduce((total, { times }) => total + Number(times), 0)
      return { ...row, requests: sum(own), refusals: sum(own.filter(({ outcome }) => outcome === "refused")) }
    })
  } finally {
    await close()
  }
}
