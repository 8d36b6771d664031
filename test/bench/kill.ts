// `kill --all` with 20 boxes of each engine that is here: how long until the last one stands still, by the command's own clock and by what
// the boxes' programs still wrote. Usage: npm run bench kill
import { execFileSync, spawnSync } from "node:child_process"
import { mkdtempSync, rmSync, statSync } from "node:fs"
import { tmpdir } from "node:os"
import { join, resolve } from "node:path"
import { openEngines } from "../../src/sandbox/engines/index.ts"
import { sweepBoxes } from "../../src/sandbox/sweep.ts"
import type { EngineName } from "../../src/sandbox/types.ts"
import { homeContext, startBox } from "../sandbox/real-boxes.ts"

const BOXES = 20
const WANTED_MS = 1000
const IMAGE = "nanoguard-test"
const say = (text: string) => process.stdout.write(`${text}\n`)

function isHere(name: EngineName): boolean {
  const inside = ["run", "--rm", "--pull", "never", "--network", "none", IMAGE, "true"]
  const command = name === "bubblewrap" ? ["bwrap", "--version"] : [name, ...inside]
  return spawnSync(command[0]!, command.slice(1)).status === 0
}

async function measure(name: EngineName): Promise<void> {
  if (!isHere(name)) {
    say(`${name.padEnd(10)}  does not run here (Docker and Podman also need the image ${IMAGE})`)
    return
  }
  const work = mkdtempSync(join(tmpdir(), "nanoguard-bench-"))
  const ctx = homeContext(join(work, "home"))
  try {
    // The store is made once and not with every kill.
    kill(ctx.env, ["nobody"])
    const workspaces = Array.from({ length: BOXES }, (_, n) => join(work, `w${n}`))
    for (const [n, directory] of workspaces.entries()) {
      const run = `run-${process.pid.toString(16).padStart(8, "0")}${n.toString(16).padStart(4, "0")}`
      await startBox(ctx, name, { run, agent: `agent-${n}`, directory, image: IMAGE })
    }
    const begun = Date.now()
    const { frozen, total, stored, boxes } = kill(ctx.env, ["--all"])
    const last = Math.max(...workspaces.map((directory) => statSync(join(directory, "count")).mtimeMs)) - begun
    const ended = boxes.filter(({ removed }) => removed !== undefined).length
    say(
      `${name.padEnd(10)}  ${ended} of ${BOXES} ended; recorded ${stored} ms, all frozen ${frozen} ms, all removed ${total} ms; the last write of any came ${Math.round(last)} ms after the command began (wanted: at most ${WANTED_MS})`,
    )
  } finally {
    await sweepBoxes(ctx, openEngines(ctx), { thorough: true })
    rmSync(work, { recursive: true, force: true })
  }
}

interface Killed {
  frozen: number
  total: number
  stored: number
  boxes: { removed?: number }[]
}

function kill(env: NodeJS.ProcessEnv, words: readonly string[]): Killed {
  const args = [resolve("bin/nanoguard.js"), "kill", ...words, "--reason", "bench", "--format", "json"]
  return JSON.parse(
    execFileSync(process.execPath, args, { env, encoding: "utf8", stdio: ["ignore", "pipe", "inherit"] }),
  )
}

say(`kill --all with ${BOXES} boxes`)
for (const name of ["bubblewrap", "docker", "podman"] as const) await measure(name)
// Launchers of boxes that a failure left would keep this process.
process.exit()
