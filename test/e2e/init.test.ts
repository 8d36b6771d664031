// `nanoguard init` as a person and as a script run it: the built CLI, in a real terminal and through pipes.
import { execFileSync, spawnSync } from "node:child_process"
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs"
import { tmpdir } from "node:os"
import { join, resolve } from "node:path"
import { afterEach, beforeEach, describe, expect, it, type TestContext } from "vitest"
import { hasTmux, openTerminal, type Terminal } from "./terminal.ts"

const CLI = resolve("bin/nanoguard.js")
let repository: string
let terminal: Terminal | undefined

beforeEach(() => {
  repository = mkdtempSync(join(tmpdir(), "nanoguard-init-"))
  execFileSync("git", ["init", "-q"], { cwd: repository })
  const manifest = { name: "app", version: "1.0.0", dependencies: { "is-number": "^7.0.0" } }
  writeFileSync(join(repository, "package.json"), JSON.stringify(manifest, null, 2))
  const integrity = `sha512-${Buffer.alloc(64, 7).toString("base64")}`
  const packages = {
    "": { name: "app", version: "1.0.0", dependencies: { "is-number": "^7.0.0" } },
    "node_modules/is-number": { version: "7.0.0", integrity, license: "MIT" },
  }
  const lock = { name: "app", version: "1.0.0", lockfileVersion: 3, requires: true, packages }
  writeFileSync(join(repository, "package-lock.json"), JSON.stringify(lock))
  mkdirSync(join(repository, ".claude"))
})

afterEach(() => {
  terminal?.close()
  terminal = undefined
  rmSync(repository, { recursive: true, force: true })
})

const nanoguard = (...args: string[]) =>
  spawnSync(process.execPath, [CLI, ...args], { cwd: repository, encoding: "utf8", input: "" })
const read = (path: string) => readFileSync(join(repository, path), "utf8")
const files = () =>
  readdirSync(repository, { recursive: true, encoding: "utf8" })
    .filter((path) => !path.startsWith(".git/"))
    .sort()

/** Opens init in tmux; skips the test where there is no tmux. */
function openInit(ctx: TestContext, args = ""): Terminal {
  if (!hasTmux()) ctx.skip("tmux is missing: apt-get install tmux")
  terminal = openTerminal(repository, `"${process.execPath}" "${CLI}" init ${args}`, { NO_COLOR: "1" })
  return terminal
}

describe("in a terminal", () => {
  it("asks, shows, and writes what was answered", async (ctx) => {
    const { press, waitFor } = openInit(ctx)
    await waitFor("How strict?")
    press("Down", "Enter")
    await waitFor("Which CI")
    press("Up", "Up", "Enter")
    await waitFor("Which agents")
    press("Down", "Space", "Enter")
    await waitFor("Tell them so")
    press("y", "Enter")
    await waitFor("as settings of npm")
    press("y", "Enter")
    const shown = await waitFor("Write these 10 files?")
    expect(files()).toEqual([".claude", ".git", "package-lock.json", "package.json"])
    for (const path of ["nanoguard.yaml", ".github/workflows/nanoguard.yml", ".codex/config.toml", ".npmrc"]) {
      expect(shown).toContain(`create   ${path}`)
    }
    expect(shown).toContain("| min-release-age=3")
    press("Enter")
    await waitFor("[exit 0]")
    expect(read("nanoguard.yaml")).toContain("api.openai.com")
    expect(JSON.parse(read(".claude/settings.json")).permissions.deny).toContain("Edit(/nanoguard.yaml)")
    expect(read("CLAUDE.md")).toContain("nanoguard vet")
  })

  it("leaves nothing behind on Ctrl-C, at the first question and at the last", async (ctx) => {
    const before = files()
    const first = openInit(ctx)
    await first.waitFor("How strict?")
    first.press("C-c")
    expect(await first.waitFor("[exit 1]")).toContain("Interrupted. Nothing was written.")
    first.close()
    const last = openInit(ctx, "--preset solo --ci none --agents none --no-native")
    await last.waitFor("Write these 2 files?")
    last.press("C-c")
    expect(await last.waitFor("[exit 1]")).toContain("Interrupted. Nothing was written.")
    expect(files()).toEqual(before)
  })

  it("replaces a file of the user's only after a yes to that file", async (ctx) => {
    writeFileSync(join(repository, "nanoguard.yaml"), "version: 1\n")
    const { press, waitFor } = openInit(ctx, "--preset team --ci github --agents none --no-native")
    await waitFor("Replace which?")
    press("Enter")
    await waitFor("Write this file?")
    press("n", "Enter")
    expect(await waitFor("[exit 1]")).toContain("Nothing was written.")
    expect(read("nanoguard.yaml")).toBe("version: 1\n")
    expect(existsSync(join(repository, ".github"))).toBe(false)
    terminal?.close()

    const again = openInit(ctx, "--preset team --ci github --agents none --no-native")
    await again.waitFor("Replace which?")
    again.press("Space", "Enter")
    const shown = await again.waitFor("Write these 2 files?")
    expect(shown).toContain("replace  nanoguard.yaml")
    again.press("y", "Enter")
    await again.waitFor("[exit 0]")
    expect(read("nanoguard.yaml")).toContain("severity: high")
  })
})

describe("in a pipe", () => {
  it("names the flag that it needs, and writes nothing", () => {
    const before = files()
    const result = nanoguard("init")
    expect(result.status).toBe(2)
    expect(result.stderr).toContain("--yes")
    expect(files()).toEqual(before)
  })

  it.each([
    [["--preset", "lax"], "solo, team, strict"],
    [["--ci", "jenkins"], "github, gitlab, none"],
    [
      ["--agents", "claude,hal"],
      "--agents hal: there is no such choice; it takes claude, codex, gemini, nanoclaw, none",
    ],
  ])("refuses %j", (args, message) => {
    const result = nanoguard("init", "--yes", ...args)
    expect(result.status).toBe(2)
    expect(result.stderr).toContain(message)
  })

  it("shows everything and writes nothing on a dry run", () => {
    const before = files()
    const result = nanoguard("init", "--yes", "--dry-run", "--ci", "gitlab", "--native")
    expect(result.status).toBe(0)
    expect(result.stdout).toContain("create   .gitlab/nanoguard.yml")
    expect(result.stdout).toContain("nothing was written")
    expect(files()).toEqual(before)
  })

  it("refuses a repository whose nanoguard.yaml points out of it", () => {
    symlinkSync("/etc/hostname", join(repository, "nanoguard.yaml"))
    const before = files()
    const result = nanoguard("init", "--yes", "--force")
    expect(result.status).toBe(4)
    expect(result.stderr).toContain("nanoguard.yaml is a symbolic link")
    expect(files()).toEqual(before)
  })

  it("prints exactly one document with --format json", () => {
    const report = JSON.parse(nanoguard("init", "--yes", "--format", "json").stdout)
    expect(report).toMatchObject({
      schema: "nanoguard.init/1",
      answers: { preset: "solo", ci: "none", agents: ["claude"] },
    })
    expect(report.written).toEqual([
      "nanoguard.yaml",
      "nanoguard.test.yaml",
      ".claude/settings.json",
      "CLAUDE.md",
      ".nanoguard/Containerfile",
    ])
  })

  it.each(["solo", "team", "strict"])("leaves a repository in which everything runs at once: %s", (preset) => {
    const args = ["init", "--yes", "--preset", preset, "--ci", "github", "--agents", "claude,codex,gemini", "--native"]
    const first = nanoguard(...args)
    expect(first.stderr).toBe("")
    expect(first.status).toBe(0)
    for (const command of [
      ["policy", "check"],
      ["policy", "test"],
      ["vet", "--offline"],
    ]) {
      const result = nanoguard(...command)
      expect(result.status, `${command.join(" ")}\n${result.stdout}${result.stderr}`).toBe(0)
    }
    const second = nanoguard(...args)
    expect(second.stdout).toContain("Nothing to do")
    expect(second.status).toBe(0)
  })
})
