// The wrapper: what a command behind it leaves to others, and what it cannot keep.
import { readdirSync, readFileSync, statSync } from "node:fs"
import { join } from "node:path"
import { describe, expect, it } from "vitest"
import { gatewayExec } from "../../src/commands/gateway-exec.ts"
import { temporaryDirectory, testContext } from "../context.ts"
import { openTestGate, startNpmUpstream, type TestGate } from "../gateway/gate.ts"

const POLICY = "version: 1\npackages: { unknown: allow }\n"

async function open() {
  const upstream = await startNpmUpstream()
  upstream.publish("good", { "1.0.0": {} })
  const gate = await openTestGate({ policy: POLICY, env: { npm_config_registry: upstream.base } })
  const cwd = temporaryDirectory()
  const ctx = testContext(cwd, { env: gate.ctx.env as Record<string, string> })
  const run = (script: string, ...args: string[]) => gatewayExec(ctx, [process.execPath, "-e", script, ...args], {})
  return { gate, cwd, ctx, run }
}

const TELL = `require("fs").writeFileSync("told.json", JSON.stringify({ env: process.env,
  argv: require("fs").readFileSync("/proc/self/cmdline", "latin1"), parent: require("fs").readFileSync("/proc/" + process.ppid + "/cmdline", "latin1") }))`

const status = async (gate: TestGate, token: string) =>
  (await gate.get("/npm/good", { authorization: `Bearer ${token}` })).status

/** All files below a directory. */
function filesBelow(directory: string): string[] {
  return readdirSync(directory, { withFileTypes: true }).flatMap((entry) => {
    const path = join(directory, entry.name)
    return entry.isDirectory() ? [path, ...filesBelow(path)] : [path]
  })
}

describe("a command behind the gate", () => {
  it("gets its token where other users do not look, and keeps it for as long as it runs", async () => {
    const { gate, cwd, ctx, run } = await open()
    expect(await run(TELL)).toEqual({ exit: 0 })
    const told = JSON.parse(readFileSync(join(cwd, "told.json"), "utf8"))
    const token = String(told.env.NANOGUARD_TOKEN)
    expect(token).toMatch(/^ngt_/)
    expect(told.argv + told.parent).not.toContain("ngt_")
    // A child that stays behind has a token that is nobody's.
    expect(await status(gate, token)).toBe(401)
    const clients = join(String(ctx.env["NANOGUARD_HOME"]))
    for (const path of filesBelow(clients)) {
      const stats = statSync(path)
      if (/clients|control/.test(path)) expect(stats.mode & 0o077, path).toBe(0)
      if (stats.isFile() && stats.size < 100_000) expect(readFileSync(path, "latin1"), path).not.toContain(token)
    }
    expect(ctx.err() + ctx.out()).not.toContain("ngt_")
  })

  it("has its own exit code passed on, a signal's too, and where the gate died meanwhile", async () => {
    const { gate, ctx, run } = await open()
    expect(await run("process.exit(7)")).toEqual({ exit: 7 })
    expect(await run("process.kill(process.pid, 'SIGKILL')")).toEqual({ exit: 137 })
    const late = run("setTimeout(() => process.exit(3), 400)")
    await new Promise((resolve) => setTimeout(resolve, 200))
    await gate.close()
    expect(await late).toEqual({ exit: 3 })
    expect(ctx.err()).toContain("no gateway is running here")
  })

  it("that does not exist leaves no token behind", async () => {
    const { gate, ctx } = await open()
    const before = (await gate.status()).runs
    expect((await gatewayExec(ctx, ["no-such-command-here"], {})).exit).toBe(125)
    expect((await gate.status()).runs).toBe(before)
  })
})
