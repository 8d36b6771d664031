// What runs left for a person, all of it: which there are, how old they are, and when one is removed that nobody wanted.
import { existsSync, lstatSync, readdirSync, readFileSync, renameSync, statSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import type { Context } from "../context.ts"
import { boxDirectory, boxesDirectory } from "./box-directory.ts"
import { readKeptFile, removeBoxDirectory } from "./boxes.ts"
import { RUN_NAME } from "./run-name.ts"
import { eachBelow } from "./workspace/below.ts"
import { loadState } from "./workspace/state.ts"

/** What one run left. */
export interface KeptRun {
  run: string
  /** Absent where that is not known. */
  agent?: string
  /** Workspace that it is for. */
  root: string
  mode: string
  /** Milliseconds since the epoch. */
  ended: number
  /** When it is removed, at the earliest: not before that was said for a week. */
  removed: number
  /** Changed paths; 0 where it is commits alone. */
  changes: number
  /** Of all that is kept of it on the disk. */
  bytes: number
}

const DAY = 86_400_000
/** How long it is kept. */
const KEPT = 30 * DAY
/** How long before that it is said at least. */
const WARNED = 7 * DAY
/** Most that are looked at. */
const MAX_RUNS = 20_000

export interface KeptRuns {
  /** Oldest first. */
  runs: KeptRun[]
  /** A sentence on those beyond the bound. */
  problems: string[]
}

/**
 * What is kept, of `most` runs. What cannot be read is left out: it is nobody's to remove. Without `sized` its bytes are 0: counting them looks at
 * every file.
 */
export function listKept(ctx: Pick<Context, "env">, sized = true, most = MAX_RUNS): KeptRuns {
  const directory = boxesDirectory(ctx)
  if (!existsSync(directory)) return { runs: [], problems: [] }
  const names = readdirSync(directory).filter((name) => RUN_NAME.test(name) && mayBeKept(boxDirectory(ctx, name)))
  const beyond = names.splice(most).length
  const runs = names.flatMap((run) => readKept(ctx, run, sized) ?? []).sort((a, b) => a.ended - b.ended)
  const problems =
    beyond === 0
      ? []
      : [`${directory} keeps ${beyond} runs more than the ${most} that are looked at: apply or discard some`]
  return { runs, problems }
}

/** One without a box: of the others something is still there that cleans up. */
const mayBeKept = (directory: string) =>
  existsSync(join(directory, "workspace.json")) && !existsSync(join(directory, "box.json"))

/** One that has a report. */
function readKept(ctx: Pick<Context, "env">, run: string, sized: boolean): KeptRun | undefined {
  const directory = boxDirectory(ctx, run)
  try {
    const state = loadState(directory)
    if (state?.report === undefined) return undefined
    const { added, changed, removed } = state.report.counts
    const ended = Math.trunc(statSync(join(directory, "workspace.json")).mtimeMs)
    const agent = agentOf(ctx, run)
    return {
      ...{ run, ...(agent !== undefined && { agent }), root: state.root, mode: state.mode, ended },
      removed: Math.max(ended + KEPT, (warnedAt(directory) ?? Number.NEGATIVE_INFINITY) + WARNED),
      ...{ changes: added + changed + removed, bytes: sized ? sizeOf(directory) : 0 },
    }
  } catch {
    return undefined
  }
}

/** Undefined also where its file cannot be read: what it left is there all the same. */
function agentOf(ctx: Pick<Context, "env">, run: string): string | undefined {
  try {
    return readKeptFile(ctx, run)?.agent
  } catch {
    return undefined
  }
}

/**
 * Removes what was kept for 30 days and said for 7 to be removed. Answers with sentences: what is removed now, and what will be. Whoever
 * calls it shows them.
 */
export function ageKept(ctx: Pick<Context, "env" | "now">): string[] {
  const now = ctx.now()
  const { runs, problems } = listKept(ctx, false)
  const said = runs.flatMap((kept) => {
    if (now - kept.ended < KEPT - WARNED) return []
    const { run, agent = "a run", changes } = kept
    const what = `what ${agent} left in ${run} (${changes} changed ${changes === 1 ? "path" : "paths"})`
    try {
      return [`${what} ${ageOne(ctx, kept, now)}`]
    } catch (error) {
      // Whoever asks what runs is told that, too.
      return [`${what} is old, and cannot be removed: ${error instanceof Error ? error.message : String(error)}`]
    }
  })
  return [...said, ...problems]
}

/** Removes it, or notes that it is said to be. */
function ageOne(ctx: Pick<Context, "env">, { run, ended }: KeptRun, now: number): string {
  const directory = boxDirectory(ctx, run)
  const warned = warnedAt(directory)
  if (warned === undefined) noteWarned(directory, now)
  const left = Math.max(ended + KEPT, (warned ?? now) + WARNED) - now
  if (left > 0) {
    const days = Math.ceil(left / DAY)
    return `is removed in ${days} ${days === 1 ? "day" : "days"}: nanoguard run --review ${run}`
  }
  removeBoxDirectory(ctx, run)
  return `waited ${Math.floor((now - ended) / DAY)} days, and is removed now`
}

/** Whole or not at all. */
function noteWarned(directory: string, now: number): void {
  writeFileSync(join(directory, "warned.new"), String(now), { mode: 0o600 })
  renameSync(join(directory, "warned.new"), join(directory, "warned"))
}

/** Undefined also where a full disk or a power cut left an empty file: nothing was said then. */
function warnedAt(directory: string): number | undefined {
  const file = join(directory, "warned")
  const text = existsSync(file) ? readFileSync(file, "utf8") : ""
  return /^[1-9]\d{11,15}$/.test(text) ? Number(text) : undefined
}

function sizeOf(directory: string): number {
  let bytes = 0
  try {
    eachBelow(directory, (path, entry) => {
      if (entry.isFile()) bytes += lstatSync(path).size
    })
  } catch {
    // An agent may leave what cannot be looked into; it is listed all the same.
  }
  return bytes
}
