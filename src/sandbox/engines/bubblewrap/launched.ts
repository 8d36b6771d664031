// What a launch leaves behind in the directory of its box, so that any later process of nanoguard finds, freezes and ends it.
import { existsSync, mkdirSync, readdirSync, rmSync, statSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { setTimeout } from "node:timers/promises"
import { isTargetName } from "../../kills/types.ts"
import { RUN_NAME } from "../../run-name.ts"
import { readSystem, unlessGone } from "../read-system.ts"
import { type Cgroup, members } from "./cgroup.ts"
import { type Init, isInit } from "./processes.ts"

/** `bubblewrap.json` of a box. */
export interface Launched {
  /** Of this start of the machine: process ids and ticks mean nothing after another. */
  boot: string
  /** Ticks since boot. */
  ticks: number
  cgroup: Cgroup
}

/** A box as its directory tells of it. */
export interface FoundLaunch {
  run: string
  /** Empty where its file does not say it. */
  agent: string
  launched?: Launched
  /** Its first process, where that is known and still the same. */
  init?: Init
  /** bwrap wrote that it ended. */
  ended: boolean
}

const [FILE, STATUS, EMPTY] = ["bubblewrap.json", "bubblewrap.status", "empty"]
const MOST_BYTES = 1024 * 1024
// bwrap makes the first process at once; a machine that swaps takes a while.
const LATEST_TICKS = 60 * 100

/** Writes what is known before bwrap starts and makes the files that it needs, mode 0600; answers their paths. */
export function writeLaunch(directory: string, cgroup: Cgroup): { status: string; empty: string } {
  const [status, empty] = [join(directory, STATUS), join(directory, EMPTY)]
  mkdirSync(directory, { recursive: true, mode: 0o700 })
  const launched: Launched = { boot: bootId(), ticks: ticksNow(), cgroup }
  writeFileSync(join(directory, FILE), `${JSON.stringify(launched)}\n`, { mode: 0o600 })
  writeFileSync(status, "", { mode: 0o600 })
  // Readable in the box by whoever runs there.
  writeFileSync(empty, "", { mode: 0o444 })
  return { status, empty }
}

/**
 * Boxes of bubblewrap's below `boxes`, by their names: those that were launched, whatever their box.json is, and those that it says are
 * to be.
 */
export function findLaunches(boxes: string): FoundLaunch[] {
  return listDirectory(boxes)
    .filter((name) => RUN_NAME.test(name))
    .flatMap((run): FoundLaunch[] => {
      const directory = join(boxes, run)
      const box = readJson(join(directory, "box.json"))
      const agent = typeof box?.["agent"] === "string" && isTargetName(box["agent"]) ? box["agent"] : ""
      const isMeant = box?.["engine"] === "bubblewrap" && agent !== ""
      return isMeant || existsSync(join(directory, FILE)) ? [{ run, agent, ...readLaunch(directory) }] : []
    })
}

/** What became of the launch in a box's directory. */
export function readLaunch(directory: string): Pick<FoundLaunch, "launched" | "init" | "ended"> {
  const launched = readJson(join(directory, FILE)) as Launched | undefined
  if (launched === undefined || launched.boot !== bootId()) return { ended: true }
  const status = readSystem(join(directory, STATUS))
  const pid = Number(/"child-pid": (\d+)/.exec(status)?.[1])
  const namespace = Number(/"pid-namespace": (\d+)/.exec(status)?.[1])
  const init = { pid, namespace }
  const there = pid > 1 && namespace > 0 && isInit(init, launched.ticks, launched.ticks + LATEST_TICKS)
  // A launch that came to nothing wrote nothing; nor did one that was made to stand still before bwrap began.
  const late = !(pid > 1) && ticksNow() > launched.ticks + LATEST_TICKS && members(launched.cgroup).length === 0
  return { launched, ended: late || (pid > 1 && !there) || status.includes('"exit-code"'), ...(there && { init }) }
}

/** The same, of a box that may just be starting: waits for its first process, at most a second. */
export async function awaitLaunch(directory: string): Promise<ReturnType<typeof readLaunch>> {
  for (let round = 0; ; round++) {
    const launch = readLaunch(directory)
    if (launch.ended || launch.init !== undefined || round === 100) return launch
    await setTimeout(10)
  }
}

/** Removes the files of `writeLaunch`. */
export function removeLaunch(directory: string): void {
  for (const name of [FILE, STATUS, EMPTY]) rmSync(join(directory, name), { force: true })
}

function bootId(): string {
  return readSystem("/proc/sys/kernel/random/boot_id").trim()
}

/** Linux counts 100 ticks a second for programs, on every architecture here. One less: the two clocks are rounded differently. */
function ticksNow(): number {
  return Math.floor(Number(readSystem("/proc/uptime").split(" ")[0]) * 100) - 1
}

const listDirectory = (path: string) => unlessGone(() => readdirSync(path)) ?? []

/** Undefined where there is none, or it is damaged. */
function readJson(path: string): Record<string, unknown> | undefined {
  if (unlessGone(() => statSync(path).size > MOST_BYTES)) return undefined
  try {
    return JSON.parse(readSystem(path))
  } catch (error) {
    if (error instanceof SyntaxError) return undefined
    throw error
  }
}
