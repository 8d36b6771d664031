import { cpSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { describe, expect, it } from "vitest"
import { listSegments, segmentName } from "../../../src/audit/archive/format.ts"
import { auditArchive } from "../../../src/commands/audit-archive.ts"
import { emptyHome, temporaryDirectory, testContext } from "../../context.ts"
import { EPOCH, sampleEvents } from "../events.ts"
import { copyLog, verify, writeLog } from "../verify-log.ts"

async function newHome(count: number, sizes: readonly number[] = [count]) {
  const ctx = testContext(temporaryDirectory(), { env: emptyHome({ USER: "officer" }) })
  const log = await writeLog(join(ctx.env["NANOGUARD_HOME"]!, "state"), sampleEvents(4, count), sizes)
  return { ctx, log, to: join(temporaryDirectory(), "archive") }
}

/** The time of the record with this sequence number, as a date of `--before`. */
const timeOf = (seq: number) => new Date(EPOCH + (seq - 1) * 1000).toISOString()

describe("verification with an archive", () => {
  it("notices what was changed, swapped or taken out of it", async () => {
    const { ctx, log, to } = await newHome(300)
    for (const seq of [101, 201]) await auditArchive(ctx, { to, before: timeOf(seq), yes: true, gzip: false })
    const [first, second] = listSegments(to)
    const lines = readFileSync(second!.path, "utf8").split("\n")
    const tampered = join(temporaryDirectory(), "tampered")
    cpSync(to, tampered, { recursive: true })
    writeFileSync(
      join(tampered, second!.path.split("/").at(-1)!),
      lines.with(5, lines[5]!.replace("gateway-1", "gateway-2")).join("\n"),
    )
    const report = await verify(log, { archive: tampered })
    expect(report.intact).toBe(false)
    expect(report.problems[0]).toMatchObject({ code: "record.altered", seq: 105 })
    rmSync(join(tampered, first!.path.split("/").at(-1)!))
    renameSync(join(tampered, second!.path.split("/").at(-1)!), join(tampered, segmentName(1, 100, false)))
    expect((await verify(log, { archive: tampered })).intact).toBe(false)
    expect(await verify(copyLog(log), { archive: to })).toMatchObject({ intact: true })
  })
})
