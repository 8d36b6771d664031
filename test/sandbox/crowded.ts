// Asks who is alive, who kills and who asks while this process can open no file more: `node crowded.ts <directory>`, under a low `ulimit -n`.
import { spawn } from "node:child_process"
import { closeSync, mkdirSync, openSync, readFileSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { setTimeout as sleep } from "node:timers/promises"
import { boxDirectory } from "../../src/sandbox/box-directory.ts"
import { isBeingKilled } from "../../src/sandbox/neighbours/questions.ts"
import { answerNeighbours } from "../../src/sandbox/neighbours/still.ts"
import { isOwnerAlive, ownIdentity, processStart } from "../../src/sandbox/owner.ts"

const RUN = "run-00000000aaaa"
const ctx = { env: { NANOGUARD_HOME: process.argv[2]! } }
const still = join(boxDirectory(ctx, RUN), "still")
mkdirSync(still, { recursive: true })

// Another process, as it names itself; without this module, which reads who it is once.
const other = spawn("sleep", ["60"], { stdio: "ignore" })
const stat = readFileSync(`/proc/${other.pid}/stat`, "latin1")
const owner = { pid: other.pid!, start: stat.slice(stat.lastIndexOf(")") + 2).split(" ")[19]! }

const open: number[] = []
const fill = () => {
  try {
    for (;;) open.push(openSync("/dev/null", "r"))
  } catch {
    // As many as there may be.
  }
}
const empty = () => {
  for (const fd of open.splice(0)) closeSync(fd)
}
const say = (what: string, answer: () => unknown) => {
  let said: unknown
  try {
    said = answer()
  } catch (error) {
    said = (error as Error).message
  }
  process.stdout.write(`${what}: ${typeof said === "object" ? Object.keys(said!).sort().join(" ") : said}\n`)
}

// Standard output is open by then.
process.stdout.write("begins\n")
fill()
say("own identity", ownIdentity)
say("start of another", () => processStart(other.pid!))
say("another is alive", () => isOwnerAlive(owner))
empty()
say("own identity later", ownIdentity)

const acted: string[] = []
const hand = { freeze: async () => void acted.push("freeze"), thaw: async () => void acted.push("thaw") }
const answering = answerNeighbours(ctx, RUN, hand)
writeFileSync(join(still, "ask-other"), JSON.stringify(owner))
for (let waited = 0; acted.length === 0 && waited < 5000; waited += 10) await sleep(10)
fill()
// Its clock looks several times.
await sleep(1200)
say("asked by another", () => acted.join(" "))
answering.close()
empty()
writeFileSync(join(still, "kill-other"), JSON.stringify(owner))
fill()
say("killed by another", () => isBeingKilled(ctx, RUN))
empty()
other.kill("SIGKILL")
