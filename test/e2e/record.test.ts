// The record as its users meet it: the built CLI, its threads out of the bundle, real files, a real terminal.
import { execFileSync } from "node:child_process"
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync } from "node:fs"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { describe, expect, it, onTestFinished } from "vitest"
import { EPOCH, packageEvent } from "../audit/events.ts"
import { recordEvents } from "../commands/record.ts"
import { temporaryDirectory } from "../context.ts"
import { BIN, nanoguard } from "./nanoguard.ts"
import { hasTmux, openTerminal } from "./terminal.ts"

const VERIFIER = fileURLToPath(new URL("../../scripts/verify-export.py", import.meta.url))

const events = [
  {
    type: "sandbox.started",
    subject: "run r1",
    gateway: "gw",
    agent: "coder",
    run: "r1",
    operator: "ana@acme.example",
  },
  packageEvent("axios", "1.6.0", { effect: "deny", agent: "coder", run: "r1", operator: "ana@acme.example" }),
  packageEvent("axios", "1.12.0", { effect: "allow", agent: "coder", run: "r1", operator: "ana@acme.example" }),
].map((event, n) => ({ ...event, time: EPOCH + 1000 * n }))

/** A record of three events, and the CLI in front of it. */
async function recorded() {
  const { env } = await recordEvents(events, [3])
  const cwd = temporaryDirectory()
  return {
    cwd,
    env,
    state: join(env["NANOGUARD_HOME"]!, "state"),
    run: (...args: string[]) => nanoguard(cwd, args, env),
  }
}

describe("the life of a record", () => {
  it("is asked, signed, published, exported, archived, erased, and verifies after each", async () => {
    const { cwd, env, state, run } = await recorded()
    const tail = await run("audit", "tail", "--effect", "deny")
    expect(tail).toMatchObject({ exit: 0, err: "" })
    expect(tail.out).toMatch(/^ +2 .* coder .* deny .* pkg:npm\/axios@1\.6\.0 .* refused\n$/)
    expect((await run("audit", "show", "2")).out).toContain("proven")
    const who = await run("audit", "inventory", "--touched", "pkg:npm/axios@1.12.0", "--format", "json")
    expect(JSON.parse(who.out)).toMatchObject({ items: [{ name: "pkg:npm/axios", version: "1.12.0" }] })

    // From here on the store is written to: threads out of the bundle.
    const witness = join(cwd, "witness")
    mkdirSync(witness)
    const anchors = { ...env, NANOGUARD_ANCHORS: `dir:${witness}` }
    const published = await nanoguard(cwd, ["audit", "checkpoint", "--publish"], anchors)
    expect(published).toMatchObject({ exit: 0, err: "" })
    const verified = await nanoguard(cwd, ["audit", "verify"], anchors)
    expect(verified).toMatchObject({ exit: 0, err: "" })
    expect(verified.out).toContain("is intact: 3 records")
    expect(verified.out).not.toContain("could have rewritten")

    expect(await run("audit", "export", "--output", "log.ndjson")).toMatchObject({ exit: 0, out: "" })
    expect(statSync(join(cwd, "log.ndjson")).mode & 0o777).toBe(0o600)
    expect(await run("audit", "verify", "--export", "log.ndjson")).toMatchObject({ exit: 0, err: "" })
    expect(execFileSync("python3", [VERIFIER, join(cwd, "log.ndjson")], { encoding: "utf8" })).toContain("3 records")

    const archived = await run("audit", "archive", "--before", "2026-11-02", "--to", "old", "--yes", "--by", "ben")
    expect(archived).toMatchObject({ exit: 0, err: "" })
    expect(readdirSync(join(cwd, "old"))).toHaveLength(1)
    expect((await run("audit", "verify")).out).toContain("2 records archived")
    expect(await run("audit", "verify", "--archive", "old")).toMatchObject({ exit: 0, err: "" })

    expect(await run("audit", "erase", "ana@acme.example", "--yes", "--by", "ben")).toMatchObject({ exit: 0, err: "" })
    expect(readFileSync(join(state, "record.db")).includes("ana@acme.example")).toBe(false)
    expect((await run("audit", "inventory", "agents")).out).toContain("erased")
    expect(await run("audit", "verify", "--archive", "old")).toMatchObject({ exit: 0, err: "" })
    expect((await run("store", "status")).out).toMatch(/records +5, the first 2 archived/)
  })

  it("is noticed to be rewritten: one byte of one record, and every command goes on or says so", async () => {
    const { state, run } = await recorded()
    const file = join(state, "record.db")
    const script = `const { DatabaseSync } = process.getBuiltinModule("node:sqlite")
      const db = new DatabaseSync(${JSON.stringify(file)})
      for (const { name } of db.prepare("select name from sqlite_master where type = 'trigger'").all()) db.exec("drop trigger " + name)
      db.exec("update events set body = replace(body, '1.6.0', '1.6.1') where seq = 2")`
    execFileSync(process.execPath, ["-e", script])
    const { exit, out } = await run("audit", "verify")
    expect(exit).toBe(1)
    expect(out).toMatch(/record 2\b/)
    expect((await run("audit", "show", "2")).exit).toBe(1)
  })

  it("is nowhere until something is written: a sentence and exit 5, and nothing is made by asking", async () => {
    const cwd = temporaryDirectory()
    const home = join(cwd, "home")
    for (const args of [["tail"], ["show", "1"], ["inventory"], ["verify"], ["export"]]) {
      const { exit, out, err } = await nanoguard(cwd, ["audit", ...args], { NANOGUARD_HOME: home })
      expect([args, exit, out]).toEqual([args, 5, ""])
      expect(err).toMatch(/^error: .+\nhint: .+\n$/)
    }
    expect(existsSync(join(home, "state"))).toBe(false)
  })
})

describe("in a terminal", () => {
  it("tail -f shows what comes, until ctrl-c; a reader that leaves ends it", async (ctx) => {
    if (!hasTmux()) return ctx.skip("tmux is missing: apt-get install tmux")
    const { cwd, env, run } = await recorded()
    const cli = `'${process.execPath}' '${BIN}'`
    const terminal = openTerminal(cwd, `${cli} audit tail -f`, env)
    onTestFinished(() => terminal.close())
    await terminal.waitFor("pkg:npm/axios@1.12.0")
    await run("audit", "archive", "--before", "2026-11-02", "--to", "old", "--yes", "--by", "ben")
    await terminal.waitFor("log.archived")
    terminal.press("C-c")
    await terminal.waitFor("[exit 0]")
    const head = openTerminal(cwd, `${cli} audit tail -f | head -1`, env)
    onTestFinished(() => head.close())
    await head.waitFor("pkg:npm/axios@1.12.0")
    await run("audit", "erase", "ana@acme.example", "--yes", "--by", "ben")
    await head.waitFor("[exit 0]")
  })

  it("erase shows what it would do and asks; no is no", async (ctx) => {
    if (!hasTmux()) return ctx.skip("tmux is missing: apt-get install tmux")
    const { cwd, env, run } = await recorded()
    const cli = `'${process.execPath}' '${BIN}'`
    const terminal = openTerminal(cwd, `${cli} audit erase ana@acme.example --by ben`, env)
    onTestFinished(() => terminal.close())
    await terminal.waitFor("Erase this?")
    terminal.press("n", "Enter")
    await terminal.waitFor("[exit 1]")
    expect((await run("audit", "inventory", "agents")).out).toContain("ana@acme.example")
  })
})
