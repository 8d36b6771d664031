// Asks the bubblewrap engine for a box while this process can open no file more: `node crowded.ts <directory>`, under a low `ulimit -n`.
import { closeSync, mkdirSync, openSync, readFileSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { processContext } from "../../../src/context.ts"
import { boxDirectory } from "../../../src/sandbox/box-directory.ts"
import { killMembers } from "../../../src/sandbox/engines/bubblewrap/cgroup.ts"
import { isStopped, killNamespace, stopNamespace } from "../../../src/sandbox/engines/bubblewrap/processes.ts"
import { createBubblewrap } from "../../../src/sandbox/engines/bubblewrap.ts"
import type { FoundBox } from "../../../src/sandbox/types.ts"

const run = "run-00000000aaaa"
const ctx = { ...processContext(), env: { NANOGUARD_HOME: process.argv[2]! } }
const directory = boxDirectory(ctx, run)
mkdirSync(directory, { recursive: true })
// As a launch that has not begun yet, and a group with a process.
const [boot, up] = ["sys/kernel/random/boot_id", "uptime"].map((name) => readFileSync(`/proc/${name}`, "utf8"))
const ticks = Math.floor(Number(up!.split(" ")[0]) * 100)
const launch = { boot: boot!.trim(), ticks, cgroup: { version: 1, directories: {} } }
writeFileSync(join(directory, "bubblewrap.json"), JSON.stringify(launch))
writeFileSync(join(directory, "cgroup.procs"), "4194304\n")

const engine = createBubblewrap(ctx)
const box: FoundBox = { run, agent: "", engine: "bubblewrap", handle: "", state: "running" }
const init = { pid: process.pid, namespace: 1 }
const open: number[] = []
const say = async (what: string, work: () => unknown) => {
  try {
    for (;;) open.push(openSync("/dev/null", "r"))
  } catch {
    // As many as there may be.
  }
  let said: unknown
  try {
    said = JSON.stringify(await work()) ?? "done"
  } catch (error) {
    said = (error as NodeJS.ErrnoException).code
  }
  for (const fd of open.splice(0)) closeSync(fd)
  process.stdout.write(`${what}: ${said}\n`)
}
process.stdout.write("begins\n")
await say("list", engine.list)
await say("freeze", () => engine.freeze(box))
await say("kill", () => engine.kill(box))
await say("remove", () => engine.remove(box))
await say("stop the processes", () => stopNamespace(init))
await say("are they stopped", () => isStopped(init))
await say("kill the processes", () => killNamespace(init))
await say("kill the group", () => killMembers({ version: 1, directories: { freezer: directory } }))
