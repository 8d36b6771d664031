// Boxes for tests of real engines: what is in one, its end, and a counter whose standing still shows that it is frozen.
import { randomBytes } from "node:crypto"
import { readFileSync } from "node:fs"
import { join } from "node:path"
import { setTimeout as sleep } from "node:timers/promises"
import type { BoxSpec } from "../../src/sandbox/types.ts"
import { finished, type UsableEngine } from "./engines.ts"

export const MiB = 2 ** 20

export interface Made {
  spec: BoxSpec
  workspace: string
}

/** A box of the test image that runs a shell script, and its workspace on the host. */
export function boxOf(engine: UsableEngine, script: string, more: Partial<BoxSpec> = {}): Made {
  const workspace = engine.directory()
  const spec: BoxSpec = {
    run: `run-${randomBytes(6).toString("hex")}`,
    agent: "tester",
    ...(engine.image !== undefined && { image: engine.image }),
    ...(engine.runtime !== undefined && { runtime: engine.runtime }),
    command: ["sh", "-c", script],
    env: { HOME: "/home/agent", PATH: "/usr/local/bin:/usr/bin:/bin", GREETING: 'a, "b" $c\nd' },
    cwd: "/workspace",
    user: engine.user,
    mounts: [
      { kind: "bind", source: workspace, target: "/workspace", write: true },
      { kind: "tmpfs", target: "/tmp", size: 16 * MiB, mode: 0o1777, exec: true },
      { kind: "tmpfs", target: "/home/agent", size: 16 * MiB, mode: 0o700, exec: false },
      { kind: "mask", target: "/workspace/.env", directory: false },
      { kind: "mask", target: "/workspace/keys", directory: true },
    ],
    limits: { memory: 256 * MiB, pids: 64, files: 512, fileSize: 64 * MiB },
    hostname: "box",
    tty: false,
    ...more,
  }
  return { spec, workspace }
}

/** Runs one to its end. */
export async function runBox(engine: UsableEngine, script: string, more: Partial<BoxSpec> = {}) {
  const { spec, workspace } = boxOf(engine, script, more)
  const child = engine.start(await engine.methods.launch(spec))
  return { ...(await finished(child)), workspace, spec }
}

/** Until it is so; the test's own time is the limit. */
export async function until(holds: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await holds())) await sleep(20)
}

/** What the counter last wrote; nothing before its first. */
export const count = (workspace: string) => {
  try {
    return readFileSync(join(workspace, "count"), "utf8")
  } catch {
    return ""
  }
}

/** A script that counts in a file of the workspace. Written beside and renamed: a reader never sees half a number. */
export const COUNTER = "i=0; while :; do i=$((i+1)); echo $i > .n; mv .n count; sleep 0.02; done"
