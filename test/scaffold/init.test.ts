// The command as a whole, in process: order of showing and writing, output that a terminal can be trusted with.
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { PassThrough, Writable } from "node:stream"
import { afterEach, beforeEach, describe, expect, it } from "vitest"
import { parse } from "yaml"
import { init } from "../../src/commands/init.ts"
import { type Context, processContext } from "../../src/context.ts"
import { EXIT } from "../../src/errors.ts"
import type { InitOptions } from "../../src/scaffold/options.ts"

let root: string
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), "nanoguard-command-"))
  mkdirSync(join(root, ".git"))
})
afterEach(() => rmSync(root, { recursive: true, force: true }))

/** Runs init there; `onWrite` sees every piece of output at the moment it is written. */
async function run(options: InitOptions, onWrite: (text: string) => void = () => {}) {
  let out = ""
  const stdout = new Writable({
    write(chunk, _encoding, done) {
      out += chunk
      onWrite(String(chunk))
      done()
    },
  })
  const ctx: Context = { ...processContext(), cwd: root, env: { PATH: "" }, stdin: new PassThrough(), stdout }
  const { report, exit } = await init(ctx, options)
  return { report, exit, out }
}

const put = (path: string, text: string) => {
  mkdirSync(join(root, path, ".."), { recursive: true })
  writeFileSync(join(root, path), text)
}
const ALL: InitOptions = {
  yes: true,
  preset: "team",
  ci: "gitlab",
  agents: "claude,codex,gemini,nanoclaw",
  native: true,
}

describe("init", () => {
  it("shows every line of every file before the first is written", async () => {
    put("package.json", "{}")
    let shown = ""
    const { report } = await run(ALL, (text) => {
      if (shown === "") expect(existsSync(join(root, "nanoguard.yaml"))).toBe(false)
      shown += text
    })
    expect(report.written).toHaveLength(14)
    for (const path of report.written) {
      const lines = readFileSync(join(root, path), "utf8").split("\n")
      for (const line of lines.filter((text) => text.length < 390)) expect(shown).toContain(line)
    }
  })

  it("does nothing the second time, whatever was chosen", async () => {
    put("package.json", "{}")
    put("bun.lock", "{}")
    put("uv.lock", "")
    put("pyproject.toml", "[project]\nname = 'x'\n")
    expect((await run(ALL)).exit).toBe(EXIT.ok)
    const second = await run(ALL)
    expect(second.report.written).toEqual([])
    expect(second.report.files.every((file) => file.action === "keep" && file.diff === undefined)).toBe(true)
    expect(second.out).toContain("Nothing to do")
    expect(second.exit).toBe(EXIT.ok)
  })

  it("prints one JSON document, and nothing else", async () => {
    const { out, report } = await run({ ...ALL, format: "json" })
    expect(JSON.parse(out)).toEqual(JSON.parse(JSON.stringify(report)))
  })

  it("keeps control characters and bidi of the repository off the terminal", async () => {
    put("CLAUDE.md", "# App\u001b[2J\u001b]0;owned\u0007\n\u202etxt\n")
    put("\u001b[31mred/package-lock.json", "{}")
    const { out } = await run({ yes: true, agents: "claude", ci: "none", preset: "solo" })
    expect(out).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u202a-\u202e]/)
    expect(out).toContain("\\u{1b}[2J")
    expect(readFileSync(join(root, "CLAUDE.md"), "utf8")).toContain("# App\u001b[2J")
  })

  it.each([
    ["solo", undefined],
    ["team", undefined],
    ["strict", { workspace: "worktree" }],
  ])("has agents work as the preset says: %s", async (preset, sandbox) => {
    await run({ yes: true, agents: "none", ci: "none", preset })
    expect(parse(readFileSync(join(root, "nanoguard.yaml"), "utf8")).sandbox).toEqual(sandbox)
  })

  it("says which line of the CI job is to be changed, and no more once it is", async () => {
    const note = "put the address of your own tarball into the job before you commit it."
    for (const [ci, path] of [
      ["github", ".github/workflows/nanoguard.yml"],
      ["gitlab", ".gitlab/nanoguard.yml"],
    ] as const) {
      const { out, report } = await run({ yes: true, agents: "none", ci })
      expect(report.notes.join()).toContain(note)
      expect(out.replace(/\s+/g, " ")).toContain(note)
      const job = readFileSync(join(root, path), "utf8")
      expect(job).toMatch(
        /# CHANGE THIS LINE .*\n.*npm install --global --ignore-scripts https:\/\/tarballs\.invalid\/\S+\.tgz/,
      )
      // The name on npm is another person's.
      expect(job).not.toMatch(/nanoguard@|npx nanoguard/)
      put(path, job.replace(/https:\/\/tarballs\.invalid\/\S+\.tgz/, "https://files.acme.example/nanoguard.tgz"))
      expect((await run({ yes: true, agents: "none", ci })).report.notes.join()).not.toContain(note)
    }
    expect((await run({ yes: true, agents: "none", ci: "none", dryRun: true })).report.next.join()).not.toContain(
      "gateway",
    )
  })

  it("--build-image writes what it builds from where there is none, whatever agents there are", async () => {
    const planned = async (more: object = {}) =>
      (await run({ yes: true, agents: "none", ci: "none", buildImage: true, dryRun: true, ...more })).report.files
        .map(({ path }) => path)
        .includes(".nanoguard/Containerfile")
    expect([await planned(), await planned({ image: false })]).toEqual([true, false])
    put(".nanoguard/Containerfile", "FROM scratch\n")
    expect(await planned()).toBe(false)
  })

  it("ends with 1 and writes the rest where one file has to be changed by hand", async () => {
    put(".claude/settings.json", "{ broken")
    const { exit, out, report } = await run({ yes: true, agents: "claude", ci: "none", instructions: false })
    expect(exit).toBe(EXIT.findings)
    expect(out).toContain("By hand: .claude/settings.json")
    expect(report.written).toEqual(["nanoguard.yaml", "nanoguard.test.yaml", ".nanoguard/Containerfile"])
    expect(readFileSync(join(root, ".claude/settings.json"), "utf8")).toBe("{ broken")
  })

  it.each([{}, { dryRun: true }, { preset: "solo", ci: "none", agents: "none", native: false, instructions: false }])(
    "names --yes where there is no terminal: %o",
    async (options) => {
      await expect(run(options)).rejects.toMatchObject({ exit: EXIT.usage, message: expect.stringContaining("--yes") })
      expect(existsSync(join(root, "nanoguard.yaml"))).toBe(false)
    },
  )
})
