// A gate as anyone starts it, in a process of its own, with this machine's registries behind it, and projects of real clients.
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { delimiter, dirname, join } from "node:path"
import { execa, execaNode } from "execa"
import { BIN } from "../e2e/nanoguard.ts"
import type { ClientDescription } from "../long/clients/description.ts"
import { ADVISORIES } from "./gateway-cases.ts"

export interface Ran {
  exit: number
  /** What the terminal shows: both streams as they came. */
  terminal: string
}

export interface LiveProject {
  directory: string
  /** Runs a shell command behind the gate. */
  exec: (line: string) => Promise<Ran>
  /** Runs it with this machine's own settings. */
  direct: (line: string) => Promise<Ran>
}

export interface LiveGate {
  project: (client: ClientDescription, program: string, files: Record<string, string>) => LiveProject
  /** Requests of artifacts that were refused so far. */
  refused: () => Promise<number>
  close: () => Promise<void>
}

const POLICY = "version: 1\npackages:\n  deny: { severity: high }\n"

/** Settings of the descriptions that only suit packages which nobody published. */
const MADE_UP = ["GONOSUMDB", "GOENV"]

/** Enrols an approver, has the policy adopted and starts the gate. */
export async function openLiveGate(): Promise<LiveGate> {
  const scratch = mkdtempSync(join(tmpdir(), "nanoguard-live-gate-"))
  const state = join(scratch, "state")
  const home = join(scratch, "gate")
  const env = { NANOGUARD_HOME: state }
  const files = { "nanoguard.yaml": POLICY, "osv.ndjson": ADVISORIES, pass: "a phrase of this run\n" }
  writeAll(home, files)
  const nanoguard = (...args: string[]) => execaNode(BIN, args, { cwd: home, env, stdin: "ignore" })
  await nanoguard("advisories", "update", "--from", "osv.ndjson")
  await nanoguard("approver", "add", "live", "--passphrase-file", "pass")
  await nanoguard("policy", "adopt", "--yes", "--passphrase-file", "pass")
  const gate = execaNode(BIN, ["gateway", "start", "--port", "0"], { cwd: home, env, stdin: "ignore", reject: false })
  const origin = await new Promise<string>((resolve, reject) => {
    let said = ""
    gate.stdout.on("data", (chunk) => {
      said += String(chunk)
      const address = /listens on (\S+)/.exec(said)?.[1]
      if (address !== undefined) resolve(address)
    })
    gate.then(({ stderr }) => reject(new Error(`the gate ended: ${stderr}`)), reject)
  })
  return {
    project: (client, program, own) => createProject(join(scratch, "runs"), state, client, program, own),
    refused: async () => {
      const metrics = await (await fetch(`${origin}/-/metrics`)).text()
      const lines = metrics.matchAll(/^nanoguard_requests_total\{[^}]*kind="artifact",outcome="refused"\} (\d+)$/gm)
      return [...lines].reduce((sum, [, count]) => sum + Number(count), 0)
    },
    close: async () => {
      gate.kill()
      await gate
      rmSync(scratch, { recursive: true, force: true })
    },
  }
}

function createProject(
  runs: string,
  state: string,
  client: ClientDescription,
  program: string,
  files: Record<string, string>,
): LiveProject {
  mkdirSync(runs, { recursive: true })
  const root = mkdtempSync(join(runs, "run-"))
  const [directory, home, bin] = ["project", "home", "bin"].map((name) => join(root, name)) as [string, string, string]
  writeAll(directory, files)
  mkdirSync(home)
  // One program a directory, so that no other manager comes along with it.
  writeAll(bin, { [client.command]: `#!/bin/sh\nexec ${JSON.stringify(program)} "$@"\n` })
  chmodSync(join(bin, client.command), 0o755)
  const PATH = [bin, dirname(process.execPath), "/usr/local/bin", "/usr/bin", "/bin"].join(delimiter)
  const own = Object.entries(client.env(home, program)).filter(([key]) => !MADE_UP.includes(key))
  // The rest of the environment stays: it may say where registries are, and whom to trust there.
  const env = { ...Object.fromEntries(own), PATH, NO_COLOR: "1", NANOGUARD_HOME: state }
  const run = async (file: string, args: string[]): Promise<Ran> => {
    const options = { cwd: directory, env, stdin: "ignore", all: true, reject: false, timeout: 120_000 } as const
    const { exitCode, all } = await execa(file, args, options)
    return { exit: exitCode ?? -1, terminal: all }
  }
  return {
    directory,
    exec: (line) => run(process.execPath, [BIN, "gateway", "exec", "--", "sh", "-c", line]),
    direct: (line) => run("sh", ["-c", line]),
  }
}

function writeAll(directory: string, files: Record<string, string>): void {
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(directory, path)), { recursive: true })
    writeFileSync(join(directory, path), text)
  }
}
