// Preloaded into a process (`node --import`) and each of its threads: counts every moment at which something can be waited for, and
// kills the process at one of them. A point is a callback or promise that is taken up again, and each SQL statement and each
// synchronous call that changes a file, before and after. POINTS_THREAD and POINTS_AT say where to kill; POINTS_COUNT names a
// directory for how many there were.
import { createHook } from "node:async_hooks"
import fs, { openSync, writeSync } from "node:fs"
import { syncBuiltinESMExports } from "node:module"
import { join } from "node:path"
import { isMainThread, threadName } from "node:worker_threads"

const { POINTS_THREAD, POINTS_AT, POINTS_COUNT } = process.env
const thread = isMainThread ? "main" : String(threadName)
const target = POINTS_THREAD === thread ? Number(POINTS_AT) : -1
const counter = POINTS_COUNT === undefined ? undefined : openSync(join(POINTS_COUNT, thread), "w")
const write = writeSync
let count = 0

function point(): void {
  count++
  if (counter !== undefined) write(counter, String(count), 0)
  if (count !== target) return
  process.kill(process.pid, "SIGKILL")
  // The signal comes within microseconds; this thread does nothing more until then.
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0)
}

function surround(holder: object, name: string): void {
  const methods = holder as Record<string, (...args: unknown[]) => unknown>
  const original = methods[name]!
  methods[name] = function (this: unknown, ...args) {
    point()
    const result = Reflect.apply(original, this, args)
    point()
    return result
  }
}

const { DatabaseSync, StatementSync } = process.getBuiltinModule("node:sqlite")
for (const name of ["exec", "close"]) surround(DatabaseSync.prototype, name)
for (const name of ["run", "get", "all"]) surround(StatementSync.prototype, name)
const changing = [
  "openSync",
  "writeFileSync",
  "writeSync",
  "fsyncSync",
  "linkSync",
  "unlinkSync",
  "rmSync",
  "renameSync",
]
for (const name of [...changing, "mkdirSync", "chmodSync", "fchmodSync", "closeSync"]) surround(fs, name)
syncBuiltinESMExports()
createHook({ before: point }).enable()
