// `nanoguard run -- bash` on a real terminal, in real engines: what a person expects of a shell.
import { execFileSync } from "node:child_process"
import { join } from "node:path"
import { setTimeout as sleep } from "node:timers/promises"
import { afterAll, beforeAll, describe, expect, it, onTestFinished, type TestContext } from "vitest"
import { quoteWord } from "../../../src/sandbox/terminal/quote.ts"
import { BIN } from "../../e2e/nanoguard.ts"
import { openTerminal } from "../../e2e/terminal.ts"
import { useEngine } from "../../sandbox/engines.ts"
import { canRun } from "../python-tools.ts"
import { type BoxLab, LAB_ENGINES, type LabEngine, openBoxLab } from "./lab.ts"

let lab: BoxLab
beforeAll(async () => {
  lab = await openBoxLab()
})
afterAll(() => lab?.close())

/** A terminal of 100 x 30 in which a command runs in a box, in a workspace of its own. */
async function open(ctx: TestContext, engine: LabEngine, name: string, command: readonly string[]) {
  await useEngine(ctx, engine)
  const workspace = lab.workspace(`${name}-${engine}`, { "lines.txt": `${lines(100)}\n` })
  const words = [process.execPath, BIN, "run", "--engine", engine, "--", ...command]
  const env = { ...lab.env, TERM: "xterm-256color", NO_COLOR: "", COLORTERM: "truecolor" }
  const set = Object.entries(env).map(([key, value]) => quoteWord(`${key}=${value}`))
  // Nothing of this process's own environment.
  const line = `env -i ${set.join(" ")} ${words.map(quoteWord).join(" ")}`
  const terminal = openTerminal(workspace, line, {}, [100, 30])
  onTestFinished(() => terminal.close())
  return { ...terminal, workspace }
}

const lines = (many: number) => Array.from({ length: many }, (_, index) => `line ${index + 1}`).join("\n")

describe.each(LAB_ENGINES)("a shell in a box of %s", (engine) => {
  it("has a prompt, keys, colours, sizes, jobs and an exit code", async (ctx) => {
    const shell = await open(ctx, engine, "shell", ["bash", "--norc"])
    await shell.waitFor(/^bash-[\d.]+\$/m)
    const type = (text: string) => {
      shell.press("-l", text)
      shell.press("Enter")
    }
    type("tty; stty size; test -t 0 && test -t 1 && test -t 2 && echo all three")
    await shell.waitFor("30 100")
    await shell.waitFor("all three")
    // Editing of the line, and what was typed before.
    shell.press("-l", "echo oen")
    shell.press("BSpace", "BSpace")
    shell.press("-l", "ne of $((40+2))")
    shell.press("Enter")
    await shell.waitFor("one of 42")
    shell.press("Up", "Enter")
    await shell.waitFor(/one of 42[\s\S]*one of 42/)
    type("printf '\\033[31mred\\033[0m\\n'")
    await shell.waitFor(/^red$/m)
    expect(shell.tmux("capture-pane", "-p", "-e")).toMatch(/\u001b\[31mred/)
    shell.resize(90, 25)
    await sleep(500)
    type("stty size")
    await shell.waitFor("25 90")
    type("sleep 600; echo code $?")
    await sleep(700)
    shell.press("C-c")
    await sleep(300)
    type("echo after $?")
    await shell.waitFor("after 130")
    type("sleep 601")
    await sleep(500)
    shell.press("C-z")
    await shell.waitFor("Stopped")
    type("jobs; fg")
    await shell.waitFor(/Stopped\s+sleep 601[\s\S]*sleep 601\s*$/)
    shell.press("C-c")
    await sleep(300)
    type("exit 7")
    await shell.waitFor("[exit 7]")
  })

  it("goes when somebody types the end of the file", async (ctx) => {
    const shell = await open(ctx, engine, "eof", ["bash", "--norc"])
    await shell.waitFor(/^bash-[\d.]+\$/m)
    shell.press("C-d")
    await shell.waitFor("[exit 0]")
  })

  it("is left alone by a key that ends other programs, and ended by its own signal", async (ctx) => {
    const shell = await open(ctx, engine, "keys", [
      "sh",
      "-c",
      "trap 'echo caught' INT; echo ready; sleep 600; kill -TERM $$",
    ])
    await shell.waitFor("ready")
    shell.press("C-c")
    await shell.waitFor("caught")
    await shell.waitFor("[exit 143]")
  })

  it("edits and pages with programs that take the whole screen", async (ctx) => {
    // The image has vim as it comes with Debian, without the rest of it.
    const vim = engine === "docker" ? "vi" : "vim"
    for (const program of engine === "docker" ? [] : [vim, "less"])
      if (!(await canRun(program, ["--version"]))) ctx.skip(`${program} is missing: apt-get install ${program}`)
    const line = `${vim} -N -u NONE lines.txt; echo saved; read x; less lines.txt`
    const shell = await open(ctx, engine, "screen", ["sh", "-c", line])
    await shell.waitFor("line 20")
    shell.press("i")
    shell.press("-l", "typed ✓ ")
    shell.press("Escape")
    shell.press(":wq", "Enter")
    await shell.waitFor("saved")
    shell.press("Enter")
    await shell.waitFor(/^line 29\s+lines\.txt/m)
    shell.press("G")
    await shell.waitFor("(END)")
    shell.resize(80, 20)
    await sleep(300)
    shell.press("q")
    const screen = await shell.waitFor("[exit 0]")
    expect(screen).not.toContain("line 90")
    expect(execFileSync("head", ["-n1", join(shell.workspace, "lines.txt")], { encoding: "utf8" })).toBe(
      "typed ✓ line 1\n",
    )
  })
})
