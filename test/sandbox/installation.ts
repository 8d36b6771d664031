// nanoguard as built, installed for a user of this machine: with an approver, a policy in force and a gate that runs.
import { execFile, spawn } from "node:child_process"
import { chmodSync, cpSync, mkdirSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { onTestFinished } from "vitest"
import { temporaryDirectory } from "../context.ts"
import { own } from "./user.ts"

const ROOT = fileURLToPath(new URL("../..", import.meta.url))

/** Who runs it: this process's own user where `as` is absent. */
export interface Installer {
  node: string
  as?: { uid: number; gid: number }
  /** Of its environment: HOME, PATH and what its engine wants. */
  env: Record<string, string>
  /** Whose the project and so the boxes are. */
  owner: { uid: number; gid: number }
}

export interface Installation {
  project: string
  /** Runs one command in the project; resolves whatever its exit code. */
  nanoguard: (...args: string[]) => Promise<{ exit: number; out: string; err: string }>
}

/** Installs it, adopts `policy`, and starts a gate on any port. `keep` registers what takes all of it away. */
export async function install(
  { node, as, env, owner }: Installer,
  policy: string,
  keep: (undo: () => Promise<void>) => void = (undo) => onTestFinished(undo),
): Promise<Installation> {
  const user = as ?? { uid: process.getuid?.() ?? 0, gid: process.getgid?.() ?? 0 }
  const place = own(temporaryDirectory({}), user)
  for (const name of ["bin", "dist", "templates", "schema", "package.json"])
    cpSync(join(ROOT, name), join(place, name), { recursive: true })
  const project = join(place, "project")
  mkdirSync(project)
  writeFileSync(join(place, "pass.txt"), "correct horse battery\n")
  writeFileSync(join(project, "nanoguard.yaml"), policy)
  // Whoever the box is may pass through, and look at nothing.
  chmodSync(place, 0o711)
  await run("chown", ["-R", `${user.uid}:${user.gid}`, place])
  await run("chown", ["-R", `${owner.uid}:${owner.gid}`, project])
  const options = {
    ...(as && { uid: as.uid, gid: as.gid }),
    ...{ cwd: project, env: { ...env, NANOGUARD_HOME: join(place, "home"), NO_COLOR: "1" } },
  }
  const cli = join(place, "bin", "nanoguard.js")
  const nanoguard: Installation["nanoguard"] = (...args) => run(node, [cli, ...args], options)
  const pass = join(place, "pass.txt")
  const must = async (...args: string[]) => {
    const { exit, err } = await nanoguard(...args)
    if (exit !== 0) throw new Error(`nanoguard ${args.join(" ")} ended with ${exit}: ${err}`)
  }
  await must("approver", "add", "ana", "--new-passphrase-file", pass, "--passphrase-file", pass)
  await must("policy", "adopt", "--yes", "--passphrase-file", pass)
  const gate = spawn(node, [cli, "gateway", "start", "--port", "0"], {
    ...options,
    stdio: ["ignore", "pipe", "inherit"],
  })
  const ended = new Promise((resolve) => gate.once("close", resolve))
  keep(async () => {
    gate.kill("SIGTERM")
    await ended
  })
  await new Promise((resolve, reject) => {
    gate.stdout.once("data", resolve)
    gate.once("close", (code) => reject(new Error(`the gate ended with ${code}`)))
  })
  return { project, nanoguard }
}

function run(file: string, args: readonly string[], options: object = {}) {
  return new Promise<{ exit: number; out: string; err: string }>((resolve, reject) => {
    execFile(file, args, { ...options, maxBuffer: 2 ** 24, timeout: 300_000 }, (error, stdout, stderr) => {
      if (error !== null && typeof error.code !== "number") reject(error)
      else resolve({ exit: typeof error?.code === "number" ? error.code : 0, out: String(stdout), err: String(stderr) })
    })
  })
}
