// `nanoguard kill`: whoever can run it may stop things. It needs no gate and nobody's leave.
import type { Context } from "../context.ts"
import { EXIT, type ExitCode, NanoguardError } from "../errors.ts"
import { operatorOf } from "../gateway/operator.ts"
import { type KillReport, renderKill } from "../render/kill.ts"
import { listBoxFiles } from "../sandbox/boxes.ts"
import { noteElsewhere } from "../sandbox/elsewhere.ts"
import { findBoxes } from "../sandbox/end.ts"
import { openEngines } from "../sandbox/engines/index.ts"
import { carryOutKill, concerned, type EngineAnswer, endingRuns } from "../sandbox/kill.ts"
import { MAX_BY, MAX_REASON } from "../sandbox/kills/chain.ts"
import { formatTarget, readTarget } from "../sandbox/kills/types.ts"
import { RUN_NAME } from "../sandbox/run-name.ts"
import { sweepBoxes } from "../sandbox/sweep.ts"
import type { Engine, KillTarget } from "../sandbox/types.ts"
import { openReader, openStore } from "../store/open.ts"

export interface KillOptions {
  all?: boolean
  /** Why, for whoever wants to lift it. */
  reason?: string
  /** Who orders it; the name of the account where absent. */
  by?: string
  dryRun?: boolean
  format?: "text" | "json"
}

/** A run without a box counts as going on if it did something within this many milliseconds. */
const RECENT = 24 * 3_600_000
const MAX_UNBOXED = 20

/**
 * Stops agents, runs, or all. Exit: ok; usage (no target; no reason, which a drill need not have); environment where the order could not be recorded or a box could
 * not be ended. The rest is done all the same.
 */
export async function kill(
  ctx: Context,
  names: readonly string[],
  options: KillOptions,
  engines: readonly Engine[] = openEngines(ctx),
): Promise<{ report: KillReport; exit: ExitCode }> {
  const targets = readTargets(names, options.all, "kill")
  const reason = readReason(options)
  const order = { time: ctx.now(), by: (options.by ?? operatorOf(ctx)).slice(0, MAX_BY), reason }
  const said = {
    ...{ schema: "nanoguard.kill/1" as const, targets: targets.map(formatTarget), by: order.by, reason },
    time: new Date(order.time).toISOString(),
  }
  const done = (rest: Omit<KillReport, keyof typeof said>) => {
    const report: KillReport = { ...said, ...rest }
    ctx.stdout.write(renderKill(report, options.format ?? "text"))
    const isWhole = !report.unstored && report.boxes.every(({ problem }) => problem === undefined)
    const silent = report.engines.some(({ problem }) => problem !== undefined)
    return { report, exit: isWhole && !silent ? EXIT.ok : EXIT.environment }
  }
  if (options.dryRun) return done(await drill(ctx, targets, order, engines))
  const outcome = await carryOutKill(ctx, targets, order, engines)
  const swept = await sweepBoxes(ctx, engines, { thorough: true })
  const ending = endingRuns(ctx, targets).map((box) => noteElsewhere(ctx, box) ?? `${box.run} is cleaning up`)
  return done({
    ...{ state: "killed", frozen: outcome.frozen, total: outcome.total, engines: outcome.engines },
    boxes: outcome.boxes.map(({ found, ...times }) => ({ ...nameOf(found), ...times })),
    ...(outcome.stored !== undefined && { stored: outcome.stored }),
    ...(outcome.unstored && { unstored: unstoredOf(outcome.unstored) }),
    ...(await lookInRecord(
      ctx,
      targets,
      outcome.boxes.map(({ found }) => found),
      [...ending, ...swept.flatMap(({ notes, kept, problems }) => [...notes, ...kept, ...problems])],
    )),
  })
}

/** What would be stopped, and how fast each engine says so. Changes nothing; recorded as `kill.drilled`. */
async function drill(
  ctx: Context,
  targets: readonly KillTarget[],
  { by, reason }: { by: string; reason: string },
  engines: readonly Engine[],
) {
  const start = performance.now()
  const found = await findBoxes(engines)
  const boxes = concerned(found.boxes, listBoxFiles(ctx).boxes, targets)
  const total = Math.round(performance.now() - start)
  const store = await openStore(ctx, { gateway: "kill" })
  try {
    await store.append({
      ...{ type: "kill.drilled", subject: `kill ${targets.map(formatTarget).join(" ")}`.slice(0, 200) },
      ...{ gateway: "kill", by: [by], ...(reason !== "" && { note: reason }) },
      detail: { targets: targets.map(formatTarget).slice(0, 100), boxes: boxes.length },
    })
  } finally {
    await store.close()
  }
  const answers: EngineAnswer[] = found.engines.map(({ engine, ...rest }) => ({ engine: engine.name, ...rest }))
  return {
    ...{ state: "drilled" as const, frozen: 0, total, engines: answers },
    boxes: boxes.map((box) => nameOf(box.found)),
    ...(await lookInRecord(
      ctx,
      targets,
      boxes.map(({ found }) => found),
      [],
    )),
  }
}

const nameOf = ({
  run,
  agent,
  engine,
}: {
  run: string
  agent: string
  engine: KillReport["boxes"][number]["engine"]
}) => ({
  ...{ run, agent, engine },
})

const unstoredOf = ({ why, waiting }: { why: string; waiting: string }) => ({
  ...{ why, waiting: waiting === "" },
  ...(waiting !== "" && { problem: waiting }),
})

/** Runs that have no box, and names that nobody has borne yet. What cannot be looked up is left out: the kill is what matters. */
async function lookInRecord(
  ctx: Context,
  targets: readonly KillTarget[],
  seen: readonly { agent: string; run: string }[],
  notes: string[],
) {
  const unboxed: { agent: string; run: string }[] = []
  notes.push(...listBoxFiles(ctx).problems)
  try {
    const { db, close } = await openReader(ctx)
    try {
      for (const target of targets) {
        const all = db.selectFrom("agents").select(["agent", "run", "boxed", "last", "ended"])
        const column = target.kind === "run" ? "run" : "agent"
        const meant = target.kind === "all" ? all : all.where(column, "=", target.name)
        // The kill itself named an agent, or a run, and not both.
        const ran = meant.where("agent", "<>", "").where("run", "<>", "").limit(1)
        const isSeen = target.kind !== "all" && seen.some((box) => box[target.kind] === target.name)
        if (target.kind !== "all" && !isSeen && (await ran.executeTakeFirst()) === undefined)
          notes.push(`${formatTarget(target)} is not known here; it is stopped before it begins`)
        const since = ctx.now() - RECENT
        const open = meant.where("boxed", "=", 0).where("ended", "is", null).where("last", ">", since)
        const rows = await open.orderBy("last", "desc").limit(MAX_UNBOXED).execute()
        unboxed.push(...rows.map(({ agent, run }) => ({ agent, run })))
      }
    } finally {
      await close()
    }
  } catch {
    notes.push("the record could not be read: it is not known what runs without a box")
  }
  return { unboxed, notes }
}

/** Whom the words of a command mean: agents by name, runs by id, or as `agent:<name>` and `run:<id>`. Errors: usage. */
export function readTargets(names: readonly string[], all: boolean | undefined, command: string): KillTarget[] {
  const usage = (message: string, hint: string) => new NanoguardError(message, { exit: EXIT.usage, hint })
  if (all && names.length > 0) throw usage("--all goes without names", "leave one of them out")
  if (all) return [{ kind: "all" }]
  if (names.length === 0) throw usage(`${command} whom?`, `name an agent or a run, or say --all; see nanoguard ps`)
  return [...new Set(names)].map((name) => {
    const target = readTarget(/^(agent|run):/.test(name) ? name : `${isRun(name) ? "run" : "agent"}:${name}`)
    if (target && name !== "all") return target
    throw usage("this is no name of an agent or run", "letters, digits and . _ @ -; everything is --all")
  })
}

/** Ids that `run`, and `gateway exec` where it is not told another one, give. */
const isRun = (name: string) => RUN_NAME.test(name) || name.startsWith("exec-")

function readReason({ reason, dryRun }: KillOptions): string {
  const text = reason?.trim() ?? ""
  const hint = `--reason "what it did", for whoever is to lift it; at most ${MAX_REASON} characters`
  if (text === "" && !dryRun) throw new NanoguardError("a kill needs a reason", { exit: EXIT.usage, hint })
  if (text.length > MAX_REASON) throw new NanoguardError("the reason is too long", { exit: EXIT.usage, hint })
  return text
}
