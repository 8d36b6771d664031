// Boxes of real engines in numbers, started as `nanoguard run` starts them, whose command does nothing but go on.
import { type ChildProcess, spawn } from "node:child_process"
import { existsSync, mkdirSync } from "node:fs"
import { join } from "node:path"
import type { Writable } from "node:stream"
import { setTimeout as sleep } from "node:timers/promises"
import { type Context, processContext } from "../../src/context.ts"
import { writeBoxFile } from "../../src/sandbox/boxes.ts"
import { openEngines } from "../../src/sandbox/engines/index.ts"
import { ownIdentity } from "../../src/sandbox/owner.ts"
import type { BoxFile, BoxSpec, EngineName } from "../../src/sandbox/types.ts"

/** Counts in a file of its workspace, 50 times a second: what stands still counts no more. */
const COUNT = "i=0; while :; do i=$((i+1)); echo $i >/workspace/count; sleep 0.02; done"

/** The context of a person whose home is `home`, on this machine. */
export function homeContext(home: string): Context {
  mkdirSync(home, { recursive: true })
  const env = { PATH: process.env["PATH"] ?? "", HOME: home, NANOGUARD_HOME: join(home, "nanoguard"), NO_COLOR: "1" }
  return { ...processContext(), env: { ...env, NANOGUARD_OPERATOR: "olga" }, cwd: home }
}

/** Starts a box and keeps its file; resolves once its program runs. `directory` becomes its workspace. */
export async function startBox(
  ctx: Context,
  name: EngineName,
  box: { run: string; agent: string; directory: string; image?: string },
  owner: BoxFile["owner"] = ownIdentity(),
): Promise<ChildProcess> {
  const engine = openEngines(ctx).find((one) => one.name === name)!
  const { run, agent, directory, image } = box
  mkdirSync(directory, { recursive: true, mode: 0o777 })
  const user = { uid: process.getuid?.() ?? 0, gid: process.getgid?.() ?? 0 }
  const spec: BoxSpec = {
    ...{ run, agent, command: ["/bin/sh", "-c", COUNT], env: { PATH: "/usr/bin:/bin", HOME: "/home/agent" } },
    ...{ cwd: "/workspace", user, hostname: "box", tty: false, ...(image !== undefined && { image }) },
    mounts: [{ kind: "bind", source: directory, target: "/workspace", write: true }],
    limits: { memory: 256 * 1024 * 1024, pids: 64, files: 256 },
  }
  writeBoxFile(ctx, {
    ...{ schema: "nanoguard.box/1", run, agent, operator: "olga", project: directory, engine: name, owner },
    ...{ started: Date.now(), command: ["count"], writes: [], leftovers: [] },
  })
  const { file, args, env, descriptors = [] } = await engine.launch(spec)
  const stdio = ["ignore" as const, "ignore" as const, "pipe" as const, ...descriptors.map(() => "pipe" as const)]
  const child = spawn(file, args, { stdio, ...(env && { env }) })
  let said = ""
  child.stderr!.on("data", (chunk) => {
    said += String(chunk)
  })
  for (const [i, bytes] of descriptors.entries()) {
    const pipe = child.stdio[3 + i] as Writable
    // A launcher that fails reads nothing; what it says is on stderr.
    pipe.on("error", () => {}).end(bytes)
  }
  for (let tries = 0; tries < 400; tries++) {
    if (existsSync(join(directory, "count"))) return child
    if (child.exitCode !== null) break
    await sleep(25)
  }
  throw new Error(`the box did not start (${child.exitCode}): ${said}`)
}
