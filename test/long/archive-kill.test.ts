// Archiving processes killed at any moment: nothing that was in the log is in neither place, and another run goes on.
import { spawn } from "node:child_process"
import { once } from "node:events"
import { existsSync } from "node:fs"
import { join } from "node:path"
import { setTimeout as delay } from "node:timers/promises"
import { fileURLToPath } from "node:url"
import { expect, it } from "vitest"
import { listSegments } from "../../src/audit/archive/format.ts"
import { checkSegment, openSegment } from "../../src/audit/archive/read.ts"
import { openFilesForReading } from "../../src/store/sqlite/reader.ts"
import { EPOCH, randomOf, sampleEvents } from "../audit/events.ts"
import { derive, type TestLog, verify, writeLog } from "../audit/verify-log.ts"
import { emptyHome, temporaryDirectory } from "../context.ts"

const ARCHIVER = fileURLToPath(new URL("../audit/archive/archiver.ts", import.meta.url))
const RECORDS = 3000
const KILLS = process.env["NANOGUARD_SAMPLE"] ? 4 : 25

/** Archives in a process of its own, which is killed so many milliseconds after it began; true where it came to its end. */
async function archive(env: NodeJS.ProcessEnv, to: string, killAfter: number): Promise<boolean> {
  const child = spawn(process.execPath, [ARCHIVER, to, String(EPOCH + (RECORDS - 100) * 1000)], {
    env,
    stdio: ["ignore", "pipe", "inherit"],
  })
  const exit = once(child, "exit")
  child.stdout.once("data", () => void delay(killAfter).then(() => child.kill("SIGKILL")))
  const [code] = await exit
  return code === 0
}

async function bodiesInLog(log: TestLog): Promise<Map<number, string>> {
  const reader = await openFilesForReading(log.directory)
  const rows = await reader.db.selectFrom("events").selectAll().execute()
  await reader.close()
  return new Map(rows.map(({ seq, body }) => [seq, body]))
}

it("loses nothing when processes that archive are killed", async () => {
  const seed = Number(process.env["NANOGUARD_SEED"] ?? 1)
  const random = randomOf(seed)
  const env = emptyHome()
  const log = await writeLog(join(env["NANOGUARD_HOME"]!, "state"), sampleEvents(seed, RECORDS), [RECORDS])
  const before = await bodiesInLog(log)
  const to = join(temporaryDirectory(), "archive")
  for (let kill = 0; kill < KILLS; kill++) {
    const finished = await archive(env, to, random() * 400)
    const left = await bodiesInLog(log)
    const archived = new Map<number, string>()
    for (const segment of existsSync(to) ? listSegments(to) : []) {
      await checkSegment(segment)
      let seq = segment.from
      for await (const body of (await openSegment(segment.path)).bodies) archived.set(seq++, body)
    }
    for (const [seq, body] of before) {
      const found = left.get(seq) ?? archived.get(seq)
      if (found !== body) expect.unreachable(`record ${seq} is lost after kill ${kill} (seed ${seed})`)
    }
    if (finished) break
  }
  expect(await archive(env, to, 600_000)).toBe(true)
  await derive(log)
  expect(await verify(log, { archive: to })).toMatchObject({ intact: true, problems: [], archived: RECORDS - 100 })
})
