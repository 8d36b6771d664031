// What this machine has of what the story needs: programs, something that runs boxes, and Claude Code.
import { execFileSync } from "node:child_process"
import { existsSync, globSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import type { Box } from "./policy.ts"

const PROGRAMS = [
  ["tmux", "the terminals of the story: apt-get install tmux, or brew install tmux"],
  ["git", "apt-get install git"],
  ["curl", "apt-get install curl"],
  ["npm", "it comes with Node.js"],
] as const

/** Images that have what an agent of the story needs: Node.js, npm and curl. */
const IMAGES = ["nanoguard-agent", "nanoguard-test", "node:24-bookworm", "node:24"]

/** What is missing, and how to get it; nothing where the story can be told. */
export function findMissing(): string[] {
  const missing = PROGRAMS.filter(([name]) => !runs(name === "tmux" ? ["tmux", "-V"] : [name, "--version"]))
  return [
    ...missing.map(([name, how]) => `${name} is missing: ${how}`),
    ...(process.platform === "linux"
      ? []
      : ["Linux is missing: the agent's own program is run in a box of Linux, from this machine's disk"]),
  ]
}

/** What runs the box: `wanted`, else bubblewrap, Docker or Podman; or what is missing for it. */
export function findBox(wanted?: string, image?: string): Box | string {
  if (runs(["bwrap", "--version"]) && (wanted ?? "bubblewrap") === "bubblewrap") return { engine: "bubblewrap" }
  for (const engine of ["docker", "podman"]) {
    if ((wanted ?? engine) !== engine || !runs([engine, "version"])) continue
    const found = (image === undefined ? IMAGES : [image]).find((name) => runs([engine, "image", "inspect", name]))
    if (found !== undefined) return { engine, image: found }
    return `an image is missing: ${engine} pull ${image ?? "node:24-bookworm"}`
  }
  return `${wanted ?? "something that runs boxes"} is missing: apt-get install bubblewrap, or start Docker`
}

function runs([file, ...args]: readonly string[]): boolean {
  try {
    execFileSync(file!, args, { stdio: "pipe", timeout: 20_000 })
    return true
  } catch {
    return false
  }
}

const PINNED = JSON.parse(readFileSync(new URL("../fixtures/tools.json", import.meta.url), "utf8")) as Record<
  string,
  { package: string; version: string }
>

/** The agent's program where the tests have it, else fetched with npm, once; undefined where it cannot be. */
export function findClaude(say: (text: string) => void): string | undefined {
  const { package: name, version } = PINNED["claude-code"]!
  const home = join(tmpdir(), "nanoguard-test-tools")
  const directory = join(home, `claude-code-${version}`)
  if (!existsSync(directory)) {
    say(`Fetching ${name}@${version} with npm (250 MB, once) ...\n`)
    mkdirSync(home, { recursive: true })
    const unfinished = mkdtempSync(join(home, ".install-"))
    try {
      writeFileSync(join(unfinished, "package.json"), '{"private":true}')
      const flags = ["--no-audit", "--no-fund", "--silent", "--ignore-scripts"]
      execFileSync("npm", ["install", ...flags, `${name}@${version}`], { cwd: unfinished, stdio: "pipe" })
      renameSync(unfinished, directory)
    } catch (error) {
      rmSync(unfinished, { recursive: true, force: true })
      say(`npm could not: ${String((error as { stderr?: Buffer }).stderr ?? error).split("\n")[0]}\n`)
      return undefined
    }
  }
  const [program] = globSync("node_modules/@anthropic-ai/claude-code-*/claude", { cwd: directory })
  return program && join(directory, program)
}
