// A gateway on a disk that is full, that turns read-only, that reports errors: each caller hears of it, nothing acknowledged is lost,
// and as soon as the disk can take it appending goes on.
import { execFileSync, spawnSync } from "node:child_process"
import { join } from "node:path"
import { setTimeout as sleep } from "node:timers/promises"
import { expect, type TestContext, test } from "vitest"
import { emptyHome, testContext } from "../../context.ts"
import { bundleWriter, type Gateway, type Refused, runGateway, startGateway } from "./gateway.ts"
import { mountImage, mountMemory } from "./mounts.ts"
import { expectWhole } from "./record.ts"

const ENVIRONMENT = 5

async function startOn(directory: string, under: readonly string[] = []) {
  const program = await bundleWriter()
  const env = emptyHome({ NANOGUARD_HOME: join(directory, "nanoguard") })
  const ctx = testContext(directory, { env, now: Date.now() })
  const gateway = startGateway({ program, env, name: "gw", atOnce: 8, under })
  await gateway.answered
  return { program, env, ctx, gateway }
}

/** Until the condition holds; the gateway must live. */
async function until(gateway: Gateway, holds: () => boolean): Promise<void> {
  while (!holds()) {
    if (gateway.child.exitCode !== null) throw new Error(`the gateway ended: ${gateway.err()}`)
    await sleep(10)
  }
}

/** Each refusal is one clear error that says what became of the event; nothing else was ever said. */
function expectClear(gateway: Gateway, what: RegExp): void {
  expect(gateway.err()).toBe("")
  const unclear = gateway.refused.filter(({ known, exit, message, hint }: Refused) => {
    const fate = / nothing of it is in the log$| it may be in the log all the same$/.test(message)
    return !known || exit !== ENVIRONMENT || !hint || !fate || !what.test(message)
  })
  expect(unclear).toEqual([])
}

/** Nothing that was refused for certain is in the log. */
function expectRefused(gateway: Gateway, log: readonly { subject: string }[]): void {
  const subjects = new Set(log.map(({ subject }) => subject))
  const surely = gateway.refused.filter(({ message }) => message.endsWith("nothing of it is in the log"))
  expect(surely.filter(({ id }) => subjects.has(id))).toEqual([])
}

async function goOn(gateway: Gateway): Promise<void> {
  const before = gateway.told.length
  await until(gateway, () => gateway.told.length > before + 50)
  gateway.child.kill("SIGTERM")
  await gateway.ended
  expect(gateway.closed()).toBe(true)
}

test("a full disk: every caller hears of it, and as soon as there is room it goes on", async (t) => {
  const memory = mountMemory(t, "2m")
  const { ctx, gateway } = await startOn(memory.directory)
  for (let filled = 1; filled <= 3; filled++) {
    const before = gateway.refused.length
    await until(gateway, () => gateway.refused.length > before + 24)
    memory.resize(`${2 + filled}m`)
    await until(gateway, () => gateway.told.at(-1)!.seq > 0 && gateway.refused.length > before + 24)
  }
  memory.resize("256m")
  await goOn(gateway)
  expectClear(gateway, /the disk is full|the disk reports an error/)
  const { log } = await expectWhole(ctx, gateway.told)
  expectRefused(gateway, log)
  t.annotate(`${gateway.refused.length} refused, ${gateway.told.length} acknowledged`)
})

test("a limit of file size, which needs no rights: the same", async (t: TestContext) => {
  if (spawnSync("prlimit", ["--version"]).error) t.skip("prlimit is missing: apt-get install util-linux")
  const directory = emptyHome()["HOME"]!
  const { ctx, gateway } = await startOn(directory, ["prlimit", "--fsize=2000000:unlimited"])
  await until(gateway, () => gateway.refused.length > 40)
  execFileSync("prlimit", [`--pid=${gateway.child.pid}`, "--fsize=unlimited"])
  await goOn(gateway)
  expectClear(gateway, /the disk is full|the disk reports an error/)
  const { log } = await expectWhole(ctx, gateway.told)
  expectRefused(gateway, log)
  t.annotate(`${gateway.refused.length} refused, ${gateway.told.length} acknowledged`)
})

test("a file system that turns read-only: every caller hears of it, and what was acknowledged is on the device", async (t) => {
  // With a journal Linux 6.18 may answer a sync that waits for it just then with success, and drop it (seen with strace).
  const image = mountImage(t, false)
  const { program, env, ctx, gateway } = await startOn(image.directory)
  await until(gateway, () => gateway.told.length > 100)
  image.abort()
  await until(gateway, () => gateway.refused.length > 40)
  gateway.child.kill("SIGTERM")
  await gateway.ended
  expectClear(gateway, /read-only|the disk reports an error|its disk failed to keep what was written/)
  image.remount()
  const told = await runGateway({ program, env, name: "next", count: 20 })
  const { log } = await expectWhole(ctx, [...gateway.told, ...told])
  expectRefused(gateway, log)
  t.annotate(`${gateway.refused.length} refused, ${gateway.told.length} acknowledged`)
})

test("a device that loses what was written: nothing more is acknowledged, and what was before is on it", async (t) => {
  const image = mountImage(t, true)
  const { program, env, ctx, gateway } = await startOn(image.directory)
  await until(gateway, () => gateway.told.length > 200)
  image.setBroken(true)
  await until(gateway, () => gateway.refused.length > 24)
  image.setBroken(false)
  // The kernel takes everything now, and may have forgotten what it never wrote: whoever acknowledges on top of that may lie.
  const told = gateway.told.length
  await until(gateway, () => gateway.refused.length > 48)
  expect(gateway.told.length).toBe(told)
  gateway.child.kill("SIGKILL")
  await gateway.ended
  expectClear(gateway, /read-only|the disk reports an error|its disk failed to keep what was written/)
  // Only what the device has, not what memory still knew.
  image.remount()
  const next = await runGateway({ program, env, name: "next", count: 20 })
  const { log } = await expectWhole(ctx, [...gateway.told, ...next])
  expectRefused(gateway, log)
  t.annotate(`${gateway.refused.length} refused, ${gateway.told.length} acknowledged`)
})
