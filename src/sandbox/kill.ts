// Carrying out a kill: written down, so that nothing new starts; then every box that it is on stands still, and ends. It needs no gate: one
// that runs sees the store. Where the store cannot be written the boxes end all the same, and the kill waits in the state directory.
import { setTimeout as sleep } from "node:timers/promises"
import type { Context } from "../context.ts"
import { stateHome } from "../home.ts"
import { openStore } from "../store/open.ts"
import type { Store } from "../store/types.ts"
import { listBoxFiles } from "./boxes.ts"
import { type BoxRunning, findBoxes, type StoppedBox, stopBoxes } from "./end.ts"
import { type Order, orderKills, takeWaiting } from "./kills/order.ts"
import { removeWaiting, writeWaiting } from "./kills/sticky.ts"
import { formatTarget } from "./kills/types.ts"
import { markKilled } from "./neighbours/questions.ts"
import { isOwnerAlive } from "./owner.ts"
import type { BoxFile, Engine, EngineName, KillTarget } from "./types.ts"

/** Milliseconds that the boxes wait for the store, and that the store has in all. */
const FIRST_MS = 250
const STORE_MS = 3000

/** How often boxes are looked for, and the milliseconds between. */
const PASSES = 3
const PAUSE_MS = 150

export interface EngineAnswer {
  engine: EngineName
  /** Milliseconds to say which boxes it has. */
  ms: number
  boxes: number
  problem?: string
}

export interface KillOutcome {
  /** Milliseconds until the kill was durable; absent where the store could not take it. */
  stored?: number
  /** Why not, and whether it waits in the state directory instead: "" that it does, else why not even that. */
  unstored?: { why: string; waiting: string }
  /** Times in milliseconds since the command began. */
  boxes: StoppedBox[]
  engines: EngineAnswer[]
  /** Until the last box stood still, and until all was done. */
  frozen: number
  total: number
}

/** Orders a kill and ends the boxes that it is on. Never rejects for what an engine or the store does: the outcome says it. */
export async function carryOutKill(
  ctx: Pick<Context, "env" | "now" | "cwd">,
  targets: readonly KillTarget[],
  order: Order,
  engines: readonly Engine[],
): Promise<KillOutcome> {
  const start = performance.now()
  const passed = () => Math.round(performance.now() - start)
  const storing = storeKill(ctx, targets, order, passed)
  // To look changes nothing, and takes as long.
  const first = findBoxes(engines)
  await Promise.race([storing.written, sleep(FIRST_MS)])
  const boxes: StoppedBox[] = []
  const unmark: (() => void)[] = []
  let unknown: BoxRunning[] = []
  const stop = async (found: Awaited<typeof first>) => {
    const begun = passed()
    const { boxes: files, unreadable } = listBoxFiles(ctx)
    const meant = concerned(found.boxes, files, targets)
    unknown = found.boxes.filter((box) => isUnknown(box, unreadable) && !meant.includes(box))
    // Nor does its own run let one go on that stands still to be killed.
    unmark.push(
      markKilled(
        ctx,
        meant.map((box) => box.found.run),
      ),
    )
    const ended = await stopBoxes(meant)
    boxes.push(...ended.map((box) => later(box, begun)))
    return ended.length
  }
  const found = await first
  let count = await stop(found)
  // Again, for what was being started meanwhile; whatever starts later has seen the kill.
  const mayStart = () => endingRuns(ctx, targets).length > 0 || listBoxFiles(ctx).unreadable.length > 0
  for (let pass = 1; pass < PASSES && (count > 0 || mayStart()); pass++) {
    await sleep(PAUSE_MS)
    count = await stop(await findBoxes(engines))
  }
  const written = await storing.written
  const once = newest([...boxes, ...unknown.map(({ found }) => ({ found, problem: whyUnknown(found.run) }))])
  const outcome: KillOutcome = {
    ...{ boxes: once, frozen: Math.max(0, ...once.map(({ frozen = 0 }) => frozen)), total: passed() },
    engines: found.engines.map(({ engine, ...rest }) => ({ engine: engine.name, ...rest })),
    ...written,
  }
  await storing.close()
  for (const end of unmark) end()
  return outcome
}

/** A box that runs, and whose file cannot be read: what names an agent, or a run above it, may mean it. */
const isUnknown = ({ found }: BoxRunning, unreadable: readonly string[]) =>
  found.state !== "stopped" && unreadable.includes(found.run)

const whyUnknown = (run: string) => `its file is damaged, whose it is cannot be told; by name: nanoguard kill ${run}`

/** Boxes that a kill is on: by agent or run, and those that such a run started. */
export function concerned(
  boxes: readonly BoxRunning[],
  files: readonly BoxFile[],
  targets: readonly KillTarget[],
): BoxRunning[] {
  const isMeant = ({ run, agent }: { run: string; agent: string }) =>
    targets.some(({ kind, ...one }) => kind === "all" || ("name" in one && one.name === (kind === "run" ? run : agent)))
  const runs = new Set([...files, ...boxes.map(({ found }) => found)].filter(isMeant).map(({ run }) => run))
  // A child has its file later than its parent, but nothing rests on that.
  for (let before = -1; before !== runs.size; ) {
    before = runs.size
    for (const { run, parent } of files) if (parent !== undefined && runs.has(parent)) runs.add(run)
  }
  return boxes.filter(({ found }) => runs.has(found.run))
}

/** Runs whose owner still lives: they end by themselves, now that their box is gone, or never get one. */
export function endingRuns(ctx: Pick<Context, "env">, targets: readonly KillTarget[]): BoxFile[] {
  const files = listBoxFiles(ctx).boxes.filter(({ owner }) => isOwnerAlive(owner))
  const runs = new Set(concerned(files.map(asFound), files, targets).map(({ found }) => found.run))
  return files.filter(({ run }) => runs.has(run))
}

const asFound = ({ run, agent, engine }: BoxFile) =>
  ({ found: { run, agent, engine, handle: "", state: "running" } }) as unknown as BoxRunning

const later = ({ found, frozen, killed, removed, problem }: StoppedBox, ms: number): StoppedBox => ({
  found,
  ...(frozen !== undefined && { frozen: frozen + ms }),
  ...(killed !== undefined && { killed: killed + ms }),
  ...(removed !== undefined && { removed: removed + ms }),
  ...(problem !== undefined && { problem }),
})

/** One line a box: what was tried last, and when it first stood still. */
function newest(boxes: readonly StoppedBox[]): StoppedBox[] {
  const byRun = new Map<string, StoppedBox>()
  for (const box of boxes) {
    const before = byRun.get(box.found.run)
    byRun.set(box.found.run, before?.frozen === undefined ? box : { ...box, frozen: before.frozen })
  }
  return [...byRun.values()]
}

interface Storing {
  written: Promise<Pick<KillOutcome, "stored" | "unstored">>
  close: () => Promise<void>
}

function storeKill(
  ctx: Pick<Context, "env" | "now" | "cwd">,
  targets: readonly KillTarget[],
  order: Order,
  passed: () => number,
): Storing {
  const directory = stateHome(ctx)
  const wait = () =>
    targets.map((target) => writeWaiting(directory, { target, ...order, position: 0 })).find((why) => why !== undefined)
  let store: Store | undefined
  const write = async () => {
    store = await openStore(ctx, { gateway: "kill" })
    await orderKills(store, targets, order, "kill", directory)
    return { stored: passed() }
  }
  const writing = write()
  writing.catch(() => {})
  const settle = async (): Promise<Awaited<Storing["written"]>> => {
    // One that takes long waits on disk meanwhile, so that whoever starts sees it.
    const slow = await Promise.race([
      writing.then(
        () => false,
        () => false,
      ),
      sleep(FIRST_MS, true),
    ])
    if (slow) wait()
    try {
      const late = sleep(STORE_MS).then(() => {
        throw new Error(`the store did not answer within ${STORE_MS / 1000} s`)
      })
      const written = await Promise.race([writing, late])
      if (slow) for (const target of targets) removeWaiting(directory, formatTarget(target))
      return written
    } catch (error) {
      return { unstored: { why: error instanceof Error ? error.message : String(error), waiting: wait() ?? "" } }
    }
  }
  const written = settle()
  const close = async () => {
    const isStored = "stored" in (await written)
    // Earlier ones that waited come along; what is left to derive is the next writer's.
    if (isStored) await takeWaiting(store!, directory, "kill").catch(() => {})
    await Promise.race([store?.close().catch(() => {}), sleep(isStored ? STORE_MS : PAUSE_MS)])
  }
  return { written, close }
}
