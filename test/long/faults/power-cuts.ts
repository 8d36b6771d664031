// Power cuts: one run of two gateways under strace, cut at many moments, each cut's disk opened by the real store.
import { execFileSync, spawn, spawnSync } from "node:child_process"
import { once } from "node:events"
import { cpSync, existsSync, mkdirSync, readdirSync, rmSync, statSync } from "node:fs"
import { join } from "node:path"
import { createInterface } from "node:readline"
import { DatabaseSync } from "node:sqlite"
import { setTimeout as sleep } from "node:timers/promises"
import { expect, type TestContext } from "vitest"
import { emptyHome, temporaryDirectory, testContext } from "../../context.ts"
import { bundleProgram } from "./bundle.ts"
import { type DirectoryNode, type Disk, type FileNode, followCalls } from "./disk.ts"
import { bundleWriter, readAnswer, runGateway } from "./gateway.ts"
import { isLax } from "./names.ts"
import { INDEX_AHEAD, writeAsLeft } from "./power-cut.ts"
import { makeRandom } from "./random.ts"
import { expectWhole, readRecord, type Told } from "./record.ts"
import { readTrace, straceArguments } from "./strace.ts"

const FRAME = 24 + 4096
const MARK = /^\d+-[0-9a-f]{16}$/

export interface Cuts {
  cuts: number
  /** Cuts after which `log.recovered` was there, and those with torn bytes. */
  recovered: number
  torn: number
  /** Acknowledged records that the last cut had to keep. */
  acknowledged: number
  /** Records that were acknowledged without waiting for a sync, and lost. */
  lost: number
}

/** Runs two gateways after another, `count` events each; then cuts at random moments. */
export async function cutAtRandom(t: TestContext, count: number, cuts: number, seed: number): Promise<Cuts> {
  if (spawnSync("strace", ["-V"]).error) t.skip("strace is missing: apt-get install strace")
  const place = temporaryDirectory()
  const root = join(place, "disk")
  mkdirSync(root)
  const trace = join(place, "trace")
  const program = await bundleWriter()
  const env = emptyHome({ NANOGUARD_HOME: join(root, "nanoguard") })
  execFileSync(
    "strace",
    [...straceArguments(trace), process.execPath, program, "one,two", String(count), "4", "mixed"],
    {
      env,
      stdio: ["ignore", "ignore", "inherit"],
    },
  )
  const disk = followCalls(readTrace(trace), root)
  rmSync(trace)
  const indexed = filesAt(disk, "index.db-wal").flatMap(({ steps }) =>
    steps.filter(({ kind }) => kind === "write").map(({ end }) => end),
  )
  const random = makeRandom(seed)
  const sum: Cuts = { cuts, recovered: 0, torn: 0, acknowledged: 0, lost: 0 }
  for (let n = 0; n < cuts; n++) {
    // Some cuts at the very beginning, where files and directories are made; some where the index has just taken in more.
    const ahead = random.chance(0.3)
    const among = ahead ? indexed : random.chance(0.2) ? disk.moments.slice(0, 300) : disk.moments
    const cut = random.pick(among) + 1
    const left = join(place, `cut-${n}`)
    writeAsLeft(disk.root, cut, left, random, ahead ? INDEX_AHEAD : undefined)
    const opened = `${left}-opened`
    cpSync(left, opened, { recursive: true })
    const { recovered, torn, told, lost } = await openAfter(program, disk, cut, opened).catch((error) => {
      const kept = join(place, "..", `nanoguard-cut-${seed}-${n}`)
      cpSync(left, kept, { recursive: true })
      throw new Error(`cut ${n} of seed ${seed}, at ${cut}: ${error.message} (kept in ${kept})`, { cause: error })
    })
    sum.recovered += Number(recovered)
    sum.torn += Number(torn)
    sum.lost += lost
    sum.acknowledged = Math.max(sum.acknowledged, told)
    for (const done of [left, opened]) rmSync(done, { recursive: true })
  }
  return sum
}

/**
 * Commits `count` lax groups and then does nothing more until it is killed. Returns how many were told, after the power was cut at that
 * moment on disks of every temper: nothing may be lost then, though nothing was closed.
 */
export async function cutWhenIdle(t: TestContext, count: number, cuts: number, seed: number): Promise<number> {
  if (spawnSync("strace", ["-V"]).error) t.skip("strace is missing: apt-get install strace")
  const place = temporaryDirectory()
  const root = join(place, "disk")
  mkdirSync(root)
  const trace = join(place, "trace")
  const program = await bundleProgram(new URL("./lax-engine.ts", import.meta.url))
  const given = [process.execPath, program, join(root, "nanoguard", "state"), String(count)]
  const child = spawn("strace", [...straceArguments(trace), ...given], { stdio: ["ignore", "pipe", "inherit"] })
  for await (const line of createInterface({ input: child.stdout })) if (line === "idle") break
  await sleep(1000)
  execFileSync("pkill", ["-KILL", "-P", String(child.pid)])
  await once(child, "exit")
  const disk = followCalls(readTrace(trace), root)
  const random = makeRandom(seed)
  const answers = disk.output.flatMap(({ text }) => text.trim().split("\n")).map(readAnswer)
  const told = answers.filter((answer): answer is Told => typeof answer === "object" && "seq" in answer)
  for (let n = 0; n < cuts; n++) {
    const left = join(place, `cut-${n}`)
    writeAsLeft(disk.root, Number.MAX_SAFE_INTEGER, left, random)
    const ctx = testContext(left, { env: emptyHome({ NANOGUARD_HOME: join(left, "nanoguard") }), now: Date.now() })
    const { log } = await readRecord(ctx)
    expect(told.filter(({ seq, id }) => log[seq - 1]?.subject !== id)).toEqual([])
  }
  return told.length
}

/** Opens the store on what a cut has left, appends to it, and expects everything that was acknowledged before the cut. */
async function openAfter(program: string, disk: Disk, cut: number, left: string) {
  const lines = disk.output.filter(({ start }) => start < cut).flatMap(({ text }) => text.trim().split("\n"))
  const answers = lines.map(readAnswer)
  const told = answers.filter((answer): answer is Told => typeof answer === "object" && "seq" in answer)
  const closed = countClosed(disk, cut)
  const env = emptyHome({ NANOGUARD_HOME: join(left, "nanoguard") })
  const ctx = testContext(left, { env, now: Date.now() })
  const expected = expectedTorn(join(left, "nanoguard", "state"), disk)

  const after = await runGateway({ program, env, name: "after", count: 1 })
  const ends = (await readRecord(ctx)).log.filter(
    ({ type, gateway }) => type === "log.recovered" && gateway === "after",
  )
  // Only the end of the log can be lost, only what was lax, and never without a word.
  const end = Number(ends[0]?.detail?.["lastSeq"] ?? Number.POSITIVE_INFINITY)
  const kept = told.filter(({ seq, id }) => seq <= end || !isLax(id))
  await expectWhole(ctx, [...kept, ...after])
  expect(ends.length).toBeLessThanOrEqual(1)
  const current = ["one", "two"][closed]
  if (current && told.some(({ id }) => id.startsWith(`${current}-`))) {
    expect(ends[0]?.detail?.["gateways"], `the end of ${current}`).toContain(current)
  }
  const torn = Number(ends[0]?.detail?.["tornBytes"] ?? 0)
  if (expected) expect(expected).toContain(torn)
  return { recovered: ends.length > 0, torn: torn > 0, told: kept.length, lost: told.length - kept.length }
}

/**
 * The bytes after the last commit in the WAL, as SQLite's own recovery of a copy tells: without a commit, with or without the
 * file's header. Undefined where the WAL was begun anew in the run, so that older frames may follow.
 */
function expectedTorn(state: string, disk: Disk): number[] | undefined {
  const wal = join(state, "record.db-wal")
  if (!existsSync(wal) || !existsSync(join(state, "record.db")) || wasRestarted(disk)) return undefined
  const copy = `${state}.copy`
  mkdirSync(copy)
  for (const name of readdirSync(state)) {
    if (name.startsWith("record.db")) cpSync(join(state, name), join(copy, name))
  }
  const size = statSync(wal).size
  const db = new DatabaseSync(join(copy, "record.db"), { timeout: 5000 })
  try {
    const { log } = db.prepare("PRAGMA wal_checkpoint(PASSIVE)").get() as { log: number }
    if (log < 0) return undefined
    return log === 0 ? [size, size - 32] : [size - 32 - log * FRAME]
  } finally {
    db.close()
    rmSync(copy, { recursive: true })
  }
}

/** Whether any record.db-wal got a second header. */
function wasRestarted(disk: Disk): boolean {
  return filesAt(disk, "record.db-wal").some(
    ({ steps }) => steps.filter((one) => one.kind === "write" && one.offset === 0).length > 1,
  )
}

const stateOf = (disk: Disk) => (disk.root.now.get("nanoguard") as DirectoryNode).now.get("state") as DirectoryNode

/** How many gateways had closed, and had begun to remove their marks as writers, which is the last that they do. */
function countClosed(disk: Disk, cut: number): number {
  const { names } = stateOf(disk).now.get("writers") as DirectoryNode
  return names.filter(
    (step) => step.kind === "names" && step.start < cut && step.set.some(([name, node]) => !node && MARK.test(name)),
  ).length
}

/** Every file that ever had this name in the state directory. */
function filesAt(disk: Disk, wanted: string): FileNode[] {
  return stateOf(disk).names.flatMap((step) =>
    step.kind === "names"
      ? step.set.flatMap(([name, node]) => (name === wanted && node && "steps" in node ? [node] : []))
      : [],
  )
}
