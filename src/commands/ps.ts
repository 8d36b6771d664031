// `nanoguard ps`: which agents run in boxes here, and how they stand.
import { existsSync } from "node:fs"
import { join } from "node:path"
import type { Context } from "../context.ts"
import { EXIT, type ExitCode, NanoguardError } from "../errors.ts"
import { stateHome } from "../home.ts"
import { type PsReport, psFooter, psLines, renderPs } from "../render/ps.ts"
import { loadStyle } from "../render/style.ts"
import { openEngines } from "../sandbox/engines/index.ts"
import { ageKept } from "../sandbox/kept-list.ts"
import { readKills } from "../sandbox/kills/chain.ts"
import { readWaiting } from "../sandbox/kills/sticky.ts"
import { type Kill, killsOn } from "../sandbox/kills/types.ts"
import { sweepBoxes } from "../sandbox/sweep.ts"
import type { Engine } from "../sandbox/types.ts"
import { findRunning, type RunningRow } from "../sandbox/who.ts"
import { storeLocation } from "../store/location.ts"
import { openReader } from "../store/open.ts"
import { openRawTerminal } from "./raw-terminal.ts"

export interface PsOptions {
  /** Draws it anew each second, until `q`. */
  watch?: boolean
  format?: "text" | "json"
  color?: boolean
}

/** Milliseconds between two screens. */
const EVERY = 1000

/** Shows what runs, once or live; boxes whose `run` was killed are cleaned up first. Exit: ok, also where nothing runs; usage. */
export async function ps(
  ctx: Context,
  options: PsOptions,
  engines: readonly Engine[] = openEngines(ctx),
): Promise<{ report: PsReport; exit: ExitCode }> {
  if (options.watch && options.format === "json")
    throw new NanoguardError("--watch draws on a terminal", { exit: EXIT.usage, hint: "leave --format json out" })
  if (options.watch && !(ctx.stdin.isTTY && ctx.stdout.isTTY))
    throw new NanoguardError("--watch needs a terminal", { exit: EXIT.usage, hint: "nanoguard ps prints once" })
  const swept = await sweepBoxes(ctx, engines, { thorough: true })
  const notes = swept.flatMap(({ run, kept, problems, notes: said }) => [
    `${run} was left behind by a run that is gone: ${problems.length > 0 ? "not all of it could be removed" : "removed"}`,
    ...[...said, ...kept, ...problems].map((text) => `${run}: ${text}`),
  ])
  notes.push(...ageKept(ctx))
  const look = async () => lookAt(ctx, engines, notes)
  if (options.watch) return { report: await watch(ctx, options, look), exit: EXIT.ok }
  const report = await look()
  ctx.stdout.write(renderPs(report, options.format ?? "text"))
  return { report, exit: EXIT.ok }
}

async function lookAt(ctx: Context, engines: readonly Engine[], notes: readonly string[]): Promise<PsReport> {
  const [{ rows, problems, numbers }, stopped] = await Promise.all([findRunning(ctx, engines), findStopped(ctx)])
  return {
    ...{ schema: "nanoguard.ps/1", time: new Date(ctx.now()).toISOString(), numbers },
    boxes: rows.map(({ started, state, ...row }) => ({
      ...{ ...row, state: state === "starting" && isStopped(row, rows, stopped.kills) ? ("ending" as const) : state },
      ...(started !== undefined && { started: new Date(started).toISOString() }),
    })),
    ...{ stopped: [...stopped.kills.keys()], problems: [...notes, ...problems, ...stopped.problems] },
  }
}

/** Whether a kill is on a run or one above it: of such a run nothing starts, whatever its age. */
function isStopped(
  { agent, run, parent }: RowName,
  rows: readonly RowName[],
  kills: ReadonlyMap<string, Kill>,
): boolean {
  const parents: string[] = []
  for (let above = parent; above !== undefined && !parents.includes(above); ) {
    parents.push(above)
    const row = rows.find((one) => one.run === above)
    if (row !== undefined) parents.push(row.agent)
    above = row?.parent
  }
  return killsOn(kills, { agent, run, parents }).length > 0
}

type RowName = Pick<RunningRow, "agent" | "run" | "parent">

/** What is under a kill, by target. */
async function findStopped(ctx: Context): Promise<{ kills: ReadonlyMap<string, Kill>; problems: string[] }> {
  const waiting = readWaiting(stateHome(ctx))
  try {
    const location = storeLocation(ctx)
    // To look makes no record.
    if (location.kind === "sqlite" && !existsSync(join(location.directory, "record.db")))
      return { kills: waiting, problems: [] }
    const { db, close } = await openReader(ctx)
    const { standing } = await readKills(db, stateHome(ctx)).finally(close)
    return { kills: new Map([...standing, ...waiting]), problems: [] }
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error)
    return { kills: waiting, problems: [`who is stopped could not be read: ${why}`] }
  }
}

/** Draws until a key ends it; resolves with what was shown last. */
async function watch(ctx: Context, { color }: PsOptions, look: () => Promise<PsReport>): Promise<PsReport> {
  const style = await loadStyle(ctx.stdout, ctx.env, color)
  let report = await look()
  const { promise: ended, resolve: end } = Promise.withResolvers<void>()
  const draw = () => {
    const { columns, rows } = terminal.size()
    const lines = psLines(report).slice(0, Math.max(1, rows - 1))
    const screen = [...lines, psFooter(report)].map((line) => ({ ...line, text: line.text.slice(0, columns) }))
    return terminal.draw(screen, style)
  }
  const onKey = (key: string) => {
    if (key === "q" || key === "ctrl-c" || key === "escape") end()
    else if (key === "ctrl-z") terminal.suspend()
  }
  const terminal = openRawTerminal(ctx, { onKey, onResize: () => void draw() })
  try {
    let isOver = false
    void ended.then(() => {
      isOver = true
    })
    while (!isOver) {
      await draw()
      await Promise.race([ended, new Promise((done) => setTimeout(done, EVERY))])
      if (!isOver) report = await Promise.race([look(), ended.then(() => report)])
    }
  } finally {
    terminal.close()
  }
  return report
}
