// Boxes on a real terminal: programs of people's daily use, keys, sizes, codes and ends, with the filter in between.
import { execFileSync } from "node:child_process"
import { existsSync, globSync, readFileSync } from "node:fs"
import { join } from "node:path"
import { setTimeout as sleep } from "node:timers/promises"
import { fileURLToPath } from "node:url"
import { describe, expect, it, onTestFinished, type TestContext } from "vitest"
import { createTerminalFilter } from "../../../src/sandbox/terminal/filter.ts"
import { quoteWord } from "../../../src/sandbox/terminal/quote.ts"
import { temporaryDirectory } from "../../context.ts"
import { openTerminal, type Terminal } from "../../e2e/terminal.ts"
import { showOnTerminal } from "../../sandbox/terminal/oracle.ts"
import { tool } from "../../tools.ts"

const ATTACHED = fileURLToPath(new URL("../../sandbox/terminal/attached.ts", import.meta.url))

/** Skips the test where a program is missing. */
function needs(ctx: TestContext, ...programs: string[]): void {
  for (const program of programs) {
    try {
      execFileSync("/bin/sh", ["-c", `command -v ${program}`], { stdio: "pipe" })
    } catch {
      ctx.skip(`${program} is missing: apt-get install ${PACKAGES.get(program) ?? program}`)
    }
  }
}

const PACKAGES = new Map([["script", "bsdutils"]])

interface Box extends Terminal {
  directory: string
  /** What it came to. */
  report: () => unknown
  /** The process that stands for nanoguard. */
  pid: () => number
}

/** Opens a terminal in which the command is attached, then says its code and how the terminal is set. */
function open(command: string, more: object = {}, size: readonly [number, number] = [100, 30], path?: string): Box {
  const directory = temporaryDirectory()
  const report = join(directory, "report")
  const launch = { file: "/bin/sh", args: ["-c", command] }
  const given = JSON.stringify({ launch, tty: true, report, ...more })
  const only = path === undefined ? "" : `PATH=${path} `
  const line = `${only}${quoteWord(process.execPath)} ${quoteWord(ATTACHED)} ${quoteWord(given)}; c=$?; stty -a | grep -oE -e '-?(icanon|echo) '; (exit $c)`
  const terminal = openTerminal(directory, line, { TERM: "xterm-256color" }, size)
  onTestFinished(() => terminal.close())
  return {
    ...terminal,
    directory,
    report: () => JSON.parse(readFileSync(report, "utf8")) as unknown,
    pid: () => Number(readFileSync(`${report}.pid`, "utf8")),
  }
}

/** What a shell's `stty` says of a terminal that is as it was. */
const RIGHT = /icanon\s+echo\s+\[exit/

describe("a box on a terminal", () => {
  it("has one of its own, of the same size, and follows it; its code is passed on", async (ctx) => {
    needs(ctx, "tmux", "script")
    const box = open("tty; stty size; read line; stty size; exit 7")
    expect(await box.waitFor("30 100")).toContain("/dev/")
    box.resize(90, 25)
    await sleep(300)
    box.press("Enter")
    await box.waitFor("25 90")
    expect(await box.waitFor("[exit 7]")).toMatch(RIGHT)
  })

  it("is told of a new size while it runs", async (ctx) => {
    needs(ctx, "tmux", "script")
    const box = open("trap 'stty size' WINCH; echo ready; while :; do sleep 0.1; done")
    await box.waitFor("ready")
    box.resize(70, 20)
    await box.waitFor("20 70")
    box.press("C-c")
    expect(await box.waitFor("[exit 130]")).toMatch(RIGHT)
  })

  it("gets ctrl-C, ctrl-\\ and ctrl-D itself", async (ctx) => {
    needs(ctx, "tmux", "script")
    const box = open("trap 'echo interrupted' INT; trap 'echo quit' QUIT; cat; cat; cat; echo over; exit 5")
    await sleep(1000)
    box.press("C-c")
    await box.waitFor("interrupted")
    box.press("C-\\")
    await box.waitFor("quit")
    box.press("C-d")
    expect(await box.waitFor("[exit 5]")).toContain("over")
  })

  it("that a signal ends is 128 and its number", async (ctx) => {
    needs(ctx, "tmux", "script")
    const box = open("kill -TERM $$")
    expect(await box.waitFor("[exit 143]")).toMatch(RIGHT)
  })

  it("reads what its descriptors hold, with a command longer than the kernel takes for a word", async (ctx) => {
    needs(ctx, "tmux", "script")
    const command = `cat <&3; echo ", \${#0} letters"; ls /proc/self/fd | tr '\\n' ' '`
    for (const letters of [5, 100_000]) {
      const box = open(command, { descriptors: ["the filter"], letters })
      // Nothing is left of the descriptor that a long command came through.
      expect(await box.waitFor("[exit 0]")).toMatch(new RegExp(`the filter, ${letters} letters\\s+0 1 2 3 [45]\\s`))
    }
  })

  it("is ended after its time, in order, and the terminal is as it was", async (ctx) => {
    needs(ctx, "tmux", "script")
    const box = open("printf '\\033[?1049h\\033[?25l\\033[?1003h'; trap 'exit 3' TERM; while :; do sleep 0.1; done", {
      timeout: 800,
    })
    expect(await box.waitFor("[exit 124]")).toMatch(RIGHT)
    expect(box.report()).toEqual({ code: 124, by: "timeout", said: [] })
  })

  it("that does not listen is made to, and the terminal is as it was", async (ctx) => {
    needs(ctx, "tmux", "script")
    const box = open("trap '' TERM HUP; stty raw -echo; while :; do sleep 0.1; done", { timeout: 500, grace: 500 })
    expect(await box.waitFor("[exit 124]")).toMatch(RIGHT)
  })

  it.for([["SIGTERM", 143] as const, ["SIGHUP", 129] as const])(
    "ends in order when nanoguard gets %s",
    async ([signal, code], ctx) => {
      needs(ctx, "tmux", "script")
      const box = open("trap 'touch asked; exit 0' TERM; echo ready; while :; do sleep 0.1; done")
      await box.waitFor("ready")
      process.kill(box.pid(), signal)
      expect(await box.waitFor(`[exit ${code}]`)).toMatch(RIGHT)
      expect(existsSync(join(box.directory, "asked"))).toBe(true)
    },
  )

  it("lives on where somebody interrupts nanoguard itself: the key is the box's", async (ctx) => {
    needs(ctx, "tmux", "script")
    const box = open("echo ready; read line; echo got $line")
    await box.waitFor("ready")
    process.kill(box.pid(), "SIGINT")
    await sleep(300)
    box.press("on", "Enter")
    await box.waitFor("got on")
    await box.waitFor("[exit 0]")
  })

  it("gives the terminal back when what makes its own one is killed", async (ctx) => {
    needs(ctx, "tmux", "script")
    const box = open("printf '\\033[?1049hready'; sleep 600")
    await box.waitFor("ready")
    const [script] = readFileSync(`/proc/${box.pid()}/task/${box.pid()}/children`, "utf8").split(" ")
    process.kill(Number(script), "SIGKILL")
    expect(await box.waitFor("[exit 137]")).toMatch(RIGHT)
  })

  it("holds this terminal itself, and says so, where script(1) is missing", async (ctx) => {
    needs(ctx, "tmux")
    const box = open("tty; exit 4", {}, [100, 30], "/nowhere")
    await box.waitFor("[exit 4]")
    expect(box.report()).toMatchObject({ code: 4, said: [expect.stringContaining("script(1) is missing")] })
  })
})

describe("programs of daily use", () => {
  const README = fileURLToPath(new URL("../../../README.md", import.meta.url))

  it("vim shows, edits and leaves the screen as it was", async (ctx) => {
    needs(ctx, "tmux", "script", "vim")
    const box = open(`vim -N -u NONE -c 'syntax on' -c 'set mouse=a title' ${quoteWord(README)}`)
    await box.waitFor("# nanoguard")
    box.press("i")
    box.press("-l", "typed text ✓")
    box.press("Escape")
    await box.waitFor("typed text ✓")
    box.resize(80, 24)
    await sleep(300)
    box.press(":q!", "Enter")
    const screen = await box.waitFor("[exit 0]")
    expect(screen).toMatch(RIGHT)
    expect(screen).not.toContain("typed text")
  })

  it("less and git page, search and colour", async (ctx) => {
    needs(ctx, "tmux", "script", "less", "git")
    const log = `git -C ${quoteWord(fileURLToPath(new URL("../../..", import.meta.url)))} log --color=always -n 40`
    const box = open(`${log} | less -R`)
    await box.waitFor(/commit [0-9a-f]{40}/)
    box.press("G")
    await box.waitFor("(END)")
    box.press("q")
    expect(await box.waitFor("[exit 0]")).toMatch(RIGHT)
  })

  it("what they draw is the same as without the filter, at any time", async (ctx) => {
    needs(ctx, "tmux", "script", "vim", "less")
    const programs = { vim: `vim -N -u NONE -c "syntax on" ${README}`, less: `less -R ${README}` }
    for (const [name, command] of Object.entries(programs)) {
      const raw = join(temporaryDirectory(), "raw")
      const box = open(`script -qfc ${quoteWord(command)} ${raw}`)
      await box.waitFor("# nanoguard")
      for (const keys of name === "vim"
        ? [["G"], ["i", "new", "Escape"], [":q!", "Enter"]]
        : [["G"], ["?gate", "Enter"], ["q"]]) {
        box.press(...keys)
        await sleep(200)
      }
      await box.waitFor("[exit 0]")
      const drawn = readFileSync(raw)
      expect(drawn.length).toBeGreaterThan(1000)
      for (let end = drawn.length; end > 0; end -= 251) {
        const part = drawn.subarray(0, end)
        const [plain, filtered] = [await showOnTerminal(part), await showOnTerminal(createTerminalFilter().write(part))]
        expect([filtered.screen, filtered.cursor], `${name}, ${end} bytes`).toEqual([plain.screen, plain.cursor])
      }
    }
  })

  it("top draws", async (ctx) => {
    needs(ctx, "tmux", "script", "top")
    const box = open("top")
    await box.waitFor("load average")
    box.press("q")
    expect(await box.waitFor("[exit 0]")).toMatch(RIGHT)
  })

  it("Claude Code asks the terminal what it is, and is drawn", async (ctx) => {
    needs(ctx, "tmux", "script")
    const { directory } = tool(ctx, "claude-code")
    const [claude] = globSync("node_modules/@anthropic-ai/claude-code-*/claude", { cwd: directory })
    if (claude === undefined) return ctx.skip("Claude Code's native program is missing: there is none for this machine")
    const home = temporaryDirectory()
    const env = `HOME=${home} ANTHROPIC_BASE_URL=http://127.0.0.1:9 ANTHROPIC_API_KEY=x CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC=1`
    const box = open(`env ${env} ${quoteWord(join(directory, claude))}`)
    await box.waitFor("Welcome to Claude Code")
    box.press("C-c")
    await sleep(1000)
    if (!box.screen().includes("[exit")) box.press("C-c")
    expect(await box.waitFor(/\[exit \d+\]/)).toMatch(RIGHT)
  })

  it("a terminal's answers reach who asked, and the rest changes nothing beyond the screen", async (ctx) => {
    needs(ctx, "tmux", "script")
    const ask = (question: string) =>
      `stty raw -echo min 0 time 10; printf '${question}'; dd bs=64 count=1 2>/dev/null | od -An -c; stty sane`
    const box = open(
      [
        ask("\\033[c"),
        ask("\\033[6n"),
        ask("\\033[>q"),
        ask("\\033[21t"),
        "printf '\\033]0;stolen\\007\\033]52;c;aGk=\\007'",
        "echo over",
      ].join("; "),
    )
    const screen = await box.waitFor("over")
    expect(screen).toMatch(/033\s+\[\s+\?[\s\d;]+c/)
    expect(screen).toMatch(/033\s+\[[\s\d]+;[\s\d]+R/)
    await box.waitFor("[exit 0]")
    expect(screen).not.toContain("stolen")
    expect(box.tmux("display-message", "-p", "#{pane_title}")).not.toContain("stolen")
    expect(() => box.tmux("show-buffer")).toThrow()
  })
})
