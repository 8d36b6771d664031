// What a user without rights is told of processes that are another's.
import { spawn } from "node:child_process"
import { chmodSync, cpSync, mkdirSync, utimesSync, writeFileSync } from "node:fs"
import { dirname, join } from "node:path"
import { fileURLToPath } from "node:url"
import { expect, onTestFinished, test } from "vitest"
import { processContext } from "../../src/context.ts"
import { boxDirectory } from "../../src/sandbox/box-directory.ts"
import { ownIdentity, processStart } from "../../src/sandbox/owner.ts"
import { temporaryDirectory } from "../context.ts"
import { needRoot } from "./workspace/make.ts"

const RUN = "run-00000000aaaa"
const SOURCES = fileURLToPath(new URL("../../src", import.meta.url))

/** Asks as user 1000 in a `/proc` that shows nobody the processes of others (proc(5), hidepid=1). */
async function askAsAnother(home: string, owner: object): Promise<{ killed: boolean; alive: boolean }> {
  // A clone may lie where nobody else may look.
  const directory = temporaryDirectory()
  cpSync(SOURCES, join(directory, "src"), { recursive: true })
  const script = join(directory, "test/sandbox/another.ts")
  mkdirSync(dirname(script), { recursive: true })
  cpSync(fileURLToPath(new URL("another.ts", import.meta.url)), script)
  cpSync(process.execPath, join(directory, "node"))
  writeFileSync(join(directory, "package.json"), '{"type":"module"}')
  chmodSync(directory, 0o755)
  const words = [join(directory, "node"), script, home, RUN, JSON.stringify(owner)]
  const { stdout, stderr } = await processContext().exec(
    "unshare",
    [
      ...["--mount", "sh", "-c"],
      'mount -t proc -o hidepid=1 proc /proc && exec setpriv --reuid 1000 --regid 1000 --clear-groups "$@"',
      ...["sh", ...words],
    ],
    { timeout: 20_000 },
  )
  expect(stderr).toBe("")
  return JSON.parse(stdout)
}

test.runIf(process.platform === "linux")("nobody is alive or kills for what cannot be read now or ever", async (t) => {
  needRoot(t)
  const home = temporaryDirectory()
  const still = join(boxDirectory({ env: { NANOGUARD_HOME: home } }, RUN), "still")
  mkdirSync(still, { recursive: true })
  for (let at = still; at !== dirname(home); at = dirname(at)) chmodSync(at, 0o755)
  // Another process of root's, under the id of one that is gone.
  const other = spawn("sleep", ["60"], { stdio: "ignore" })
  onTestFinished(() => void other.kill("SIGKILL"))
  const { machine, boot } = ownIdentity()
  const gone = { pid: other.pid!, start: String(Number(processStart(other.pid!)) - 1), machine, boot }
  const question = join(still, `kill-${other.pid}-a`)
  writeFileSync(question, JSON.stringify(gone), { mode: 0o600 })
  expect(await askAsAnother(home, gone)).toEqual({ killed: true, alive: false })
  const before = new Date(Date.now() - 3_600_000)
  utimesSync(question, before, before)
  expect(await askAsAnother(home, gone)).toEqual({ killed: false, alive: false })
})
