// A gate whose record takes nothing, and one that is told of a project of any size.
import { spawn } from "node:child_process"
import { once } from "node:events"
import { readdirSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { expect, it, onTestFinished } from "vitest"
import { gatewayExec } from "../../../src/commands/gateway-exec.ts"
import { temporaryDirectory, testContext } from "../../context.ts"
import { openTestGate, startNpmUpstream } from "../../gateway/gate.ts"

const POLICY = `version: 1
packages:
  rules: [{ id: no-evil, deny: "pkg:npm/evil" }]
  unknown: allow
`

async function open() {
  const upstream = await startNpmUpstream()
  upstream.publish("good", { "1.0.0": {}, "1.0.1": { bytes: Buffer.alloc(2_000_000, "a") } })
  upstream.publish("evil", { "1.0.0": {} })
  return openTestGate({ policy: POLICY, env: { npm_config_registry: upstream.base } })
}

/** The record's file below a directory. */
function findRecord(directory: string): string {
  for (const entry of readdirSync(directory, { recursive: true, encoding: "utf8" }))
    if (entry.endsWith("record.db")) return join(directory, entry)
  throw new Error("there is no record")
}

it("answers 503 and releases nothing while the record takes nothing, and goes on once it does", async () => {
  const gate = await open()
  const paths = ["/npm/good", "/npm/good/-/good-1.0.0.tgz", "/npm/good/-/good-1.0.1.tgz", "/npm/evil/-/evil-1.0.0.tgz"]
  // In the cache by now: what follows is not the upstream's doing.
  for (const path of paths) await (await gate.get(path)).arrayBuffer()
  const before = (await gate.records()).length
  const script = `
    const { DatabaseSync } = require("node:sqlite")
    const db = new DatabaseSync(${JSON.stringify(findRecord(gate.ctx.env["NANOGUARD_HOME"]!))})
    db.exec("PRAGMA busy_timeout=5000; BEGIN EXCLUSIVE; SELECT count(*) FROM events")
    console.log("held")
    setInterval(() => db, 1000)`
  const holder = spawn(process.execPath, ["-e", script], { stdio: ["ignore", "pipe", "ignore"] })
  onTestFinished(() => void holder.kill("SIGKILL"))
  await once(holder.stdout, "data")
  for (const response of await Promise.all(paths.map((path) => gate.get(path)))) {
    expect(response.status).toBe(503)
    expect(response.headers.get("retry-after")).not.toBeNull()
    const text = await response.text()
    expect(text).not.toContain("archive of")
    expect(text.length).toBeLessThan(1_000)
  }
  expect(gate.troubles.length).toBeGreaterThan(0)
  holder.kill("SIGKILL")
  await once(holder, "exit")
  const statuses = await Promise.all(paths.map(async (path) => (await gate.get(path)).status))
  expect(statuses).toEqual([200, 200, 200, 403])
  expect((await gate.records()).length).toBe(before + paths.length)
})

it("runs a command in a project whose lockfile is larger than what a gate is told", async () => {
  const gate = await open()
  const cwd = temporaryDirectory()
  const packages: Record<string, unknown> = { "": { name: "p" } }
  for (let i = 0; i < 90_000; i++) {
    const name = `package-with-a-long-name-${i}`
    const resolved = `https://registry.example/${name}/-/${name}-1.0.0.tgz`
    packages[`node_modules/${name}`] = { version: "1.0.0", resolved, integrity: `sha512-${"A".repeat(86)}==` }
  }
  writeFileSync(join(cwd, "package-lock.json"), JSON.stringify({ name: "p", lockfileVersion: 3, packages }))
  const ctx = testContext(cwd, { env: gate.ctx.env as Record<string, string> })
  expect(await gatewayExec(ctx, [process.execPath, "-e", "process.exit(4)"], {})).toEqual({ exit: 4 })
})
