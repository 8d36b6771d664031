// The sandbox that boxes are compared with, installed at bench time.
import { execFileSync, spawnSync } from "node:child_process"
import { existsSync, mkdirSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"

const PEER = "@anthropic-ai/sandbox-runtime@0.0.78"

/** The command that runs a shell in it, with settings in `work`; why it does not run here where it does not. */
export function installSandboxRuntime(work: string): readonly string[] | string {
  const directory = join(tmpdir(), "nanoguard-test-tools", "bench-sandbox-runtime")
  const program = join(directory, "node_modules", ".bin", "srt")
  if (!existsSync(program)) {
    mkdirSync(directory, { recursive: true })
    writeFileSync(join(directory, "package.json"), '{"private":true}')
    const words = ["install", "--ignore-scripts", "--no-audit", "--no-fund", PEER]
    execFileSync("npm", words, { cwd: directory, stdio: "pipe" })
  }
  const settings = join(work, "srt.json")
  const none = { allowedDomains: [], deniedDomains: [] }
  const files = { denyRead: [], allowWrite: ["."], denyWrite: [] }
  writeFileSync(settings, JSON.stringify({ network: none, filesystem: files }))
  const command = [process.execPath, program, "--settings", settings, "true"]
  const { status, stderr } = spawnSync(command[0]!, command.slice(1), { cwd: work, encoding: "utf8" })
  return status === 0 ? command : stderr.trim().split("\n").at(-1) || `exit code ${status}`
}
