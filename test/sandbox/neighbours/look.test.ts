// Looks at a workspace: one at a time where they disturb each other, and boxes that can write there stand still.
import { spawn } from "node:child_process"
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from "node:fs"
import { join } from "node:path"
import { setTimeout as sleep } from "node:timers/promises"
import { expect, onTestFinished, test, vi } from "vitest"
import { stateHome } from "../../../src/home.ts"
import { boxDirectory } from "../../../src/sandbox/box-directory.ts"
import { listBoxFiles } from "../../../src/sandbox/boxes.ts"
import { createHand } from "../../../src/sandbox/hand.ts"
import { NeighbourBusy } from "../../../src/sandbox/neighbours/busy.ts"
import { claimPlaces } from "../../../src/sandbox/neighbours/claims.ts"
import { openLook } from "../../../src/sandbox/neighbours/look.ts"
import { markKilled } from "../../../src/sandbox/neighbours/questions.ts"
import { answerNeighbours, askStill } from "../../../src/sandbox/neighbours/still.ts"
import { processStart } from "../../../src/sandbox/owner.ts"
import { planOverlays } from "../../../src/sandbox/workspace/overlays.ts"
import { nothingFound } from "../../../src/sandbox/workspace/walk.ts"
import { emptyHome, temporaryDirectory, testContext } from "../../context.ts"
import { deadOwner, keepBox, processEngine, runId } from "../process-engine.ts"

const RUN = runId(7)

/** A box that works in `/p/app` and answers. */
function livingBox(broken: Record<string, string> = {}) {
  const ctx = testContext(temporaryDirectory())
  const engine = processEngine()
  for (const [method, why] of Object.entries(broken)) engine.broken.set(method, why)
  engine.start(RUN, "alpha")
  const file = keepBox(ctx, RUN, "alpha", { writes: ["/p/app"] })
  const hand = createHand(ctx, engine, { run: RUN, agent: "alpha" })
  const answering = answerNeighbours(ctx, RUN, hand)
  onTestFinished(answering.close)
  return { ctx, engine, file, hand, answering, state: () => engine.stateOf(RUN) }
}

test.each(["/p/app", "/p", "/p/app/sub/dir"])(
  "a box stands still while %s is looked at, and goes on after",
  async (place) => {
    const { ctx, state } = livingBox()
    const look = await openLook(ctx, { places: [place], alone: false })
    expect(look.holdsOthers).toBe(true)
    // A signal arrives a moment after it was sent.
    await expect.poll(state).toBe("T")
    const second = await openLook(ctx, { places: [place], alone: false })
    look.close()
    await sleep(100)
    expect(state()).toBe("T")
    second.close()
    await expect.poll(state).toBe("S")
  },
)

test("a look at another directory, and that of the box itself, leave it be", async () => {
  const { ctx, engine } = livingBox()
  const looks = [{ places: ["/p/application"] }, { places: ["/p/app"], run: RUN }]
  for (const look of looks) {
    const opened = await openLook(ctx, { ...look, alone: false })
    expect(opened.holdsOthers).toBe(false)
    opened.close()
  }
  expect(engine.asked.filter((one) => one.startsWith("freeze"))).toEqual([])
})

test("what a killed run left behind is cleaned up by the next look, wherever that is", async () => {
  const { ctx } = livingBox()
  const work = temporaryDirectory({ "made/.keep": "", empty: "" })
  const left = {
    owner: await deadOwner(),
    writes: [work],
    leftovers: [{ kind: "empty-file" as const, path: join(work, "empty") }],
  }
  keepBox(ctx, runId(8), "lost", left)
  // A start that works nowhere on the host does, too.
  const opened = await openLook(ctx, { places: [], alone: false })
  opened.close()
  expect(opened.notes).toEqual([])
  expect(readdirSync(work)).toEqual(["made"])
  expect(listBoxFiles(ctx).boxes.map(({ run }) => run)).toEqual([RUN])
})

test("what was left behind and cannot be ended is in the way where it may write, and nowhere else", async () => {
  const bin = temporaryDirectory()
  writeFileSync(join(bin, "podman"), `#!/bin/sh\necho "$*" >>${bin}/asked\nexit 1\n`)
  chmodSync(join(bin, "podman"), 0o755)
  const ctx = testContext(temporaryDirectory(), { env: emptyHome({ PATH: bin }) })
  keepBox(ctx, runId(8), "lost", { owner: await deadOwner(), writes: ["/q/app"], engine: "podman" })
  const opened = await openLook(ctx, { places: ["/p/application"], alone: false })
  opened.close()
  expect(opened.notes).toEqual([])
  await expect(openLook(ctx, { places: ["/q/app"], alone: false })).rejects.toThrow("left behind")
  // Nor are starts elsewhere kept waiting by its engine again and again.
  const asked = readFileSync(join(bin, "asked"), "utf8")
  for (const places of [["/p/application"], []]) (await openLook(ctx, { places, alone: false })).close()
  expect(readFileSync(join(bin, "asked"), "utf8")).toBe(asked)
  expect(listBoxFiles(ctx).boxes.map(({ run }) => run)).toEqual([runId(8)])
})

test("a box whose file cannot be read is in the way for as long as it runs, and not after", async () => {
  const env = emptyHome({ PATH: temporaryDirectory(), DOCKER_HOST: "unix:///nowhere/docker.sock" })
  const ctx = testContext(temporaryDirectory(), { env })
  keepBox(ctx, RUN, "alpha", { writes: ["/p/app"] })
  const directory = boxDirectory(ctx, RUN)
  writeFileSync(join(directory, "box.json"), "x".repeat(1024 * 1024 + 1))
  // As a launch that has not begun yet.
  const [boot, up] = ["sys/kernel/random/boot_id", "uptime"].map((name) => readFileSync(`/proc/${name}`, "utf8"))
  const ticks = Math.floor(Number(up!.split(" ")[0]) * 100)
  const launch = { boot: boot!.trim(), ticks, cgroup: { version: 1, directories: {} } }
  writeFileSync(join(directory, "bubblewrap.json"), JSON.stringify(launch))
  await expect(openLook(ctx, { places: ["/p/app"], alone: false })).rejects.toBeInstanceOf(NeighbourBusy)
  rmSync(join(directory, "bubblewrap.json"))
  const look = await openLook(ctx, { places: ["/p/app"], alone: false })
  look.close()
})

test("a question without a name, as a process that was killed leaves it, stops nobody", async () => {
  const { ctx, engine } = livingBox()
  writeFileSync(join(boxDirectory(ctx, RUN), "still", "ask-0mf-000000000000"), "")
  await sleep(700)
  expect(engine.asked.filter((one) => one.startsWith("freeze"))).toEqual([])
  expect(readdirSync(join(boxDirectory(ctx, RUN), "still"))).toEqual([])
})

test("what else has a box stand still is not undone by the end of a look", async () => {
  const { ctx, hand, state } = livingBox()
  const look = await openLook(ctx, { places: ["/p/app"], alone: true })
  await hand.freeze("gate-gone")
  look.close()
  await sleep(200)
  expect(state()).toBe("T")
  await hand.thaw("gate-gone")
  await expect.poll(state).toBe("S")
})

test("a box that cannot be let go on at once is let go on later", async () => {
  const ctx = testContext(temporaryDirectory())
  keepBox(ctx, RUN, "alpha", { writes: ["/p/app"] })
  const asked: string[] = []
  const hand = {
    freeze: async () => void asked.push("freeze"),
    thaw: async () => {
      asked.push("thaw")
      if (asked.length < 4) throw new Error("busy")
    },
  }
  const answering = answerNeighbours(ctx, RUN, hand)
  onTestFinished(answering.close)
  const look = await openLook(ctx, { places: ["/p/app"], alone: true })
  look.close()
  await expect.poll(() => asked, { timeout: 5000 }).toEqual(["freeze", "thaw", "thaw", "thaw"])
  await sleep(700)
  expect(asked).toHaveLength(4)
})

test("a box that is being killed is not let go on by the end of a look", async () => {
  const { ctx, state } = livingBox()
  const look = await openLook(ctx, { places: ["/p/app"], alone: true })
  const unmark = markKilled(ctx, [RUN])
  look.close()
  await sleep(300)
  expect(state()).toBe("T")
  unmark()
  await expect.poll(state).toBe("S")
})

test("a box goes on after who asked was killed", async () => {
  const { ctx, state } = livingBox()
  const other = spawn("sleep", ["60"], { stdio: "ignore" })
  const owner = { pid: other.pid!, start: processStart(other.pid!)! }
  writeFileSync(join(boxDirectory(ctx, RUN), "still/ask-other-1"), JSON.stringify(owner))
  await expect.poll(state).toBe("T")
  other.kill("SIGKILL")
  await expect.poll(state, { timeout: 5000 }).toBe("S")
  expect(readdirSync(join(boxDirectory(ctx, RUN), "still")).filter((name) => !name.includes("."))).toEqual([])
})

test("a box that cannot be stopped, or whose run does not answer, is said and refused", async () => {
  const { ctx } = livingBox({ freeze: "no such thing" })
  await expect(openLook(ctx, { places: ["/p/app"], alone: true })).rejects.toThrow(/cannot stop it where it stands/)
  const silent = testContext(temporaryDirectory())
  const file = keepBox(silent, RUN, "alpha", { writes: ["/p/app"] })
  await expect(askStill(silent, [file], "x-1", 50)).rejects.toBeInstanceOf(NeighbourBusy)
})

test("a question and its box may make the place for it at once, and nobody makes it for a box that is being removed", async () => {
  const ctx = testContext(temporaryDirectory())
  const file = keepBox(ctx, RUN, "alpha", { writes: ["/p/app"] })
  const still = join(boxDirectory(ctx, RUN), "still")
  // Not there for who writes into it, and there for who makes it a moment later.
  symlinkSync("/nowhere/at/all", still)
  await expect(askStill(ctx, [file], "x-1", 50)).rejects.toBeInstanceOf(NeighbourBusy)
  rmSync(still)
  mkdirSync(still, { mode: 0o700 })
  const answering = answerNeighbours(ctx, RUN, { freeze: async () => {}, thaw: async () => {} })
  // Heard at once, and not by the clock alone.
  const release = await askStill(ctx, [file], "x-2", 300)
  release()
  answering.close()
  for (const path of [still, join(boxDirectory(ctx, RUN), "box.json")]) rmSync(path, { recursive: true })
  await askStill(ctx, [file], "x-3", 50)
  expect(readdirSync(boxDirectory(ctx, RUN))).toEqual([])
})

test("a box that is over is waited for no more", async () => {
  const { ctx, answering, state } = livingBox({ freeze: "gone" })
  answering.over()
  const look = await openLook(ctx, { places: ["/p/app"], alone: true })
  expect(state()).toBe("S")
  look.close()
})

test("looks that disturb each other come one after the other, others at once", async () => {
  const ctx = testContext(temporaryDirectory())
  let inside = 0
  let most = 0
  const one = async (place: string) => {
    const { release } = await claimPlaces(ctx, { places: [place], alone: true }, 20_000)
    most = Math.max(most, ++inside)
    await sleep(3)
    inside--
    release()
  }
  await Promise.all(Array.from({ length: 12 }, (_, at) => one(at % 2 === 0 ? "/p" : "/p/app")))
  expect(most).toBe(1)
  const shared = await claimPlaces(ctx, { places: ["/p"], alone: false }, 1000)
  const elsewhere = await claimPlaces(ctx, { places: ["/q"], alone: true }, 1000)
  const beside = await claimPlaces(ctx, { places: ["/p/app"], alone: false }, 1000)
  await expect(claimPlaces(ctx, { places: ["/p/app"], alone: true }, 30)).rejects.toThrow(/too long/)
  for (const { release } of [shared, elsewhere, beside]) release()
})

test("what is held for long is renewed, for those who cannot see who holds it", async () => {
  const ctx = testContext(temporaryDirectory())
  const file = keepBox(ctx, RUN, "alpha", { writes: ["/p/app"] })
  const answering = answerNeighbours(ctx, RUN, { freeze: async () => {}, thaw: async () => {} })
  onTestFinished(answering.close)
  vi.useFakeTimers({ toFake: ["setInterval", "clearInterval"] })
  onTestFinished(() => void vi.useRealTimers())
  const { release, name } = await claimPlaces(ctx, { places: ["/p"], alone: true }, 1000)
  const goOn = await askStill(ctx, [file], name, 5000)
  const looks = join(stateHome(ctx), "looks")
  const held = [join(looks, `${name}.has`), join(boxDirectory(ctx, RUN), "still", `ask-${name}`)]
  const ages = () => held.map((path) => Math.round((Date.now() - statSync(path).mtimeMs) / 1000) > 60)
  const ago = new Date(Date.now() - 110_000)
  for (const path of held) utimesSync(path, ago, ago)
  expect(ages()).toEqual([true, true])
  vi.advanceTimersByTime(30_000)
  expect(ages()).toEqual([false, false])
  goOn()
  release()
  vi.advanceTimersByTime(30_000)
  expect([...held.map((path) => existsSync(path)), vi.getTimerCount()]).toEqual([false, false, 0])
})

test("whoever waits for another look need not wait any longer", async () => {
  const { ctx } = livingBox()
  const held = await openLook(ctx, { places: ["/q/app"], alone: true })
  const stop = new AbortController()
  const waiting = openLook(ctx, { places: ["/q/app"], alone: true, interrupted: stop.signal })
  stop.abort(new Error("enough"))
  await expect(waiting).rejects.toThrow("enough")
  held.close()
  // Nor does who gave up stand in anybody's way.
  const next = await openLook(ctx, { places: ["/q/app"], alone: true })
  next.close()
})

test("no mount point is made through a link", () => {
  const elsewhere = temporaryDirectory({ "keep.txt": "" })
  const root = temporaryDirectory({ "a.txt": "" })
  symlinkSync(elsewhere, join(root, "d"))
  const user = { uid: process.getuid?.() ?? 0, gid: process.getgid?.() ?? 0 }
  let points: readonly string[] = []
  planOverlays({
    claim: (all) => {
      points = all
    },
    root,
    found: nothingFound(),
    protect: ["d/guard"],
    included: [],
    named: ["d/keep.txt"],
    user,
    others: [],
  })
  expect(readdirSync(elsewhere)).toEqual(["keep.txt"])
  expect(points.some((path) => path.endsWith("/guard"))).toBe(false)
})
