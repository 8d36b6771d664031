// What an export refuses to write, and what it clears away.
import { spawnSync } from "node:child_process"
import { existsSync, utimesSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { expect, test } from "vitest"
import { auditExport } from "../../src/commands/audit-export.ts"
import { sampleEvents, sealSamples } from "../audit/events.ts"
import { writeBodies } from "../audit/verify-log.ts"
import { emptyHome, NOW, temporaryDirectory, testContext } from "../context.ts"
import { recordEvents } from "./record.ts"

test("a record that no verifier would accept is named, with the way round it, and no file appears", async () => {
  const ctx = testContext(temporaryDirectory(), { env: emptyHome() })
  const { bodies, people } = sealSamples(sampleEvents(3, 20))
  // The same record in other spelling: somebody wrote it into the table without `append`.
  const spelled = [...bodies]
  spelled[11] = JSON.stringify(JSON.parse(bodies[11]!), null, 1)
  await writeBodies(join(ctx.env["NANOGUARD_HOME"]!, "state"), spelled, people, [20])
  await expect(auditExport(ctx, { output: "all.ndjson" })).rejects.toMatchObject({
    message: expect.stringMatching(/^record 12 is none/),
    hint: expect.stringContaining("--to 11 and with --from 13"),
    exit: 1,
  })
  expect(existsSync(join(ctx.cwd, "all.ndjson"))).toBe(false)
  expect((await auditExport(ctx, { output: "before.ndjson", to: "11" })).exit).toBe(0)
  expect((await auditExport(ctx, { output: "after.ndjson", from: "13" })).exit).toBe(0)
})

test("drafts of exports that were killed are removed, and no others", async () => {
  const ctx = (await recordEvents(5, [5])).context()
  const { pid } = spawnSync(process.execPath, ["-e", "0"])
  const draft = (id: number, name = "out.ndjson") => join(ctx.cwd, `${name}.${id}-0123456789ab.tmp`)
  const old = NOW / 1000 - 2 * 86_400 * 365
  const files = {
    dead: draft(pid),
    alive: draft(process.pid),
    other: draft(pid, "other.ndjson"),
    strange: join(ctx.cwd, "out.ndjson.tmp"),
  }
  for (const file of Object.values(files)) {
    writeFileSync(file, "x")
    utimesSync(file, old, old)
  }
  await auditExport(ctx, { output: "out.ndjson" })
  expect(Object.entries(files).flatMap(([name, file]) => (existsSync(file) ? [name] : []))).toEqual([
    "alive",
    "other",
    "strange",
  ])
  writeFileSync(files.dead, "a writer on another host may still be at it")
  await auditExport(ctx, { output: "out.ndjson" })
  expect(existsSync(files.dead)).toBe(true)
})
