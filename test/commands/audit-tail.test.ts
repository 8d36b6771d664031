import { spawn } from "node:child_process"
import { once } from "node:events"
import { resolve } from "node:path"
import { Kysely } from "kysely"
import { describe, expect, test, vi } from "vitest"
import type { NewEvent } from "../../src/audit/types.ts"
import { auditTail } from "../../src/commands/audit-tail.ts"
import { EXIT, NanoguardError } from "../../src/errors.ts"
import type { Tables } from "../../src/store/schema.ts"
import { sqliteDialect } from "../../src/store/sqlite/dialect.ts"
import { openRecord } from "../../src/store/sqlite/record.ts"
import { approvalEvent, EPOCH, packageEvent, plainEvent, sealSamples } from "../audit/events.ts"
import { run, type TestLog, tamper } from "../audit/verify-log.ts"
import { emptyHome, temporaryDirectory, testContext } from "../context.ts"
import { recordEvents } from "./record.ts"

/** Adds events to a record that others read. */
async function appendTo({ directory }: TestLog, events: readonly NewEvent[]): Promise<void> {
  const connection = await openRecord(directory)
  const db = new Kysely<Tables>({ dialect: sqliteDialect(connection, directory) })
  const { bodies, people } = sealSamples(events)
  for (const person of people)
    await db
      .insertInto("people")
      .values(person)
      .onConflict((conflict) => conflict.doNothing())
      .execute()
  const last = await db
    .selectFrom("events")
    .select(({ fn }) => fn.max("seq").as("seq"))
    .executeTakeFirst()
  for (const [i, body] of bodies.entries())
    await db
      .insertInto("events")
      .values({ seq: Number(last?.seq ?? 0) + 1 + i, body })
      .execute()
  connection.close()
}

const seqsOf = (text: string) =>
  text
    .split("\n")
    .filter(Boolean)
    .map((line) => Number.parseInt(line, 10))

async function errorOf(work: Promise<unknown>): Promise<NanoguardError> {
  const error = await work.then(
    () => undefined,
    (thrown: unknown) => thrown,
  )
  expect(error).toBeInstanceOf(NanoguardError)
  return error as NanoguardError
}

test("a log that ends before what was known of it is shown, and that is said", async () => {
  const { context, log } = await recordEvents(6, [5])
  const whole = context()
  await auditTail(whole, {})
  expect(whole.err()).toBe("")
  tamper(log, run("DELETE FROM events WHERE seq > 3"))
  const cut = context()
  expect((await auditTail(cut, {})).exit).toBe(EXIT.ok)
  expect(seqsOf(cut.out())).toEqual([1, 2, 3])
  expect(cut.err()).toMatch(
    /^the log ends with record 3, and had 6: records are gone\nhint: run `nanoguard audit verify`/,
  )
})

describe("what is printed", () => {
  test("the last 20, oldest first, a line each, with what was decided and by whom", async () => {
    const { context } = await recordEvents([
      ...Array.from({ length: 20 }, () => packageEvent()),
      packageEvent("event-stream", "3.3.6", { effect: "deny", agent: "bot", time: EPOCH, by: ["ana@acme.example"] }),
      approvalEvent({ agent: "bot" }),
      plainEvent("sandbox.ended"),
    ])
    const ctx = context()
    expect(await auditTail(ctx)).toEqual({ exit: EXIT.ok })
    expect(seqsOf(ctx.out())).toEqual(Array.from({ length: 20 }, (_, n) => n + 4))
    const lines = ctx.out().split("\n")
    expect(lines.at(-4)).toMatch(
      /^ +21 {2}2026-11-01 00:00:00Z {2}bot +deny +vulnerability\.severity +pkg:npm\/event-stream@3\.3\.6 +refused +by ana@acme\.example$/,
    )
    expect(lines.at(-3)).toMatch(/^ +22 .* bot +- +approval\.granted .* by ana@acme\.example$/)
    expect(lines.at(-2)).toMatch(/^ +23 .*- +- +sandbox\.ended +sandbox ended$/)
  })

  test("what the options choose, from the newest back", async () => {
    const { context } = await recordEvents(300)
    const ctx = context()
    await auditTail(ctx, { lines: "5", effect: "deny", agent: "codex-2" })
    const shown = ctx.out().split("\n").filter(Boolean)
    expect(shown).toHaveLength(5)
    for (const line of shown) expect(line).toMatch(/codex-2 +deny /)
    const json = context()
    await auditTail(json, { lines: "5", effect: "deny", agent: "codex-2", format: "json" })
    const { schema, records } = JSON.parse(json.out())
    expect(schema).toBe("nanoguard.audit-tail/1")
    expect(records.map(({ seq }: { seq: number }) => seq)).toEqual(seqsOf(ctx.out()))
    expect(records[0].record.verdict.effect).toBe("deny")
    expect(records[0].people).toEqual({ [records[0].record.operator]: "ben@acme.example" })
    const lines = context()
    await auditTail(lines, { lines: "5", effect: "deny", agent: "codex-2", format: "ndjson" })
    expect(
      lines
        .out()
        .trimEnd()
        .split("\n")
        .map((line) => JSON.parse(line)),
    ).toEqual(records)
  })

  test("--since is of the clock: two hours, a day, an instant", async () => {
    const { context } = await recordEvents(
      Array.from({ length: 6 }, (_, n) => packageEvent("x", "1.0.0", { time: EPOCH + n * 3_600_000 })),
    )
    const now = EPOCH + 6 * 3_600_000
    for (const [since, seqs] of [
      ["2h", [5, 6]],
      ["2026-11-01", [1, 2, 3, 4, 5, 6]],
      ["2026-11-01T03:30:00Z", [5, 6]],
      ["2026-11-02", []],
    ] as const) {
      const ctx = context({ now })
      expect(await auditTail(ctx, { since })).toEqual({ exit: EXIT.ok })
      expect(seqsOf(ctx.out())).toEqual(seqs)
      expect(ctx.err()).toBe(seqs.length > 0 ? "" : "no record is like that, out of 6\n")
    }
  })

  test("on a terminal no line is wider than it, and the subject is what gives way", async () => {
    const wide = "全角".repeat(60)
    const { context } = await recordEvents([
      packageEvent("x".repeat(200), "1.0.0", { agent: "a" }),
      plainEvent("policy.adopted", { subject: wide }),
    ])
    for (const terminal of [60, 100, 200]) {
      const ctx = context({ terminal })
      await auditTail(ctx, {})
      for (const line of ctx.out().split("\n"))
        expect(line.replace(/[\u4e00-\u9fff]/g, "ww").length).toBeLessThanOrEqual(terminal)
      if (terminal >= 100) expect(ctx.out()).toContain("released")
    }
  })

  test("a person who was erased is nobody", async () => {
    const { context, log } = await recordEvents([approvalEvent()])
    const connection = await openRecord(log.directory)
    connection.exec("DELETE FROM people")
    connection.close()
    const ctx = context()
    await auditTail(ctx)
    expect(ctx.out()).toMatch(/by erased\n$/)
    const json = context()
    await auditTail(json, { format: "json" })
    expect(Object.values(JSON.parse(json.out()).records[0].people)).toEqual([null, null])
    expect(json.out()).not.toContain("ana@")
  })
})

describe("what cannot be", () => {
  test("no record: who writes one, and exit 5; an empty one: exit 3", async () => {
    const none = await errorOf(auditTail(testContext(temporaryDirectory(), { env: emptyHome() })))
    expect(none).toMatchObject({ exit: EXIT.environment, message: "there is no record here yet" })
    const { context } = await recordEvents([])
    expect(await errorOf(auditTail(context()))).toMatchObject({
      exit: EXIT.nothingChecked,
      message: "the record is empty",
    })
  })

  test.each([
    [{ follow: true, format: "json" as const }, /would never end/],
    [{ lines: "0" }, /--lines/],
    [{ lines: "1e3" }, /--lines/],
    [{ lines: "100001" }, /--lines/],
    [{ since: "yesterday" }, /--since/],
  ])("%j is a usage error", async (options, message) => {
    const { context } = await recordEvents([packageEvent()])
    const error = await errorOf(auditTail(context(), options))
    expect(error.exit).toBe(EXIT.usage)
    expect(error.message).toMatch(message)
  })
})

describe("--follow", () => {
  test("prints what others commit, as chosen, until it is ended", async () => {
    const { context, log } = await recordEvents([packageEvent("x", "1.0.0", { agent: "a" })])
    const ctx = context()
    const ended = new AbortController()
    const done = auditTail(ctx, { follow: true, agent: "a", format: "ndjson" }, ended.signal)
    await vi.waitFor(() => expect(ctx.out()).not.toBe(""))
    await appendTo(log, [packageEvent("y", "1.0.0", { agent: "b" }), packageEvent("z", "1.0.0", { agent: "a" })])
    await vi.waitFor(() => expect(ctx.out().split("\n")).toHaveLength(3), { timeout: 10_000 })
    await appendTo(
      log,
      Array.from({ length: 150 }, () => packageEvent("w", "1.0.0", { agent: "a" })),
    )
    await vi.waitFor(() => expect(ctx.out().split("\n")).toHaveLength(153), { timeout: 10_000 })
    ended.abort()
    expect(await done).toEqual({ exit: EXIT.ok })
    const seqs = ctx
      .out()
      .trimEnd()
      .split("\n")
      .map((line) => JSON.parse(line).seq)
    expect(seqs).toEqual([1, 3, ...Array.from({ length: 150 }, (_, n) => n + 4)])
  })

  test("ends when nobody reads any more", async () => {
    const { context } = await recordEvents([packageEvent()])
    const ctx = context()
    ctx.stdout.on("error", () => {})
    const done = auditTail(ctx, { follow: true })
    await vi.waitFor(() => expect(ctx.out()).not.toBe(""))
    ctx.stdout.destroy(Object.assign(new Error("write EPIPE"), { code: "EPIPE" }))
    expect(await done).toEqual({ exit: EXIT.ok })
  })

  const script = `
    import { auditTail } from ${JSON.stringify(resolve("src/commands/audit-tail.ts"))}
    import { processContext } from ${JSON.stringify(resolve("src/context.ts"))}
    process.stdout.on("error", () => {})
    process.exitCode = (await auditTail(processContext(), { follow: true })).exit
  `

  test.each(["SIGINT", "SIGTERM"] as const)("%s ends a process cleanly", async (signal) => {
    const { env } = await recordEvents([packageEvent()])
    const child = spawn(process.execPath, ["--input-type=module", "-e", script], { env: { ...env, NO_COLOR: "1" } })
    await once(child.stdout, "data")
    child.kill(signal)
    expect(await once(child, "exit")).toEqual([0, null])
  })

  test("a pipe that closes ends a process cleanly, without another word", async () => {
    const { env, log } = await recordEvents([packageEvent()])
    const child = spawn(process.execPath, ["--input-type=module", "-e", script], { env: { ...env, NO_COLOR: "1" } })
    let complaints = ""
    child.stderr.on("data", (chunk) => {
      complaints += chunk
    })
    await once(child.stdout, "data")
    child.stdout.destroy()
    await appendTo(log, [packageEvent()])
    expect(await once(child, "exit")).toEqual([0, null])
    expect(complaints).toBe("")
  })
})
