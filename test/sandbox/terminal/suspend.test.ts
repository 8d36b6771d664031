// What becomes of boxes when somebody suspends the process that has them.
import { spawn } from "node:child_process"
import { readFileSync } from "node:fs"
import { fileURLToPath } from "node:url"
import { expect, onTestFinished, test } from "vitest"

const SUSPENDED = fileURLToPath(new URL("suspended.ts", import.meta.url))

/** A process that has boxes, each of which takes so many milliseconds to stand still. */
async function start(boxes: (number | null)[]) {
  const child = spawn(process.execPath, [SUSPENDED, JSON.stringify(boxes)], { stdio: ["ignore", "pipe", "inherit"] })
  onTestFinished(() => void child.kill("SIGKILL"))
  let said = ""
  child.stdout.on("data", (chunk: Buffer) => {
    said += String(chunk)
  })
  const lines = () => said.split("\n").slice(1, -1)
  await expect.poll(() => said, { timeout: 10_000 }).toContain("ready\n")
  return {
    lines,
    signal: (name: NodeJS.Signals) => void child.kill(name),
    says: (wanted: string[]) => expect.poll(() => lines().toSorted(), { timeout: 10_000 }).toEqual(wanted),
    stops: () => expect.poll(() => stateOf(child.pid!), { timeout: 10_000 }).toBe("T"),
    state: () => stateOf(child.pid!),
  }
}

const stateOf = (pid: number) => readFileSync(`/proc/${pid}/stat`, "latin1").split(") ").at(-1)![0]

test("the process stops once all of its boxes stand still, and lets each of them go on, every time", async () => {
  const run = await start([0, 300])
  for (const round of [1, 2]) {
    run.signal("SIGTSTP")
    await run.stops()
    await expect.poll(() => run.lines().slice(4 * (round - 1))).toEqual(["0 paused", "1 paused"])
    run.signal("SIGCONT")
    const both = ["0 paused", "0 resumed", "1 paused", "1 resumed"]
    await run.says(both.flatMap((line) => Array.from({ length: round }, () => line)))
  }
})

test("a box that cannot stand still is said, and the process stops all the same", async () => {
  const run = await start([null])
  run.signal("SIGTSTP")
  await run.stops()
  await run.says(["0: the box could not be stopped where it stands (suspended)"])
})

test("a process that is let go on before it stopped does not stop", async () => {
  const run = await start([500])
  run.signal("SIGTSTP")
  // Pressed again it is the same wish.
  run.signal("SIGTSTP")
  await new Promise((resolve) => setTimeout(resolve, 200))
  run.signal("SIGCONT")
  await run.says(["0 paused", "0 resumed"])
  await new Promise((resolve) => setTimeout(resolve, 100))
  expect(run.state()).not.toBe("T")
})
