// Boxes without a terminal: what `attachLaunch` does with streams, codes, signals and time. Those with one: test/long/sandbox/terminal.test.ts.

import { type ChildProcessByStdio, spawn } from "node:child_process"
import { createHash } from "node:crypto"
import { once } from "node:events"
import { chmodSync, readFileSync } from "node:fs"
import { join } from "node:path"
import type { Readable, Writable } from "node:stream"
import { fileURLToPath } from "node:url"
import { describe, expect, it, onTestFinished } from "vitest"
import { attachLaunch } from "../../../src/sandbox/terminal/attach.ts"
import { onTerminal } from "../../../src/sandbox/terminal/pty.ts"
import { temporaryDirectory, testContext } from "../../context.ts"

const ATTACHED = fileURLToPath(new URL("attached.ts", import.meta.url))
const CROWDED = fileURLToPath(new URL("crowded.ts", import.meta.url))
const shell = (script: string) => ({ file: "/bin/sh", args: ["-c", script] })

interface Attached extends ChildProcessByStdio<Writable, Readable, Readable> {
  /** Its code and what it printed, as Latin-1. */
  finished: Promise<{ code: number | null; out: string; err: string }>
}

/** Starts a process of its own that attaches `sh -c script` to its streams. */
function attach(script: string, more: object = {}): Attached {
  const given = JSON.stringify({ launch: shell(script), tty: false, ...more })
  const child = spawn(process.execPath, [ATTACHED, given], { stdio: ["pipe", "pipe", "pipe"] })
  let out = ""
  let err = ""
  child.stdout.on("data", (chunk: Buffer) => {
    out += chunk.toString("latin1")
  })
  child.stderr.on("data", (chunk: Buffer) => {
    err += chunk.toString("latin1")
  })
  onTestFinished(() => void child.kill("SIGKILL"))
  const finished = once(child, "close").then(([code]) => ({ code: code as number | null, out, err }))
  return Object.assign(child, { finished })
}

/** What `sh -c script` comes to. */
const attached = (script: string, more?: object) => attach(script, more).finished

describe("a box without a terminal", () => {
  it("reads and writes the streams themselves: not a byte of a pipe is touched", async () => {
    const wild = Buffer.from("\x1b]52;c;aGk=\x07\x00\x9b\xff\x05\x1bc", "latin1")
    const running = attach("cat; printf '\\033]0;title\\007' >&2; exit 3")
    running.stdin.end(wild)
    expect(await running.finished).toEqual({ code: 3, out: wild.toString("latin1"), err: "\x1b]0;title\x07" })
  })

  it("whose stdout a terminal shows passes the filter there; a file or pipe beside it gets everything", async () => {
    const ctx = testContext(temporaryDirectory(), { terminal: 80 })
    const piped = testContext(ctx.cwd)
    const launch = shell("printf '\\033[31mred\\033]0;title\\007 \\033[?25l'; printf 'a\\033]0;b\\007' >&2")
    const options = { tty: false, signal: new AbortController().signal }
    expect(await attachLaunch({ ...ctx, stderr: piped.stderr }, launch, options)).toEqual({ code: 0 })
    expect(ctx.out()).toBe("\x1b[31mred \x1b[?25l\x1b[?25h\r\n\x1b[J\x1b[0m")
    expect(piped.err()).toBe("a\x1b]0;b\x07")
  })

  it("gets what its descriptors are to hold", async () => {
    const big = "x".repeat(90_000)
    const { out } = await attached("cat <&4 | wc -c; cat <&3", { descriptors: ["three", big] })
    expect(out).toMatch(/^\s*90000\nthree$/)
  })

  it("passes much on, whole", async () => {
    const ctx = testContext(temporaryDirectory(), { terminal: 80 })
    const launch = shell("seq 1 200000")
    await attachLaunch(ctx, launch, { tty: false, signal: new AbortController().signal })
    const expected = Array.from({ length: 200_000 }, (_, index) => `${index + 1}\n`).join("")
    expect(createHash("sha256").update(ctx.out()).digest("hex")).toBe(
      createHash("sha256").update(expected).digest("hex"),
    )
  })

  it("ends with 128 and the signal's number where one ended it", async () => {
    expect((await attached("kill -SEGV $$")).code).toBe(139)
  })

  it("that cannot be started is an error that says so", async () => {
    const ctx = testContext(temporaryDirectory())
    const starting = attachLaunch(
      ctx,
      { file: "/nowhere/docker", args: [] },
      { tty: false, signal: new AbortController().signal },
    )
    await expect(starting).rejects.toThrow("the box cannot be started: /nowhere/docker does not run")
  })

  it("for which there are no descriptors left is an error as well, and nothing else ends with it", async () => {
    const child = spawn("/bin/sh", ["-c", 'ulimit -n 64; exec "$0" "$1"', process.execPath, CROWDED], {
      stdio: ["ignore", "pipe", "inherit"],
    })
    onTestFinished(() => void child.kill("SIGKILL"))
    const said = child.stdout.setEncoding("utf8").toArray()
    const [code] = (await once(child, "close")) as [number | null]
    const causes = new Set((await said).join("").trim().split("\n"))
    expect({ code, causes }).toEqual({ code: 0, causes: new Set(["EMFILE too many files are open", "goes on"]) })
  })

  it("does not outlive the wait where something else holds its pipe open", async () => {
    const ctx = testContext(temporaryDirectory())
    const { pid } = process
    const launch = shell(`sleep 30 & echo $! > ${join(ctx.cwd, "pid")}; echo done ${pid}`)
    expect(await attachLaunch(ctx, launch, { tty: false, signal: new AbortController().signal })).toEqual({ code: 0 })
    expect(ctx.out()).toBe(`done ${pid}\n`)
    process.kill(Number(readFileSync(join(ctx.cwd, "pid"), "utf8")))
  })
})

describe("a box that is ended", () => {
  const report = (directory: string) => JSON.parse(readFileSync(join(directory, "report"), "utf8")) as unknown
  const stubborn = "trap '' TERM; echo ready; while :; do sleep 0.05; done"

  it("after its time is asked to, and its code is 124", async () => {
    const directory = temporaryDirectory()
    const script = "trap 'echo asked; exit 9' TERM; while :; do sleep 0.05; done"
    const { code, out } = await attached(script, { timeout: 300, report: join(directory, "report") })
    expect({ code, out }).toEqual({ code: 124, out: "asked\n" })
    expect(report(directory)).toEqual({ code: 124, by: "timeout", said: [] })
  })

  it("and does not listen is made to", async () => {
    const directory = temporaryDirectory()
    const { code } = await attached(stubborn, { abort: 200, grace: 200, report: join(directory, "report") })
    expect(code).toBe(137)
    expect(report(directory)).toEqual({ code: 137, signal: "SIGKILL", by: "abort", said: [] })
  })

  it.each([["SIGTERM", 143] as const, ["SIGHUP", 129] as const])(
    "by %s of nanoguard ends in order",
    async (signal, code) => {
      const running = attach("trap 'echo asked; exit 0' TERM; echo ready; while :; do sleep 0.05; done")
      running.stdout.once("data", () => running.kill(signal))
      expect(await running.finished).toMatchObject({ out: "ready\nasked\n", code: code })
    },
  )

  it("twice ends at once", async () => {
    const running = attach(stubborn, { grace: 60_000 })
    running.stdout.once("data", () => {
      running.kill("SIGTERM")
      setTimeout(() => running.kill("SIGTERM"), 300)
    })
    expect((await running.finished).code).toBe(143)
  })

  it("gets an interrupt that no terminal sent it", async () => {
    const running = attach("trap 'echo interrupted; exit 4' INT; echo ready; while :; do sleep 0.05; done")
    running.stdout.once("data", () => running.kill("SIGINT"))
    expect(await running.finished).toMatchObject({ out: "ready\ninterrupted\n", code: 4 })
  })

  it("before it began ends as well", async () => {
    const ctx = testContext(temporaryDirectory())
    const ended = await attachLaunch(ctx, shell("sleep 30"), { tty: false, signal: AbortSignal.abort() })
    expect(ended).toEqual({ code: 143, signal: "SIGTERM", by: "abort" })
  })
})

it("is paused before it stops, and told when it goes on", async () => {
  const directory = temporaryDirectory()
  const running = attach("echo ready; sleep 1", { pauses: true, report: join(directory, "report") })
  running.stdout.once("data", () => {
    running.kill("SIGTSTP")
    setTimeout(() => running.kill("SIGCONT"), 300)
  })
  expect((await running.finished).code).toBe(0)
  expect(JSON.parse(readFileSync(join(directory, "report"), "utf8"))).toEqual({ code: 0, said: ["pause", "resume"] })
})

describe("a terminal of the box's own", () => {
  const person = { cwd: "/nowhere", env: { PATH: process.env["PATH"] } }

  it("is made by script(1), which gets the command as one quoted line", (ctx) => {
    const made = onTerminal({ file: "docker", args: ["run", "it's"], env: { A: "b" } }, person)
    if (made === undefined) return ctx.skip("script(1) is missing: apt-get install bsdutils")
    expect(made.args).toEqual(["-qefc", `exec docker run 'it'\\''s'`, "/dev/null"])
    expect(made.env).toEqual({ A: "b", SHELL: "/bin/sh" })
  })

  it("gets a long command through a descriptor of its own", (ctx) => {
    const made = onTerminal({ file: "bwrap", args: ["x".repeat(40_000)], descriptors: [Buffer.from("filter")] }, person)
    if (made === undefined) return ctx.skip("script(1) is missing: apt-get install bsdutils")
    expect(made.args).toEqual(["-qefc", 'eval "$(cat <&4)" 4<&-', "/dev/null"])
    expect(made.descriptors!.map((bytes) => Buffer.from(bytes).toString())).toEqual([
      "filter",
      `exec bwrap ${"x".repeat(40_000)}`,
    ])
  })

  it("is made by BSD's script in its own words", (ctx) => {
    const made = onTerminal({ file: "container", args: ["run", "a b"] }, person, "darwin")
    if (made === undefined) return ctx.skip("script(1) is missing: apt-get install bsdutils")
    expect(made.args).toEqual(["-q", "/dev/null", "container", "run", "a b"])
  })

  it("is none where there is no script(1)", () => {
    expect(
      onTerminal({ file: "docker", args: [] }, { cwd: "/nowhere", env: { PATH: temporaryDirectory() } }),
    ).toBeUndefined()
  })

  it("is not made by what a project calls script, as npx would have it", () => {
    const cwd = temporaryDirectory({ "node_modules/.bin/script": "#!/bin/sh\n", "bin/script": "#!/bin/sh\n" })
    for (const place of ["node_modules/.bin", "bin"]) chmodSync(join(cwd, place, "script"), 0o755)
    const PATH = `${join(cwd, "node_modules/.bin")}:${join(cwd, "bin")}`
    expect(onTerminal({ file: "docker", args: [] }, { cwd, env: { PATH } })).toBeUndefined()
  })
})
