// What is set up on the host for the probes to find, if they can: each thing carries one random text, the canary.
import { spawn } from "node:child_process"
import { randomBytes } from "node:crypto"
import { chmodSync, cpSync, mkdirSync, mkdtempSync, readFileSync, readlinkSync, rmSync, writeFileSync } from "node:fs"
import { createServer, isIPv4, type Server } from "node:net"
import { networkInterfaces, tmpdir } from "node:os"
import { join } from "node:path"
import { keyDirectory } from "../../approvals/keys.ts"
import type { Context } from "../../context.ts"
import { controlPath } from "../../gateway/control-path.ts"
import { dataHome, homeDirectory, stateHome } from "../../home.ts"
import { templatesDirectory } from "../../scaffold/templates.ts"
import { createUndo } from "../../undo.ts"
import { giveToOwner } from "../give.ts"
import { IN_BOX } from "../types.ts"
import type { OfOthers } from "./other-runs.ts"
import { parseOutcome } from "./read-outcomes.ts"
import type { Outcome, ProbeLimits } from "./types.ts"

export interface Prepared {
  /** The workspace to run in, directly: the probes lie in it. */
  workspace: string
  /** What runs in the box. */
  command: readonly string[]
  /** Goes into the environment of whoever starts the box, and must not come out in it. */
  environment: Record<string, string>
  /** Told before the box starts: what it has to keep to. */
  tellLimits: (limits: ProbeLimits) => void
  /** Which protected paths of the host have what a probe wrote, or are gone. To be asked once the box is over. */
  findWritten: () => string[]
  /** Every probe as it is before it ran: nothing can be told of it. */
  expected: readonly Outcome[]
  close: () => Promise<void>
}

/** Paths in a workspace that would do something on the host later; the shortest list that an attacker would try first. */
const PROTECTED = [
  ...[".git/hooks/pre-commit", ".git/config", ".git/info/attributes", "nanoguard.yaml", "nanoguard.local.yaml"],
  ...[".vscode/tasks.json", ".claude/settings.json", ".mcp.json", ".envrc"],
]

/** Of those that are there before, what must be there after. */
const KEPT = [".git/config", ".git/HEAD", "nanoguard.yaml"]

const SECRETS = [".env", "packages/api/.env", "id_ed25519", "certs/server.key"]

/** Sets it up. `close` takes all of it away. */
export async function prepareProbes(
  ctx: Pick<Context, "env" | "exec" | "cwd">,
  others: OfOthers = { sockets: [], tokens: {} },
): Promise<Prepared> {
  const canary = `nanoguard-canary-${randomBytes(12).toString("hex")}`
  const directory = mkdtempSync(join(tmpdir(), "nanoguard-selftest-"))
  const [workspace, hostFile] = [join(directory, "workspace"), join(directory, "host-file")]
  const undo = createUndo()
  undo.push(() => rmSync(directory, { recursive: true, force: true }))
  try {
    writeFileSync(hostFile, canary)
    mkdirSync(workspace)
    // Whoever the box runs as, it is the owner's workspace; nobody else may pass through the directory above.
    chmodSync(directory, 0o711)
    await fillWorkspace(ctx, workspace, canary)
    await giveToOwner(ctx, workspace)
    // No address: all of them, those of IPv6 included where this machine has any.
    const listener = await listen(canary, { port: 0 })
    undo.push(() => listener.close())
    // As the gate's sockets are: whoever sees it may open it.
    const otherRun = join(directory, "gate.sock")
    const other = await listen(canary, { path: otherRun })
    undo.push(() => other.close())
    chmodSync(otherRun, 0o666)
    const abstract = process.platform === "linux" ? canary : undefined
    if (abstract !== undefined) {
      const server = await listen(canary, { path: `\0${abstract}` })
      undo.push(() => server.close())
    }
    const environment = { NANOGUARD_SELFTEST_TOKEN: canary }
    // A process of the host with the canary in its environment and among its words. It ends with this one, for then nothing holds its input.
    const witness = spawn("/bin/sh", ["-c", "read -r _", canary], {
      ...{ env: { ...ctx.env, ...environment }, stdio: ["pipe", "ignore", "ignore"] },
    })
    undo.push(() => witness.kill("SIGKILL"))
    const { port: hostPort } = listener.address() as { port: number }
    const config = {
      ...{ canary, hostFile, hostPort, hostAddresses: hostAddresses(), hostPid: witness.pid, port: IN_BOX.port },
      ...{
        abstract,
        hostPaths: hostPaths(ctx),
        controlSocket: controlPath(ctx),
        otherSockets: [otherRun, ...others.sockets],
        ...{ tokens: others.tokens, visit: others.visit, approval: others.approval },
        neighbours: [...(others.neighbours ?? []), ...neighbours()],
      },
      ...{ protected: PROTECTED, secrets: SECRETS, namespaces: namespaces() },
    }
    const probes = join(workspace, "probes")
    const tellLimits = (limits: Partial<ProbeLimits>) =>
      writeFileSync(join(probes, "config.json"), JSON.stringify({ ...config, limits }))
    tellLimits({})
    return {
      ...{
        workspace,
        environment,
        tellLimits,
        close: () => undo.close(),
        command: ["node", `${IN_BOX.workspace}/probes/main.mjs`],
      },
      findWritten: () => findWritten(workspace, canary),
      expected: await listProbes(ctx, join(probes, "main.mjs")),
    }
  } catch (error) {
    await undo.close()
    throw error
  }
}

async function fillWorkspace(ctx: Pick<Context, "env" | "exec">, workspace: string, canary: string): Promise<void> {
  await ctx.exec("git", ["init", "--quiet", workspace], { env: ctx.env, timeout: 10_000 })
  cpSync(join(templatesDirectory(), "box", "probes"), join(workspace, "probes"), { recursive: true })
  writeFileSync(join(workspace, "nanoguard.yaml"), "version: 1\n")
  for (const path of SECRETS) {
    mkdirSync(join(workspace, path, ".."), { recursive: true })
    const text = !path.endsWith(".env")
      ? `-----BEGIN OPENSSH PRIVATE KEY-----\n${canary}\n-----END OPENSSH PRIVATE KEY-----\n`
      : `API_TOKEN=${canary}\n`
    writeFileSync(join(workspace, path), text, { mode: 0o600 })
  }
}

/** In a workspace of the host. A box may have a repository of its own, in which it may write what it likes. */
function findWritten(workspace: string, canary: string): string[] {
  const written = PROTECTED.filter((path) => readIfThere(join(workspace, path))?.includes(canary))
  const gone = KEPT.filter((path) => readIfThere(join(workspace, path)) === undefined)
  return [...written, ...gone.map((path) => `${path} is gone`)]
}

function readIfThere(path: string): string | undefined {
  try {
    return readFileSync(path, "utf8")
  } catch {
    return undefined
  }
}

/** Asks the probes themselves, before a box has had them in its hands. */
async function listProbes(ctx: Pick<Context, "env" | "exec">, main: string): Promise<Outcome[]> {
  const { stdout } = await ctx.exec(process.execPath, [main, "--list"], { env: ctx.env, timeout: 10_000 })
  return stdout.split("\n").flatMap((line) => parseOutcome(line) ?? [])
}

/** A server of the host that says the canary to whoever comes. */
function listen(canary: string, where: { port: number } | { path: string }): Promise<Server> {
  const answer = `HTTP/1.1 200 OK\r\nContent-Length: ${canary.length}\r\nConnection: close\r\n\r\n${canary}`
  const server = createServer((socket) => {
    socket.on("error", () => socket.destroy())
    socket.end(answer)
  })
  return new Promise((resolve, reject) => {
    server.once("error", reject)
    server.listen(where, () => resolve(server.unref()))
  })
}

function hostAddresses(): string[] {
  const all = Object.values(networkInterfaces()).flatMap((addresses) => addresses ?? [])
  return [...new Set(all.filter(({ internal }) => !internal).map(({ address }) => address))].slice(0, 8)
}

/** Who is beside this machine on its networks, containers among them: whom it spoke with lately (the table of ARP, proc(5)). */
function neighbours(): { host: string; port: number }[] {
  const lines = readIfThere("/proc/net/arp")?.split("\n").slice(1) ?? []
  const hosts = lines.map((line) => line.split(/\s+/)[0]!).filter((host) => isIPv4(host))
  return [...new Set(hosts)].slice(0, 8).map((host) => ({ host, port: 80 }))
}

/** What of this person's the box must not even see. */
function hostPaths(ctx: Pick<Context, "env">): string[] {
  const home = homeDirectory(ctx.env)
  const own = [".ssh", ".aws", ".gnupg", ".npmrc", ".netrc", ".bash_history", ".docker/config.json"]
  const state = stateHome(ctx)
  return [
    ...[state, dataHome(ctx), keyDirectory(ctx), join(state, "record.db"), join(state, "vault.json")],
    ...own.map((name) => join(home, name)),
  ]
}

function namespaces(): Record<string, string> {
  if (process.platform !== "linux") return {}
  const names = ["pid", "net", "ipc", "uts", "mnt"]
  return Object.fromEntries(names.map((name) => [name, readlinkSync(`/proc/self/ns/${name}`)]))
}
