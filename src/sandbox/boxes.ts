// What the state directory keeps of each box while it is there: `<state>/boxes/<run>/box.json`, written before the box starts and removed
// after everything of it is gone. Whoever finds one whose owner is dead cleans up.
import { existsSync, readdirSync, readFileSync, rmSync } from "node:fs"
import { isAbsolute, join, normalize } from "node:path"
import type { Context } from "../context.ts"
import { NanoguardError } from "../errors.ts"
import { stateHome } from "../home.ts"
import { isRecord } from "../packages/registries/values.ts"
import { prepareDirectory } from "../store/sqlite/files.ts"
import { readPrivate, writePrivate } from "../vault/private-file.ts"
import { isTargetName } from "./kills/types.ts"
import type { BoxFile, EngineName } from "./types.ts"

/** A run of a box. */
export const BOX_RUN = /^run-[0-9a-f]{12}$/

const ENGINES: ReadonlySet<unknown> = new Set<EngineName>(["docker", "podman", "container", "bubblewrap"])
const LEFTOVERS: ReadonlySet<unknown> = new Set(["empty-directory", "empty-file", "directory", "workspace"])

/** Most boxes that are looked at, and most of a box's lists. */
const MAX_BOXES = 1000
const MAX_LEFTOVERS = 10_000
const MAX_WORDS = 10_000

/** Where the boxes of this state directory are kept. */
export const boxesDirectory = (ctx: Pick<Context, "env">): string => join(stateHome(ctx), "boxes")

/** The directory of a box: private to this user, never mounted whole. */
export const boxDirectory = (ctx: Pick<Context, "env">, run: string): string => join(boxesDirectory(ctx), run)

const fileOf = (ctx: Pick<Context, "env">, run: string) => join(boxDirectory(ctx, run), "box.json")

/** Writes what a box is, in the place of what was there. Errors: environment. */
export function writeBoxFile(ctx: Pick<Context, "env">, box: BoxFile): void {
  prepareDirectory(stateHome(ctx))
  prepareDirectory(boxesDirectory(ctx))
  prepareDirectory(boxDirectory(ctx, box.run))
  writePrivate(fileOf(ctx, box.run), JSON.stringify(box), "the file of the box", true)
}

/** What a box is; undefined where there is none. Errors: environment (unreadable, or not what this program writes). */
export function readBoxFile(ctx: Pick<Context, "env">, run: string): BoxFile | undefined {
  const file = fileOf(ctx, run)
  const text = readPrivate(file, "the file of the box")
  if (text === undefined) return undefined
  const box = parse(text)
  if (isBoxFile(box) && box.run === run) return box
  throw new NanoguardError("the file of the box is damaged, or of another version of nanoguard", {
    exit: 5,
    hint: "see what still runs with `nanoguard ps`, then remove its directory",
    where: { file },
  })
}

/** Boxes that have a file, oldest first, and what was wrong with the others. Never throws for what one of them holds. */
export function listBoxFiles(ctx: Pick<Context, "env">): { boxes: BoxFile[]; problems: string[] } {
  const directory = boxesDirectory(ctx)
  if (!existsSync(directory)) return { boxes: [], problems: [] }
  const boxes: BoxFile[] = []
  const problems: string[] = []
  for (const run of readdirSync(directory)
    .filter((name) => BOX_RUN.test(name))
    .slice(0, MAX_BOXES)) {
    try {
      const box = readBoxFile(ctx, run)
      if (box) boxes.push(box)
    } catch (error) {
      problems.push(`${run}: ${error instanceof Error ? error.message : String(error)}`)
    }
  }
  return { boxes: boxes.sort((a, b) => a.started - b.started), problems }
}

/** Removes what the state directory has of a box; fine where there is nothing. */
export function removeBoxDirectory(ctx: Pick<Context, "env">, run: string): void {
  if (BOX_RUN.test(run)) rmSync(boxDirectory(ctx, run), { recursive: true, force: true })
}

/** Removes a box from the list, and leaves what else its directory has. */
export function removeBoxFile(ctx: Pick<Context, "env">, run: string): void {
  if (BOX_RUN.test(run)) rmSync(fileOf(ctx, run), { force: true })
}

/** This process, as `BoxFile.owner` has it. */
export function ownIdentity(): BoxFile["owner"] {
  return { pid: process.pid, start: processStart(process.pid) ?? "" }
}

/** Whether the process that owns a box is alive: the same one, and not another that was given its id since. */
export function isOwnerAlive({ pid, start }: BoxFile["owner"]): boolean {
  const now = processStart(pid)
  if (now !== undefined) return now === start
  if (process.platform === "linux") return false
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM"
  }
}

/** When a process started: field 22 of its stat (proc(5)), ticks since boot; undefined where there is none, or it is dead and not yet waited for. */
export function processStart(pid: number): string | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "latin1")
    // The second field, a name in brackets, may hold anything, brackets and spaces included.
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ")
    return fields[0] === "Z" || fields[0] === "X" ? undefined : fields[19]
  } catch {
    return undefined
  }
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

function isBoxFile(value: unknown): value is BoxFile {
  if (!isRecord(value) || value["schema"] !== "nanoguard.box/1") return false
  const { run, agent, operator, project, engine, owner, started, parent, command, leftovers } = value
  return (
    isText(run, 20) &&
    BOX_RUN.test(run) &&
    isText(agent, 64) &&
    isTargetName(agent) &&
    isText(operator, 200) &&
    isText(project, 4096) &&
    ENGINES.has(engine) &&
    isOwner(owner) &&
    Number.isSafeInteger(started) &&
    (parent === undefined || (isText(parent, 64) && isTargetName(parent))) &&
    isList(command, MAX_WORDS, (word) => typeof word === "string") &&
    isList(leftovers, MAX_LEFTOVERS, isLeftover)
  )
}

const isText = (value: unknown, most: number): value is string => typeof value === "string" && value.length <= most

const isList = (value: unknown, most: number, is: (one: unknown) => boolean) =>
  Array.isArray(value) && value.length <= most && value.every(is)

const isOwner = (value: unknown) =>
  isRecord(value) && Number.isSafeInteger(value["pid"]) && Number(value["pid"]) > 0 && isText(value["start"], 40)

function isLeftover(value: unknown): boolean {
  if (!isRecord(value) || !LEFTOVERS.has(value["kind"])) return false
  const { path } = value
  return isText(path, 4096) && isAbsolute(path) && normalize(path) === path && !path.includes("\0")
}
