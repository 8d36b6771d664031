// A gateway as a process: appends events, some at once, until SIGTERM or as many as asked for, and tells each answer before it goes
// on: `<seq> <id>`, or `failed <id> <JSON>`. Several names are gateways one after the other, each with the store opened anew.
// Usage: node writer.ts <name>[,<name>...] [count] [at once] [mixed: some are lax].
import { setTimeout as sleep } from "node:timers/promises"
import { processContext } from "../../../src/context.ts"
import { NanoguardError } from "../../../src/errors.ts"
import { openStore } from "../../../src/store/open.ts"
import { eventOf, isLax } from "./names.ts"
import { tell } from "./tell.ts"

const [names, count, atOnce] = [process.argv[2]!.split(","), Number(process.argv[3]), Number(process.argv[4])]
const mode = process.argv[5]
let ending = false
process.once("SIGTERM", () => {
  ending = true
})

async function run(name: string): Promise<void> {
  const store = await openStore(processContext(), { gateway: name, checkpointEvery: 64, checkpointMs: 200 })
  let next = 0
  const append = async () => {
    while (next < count && !ending) {
      const id = `${name}-${next++}`
      try {
        const lax = mode !== undefined && isLax(id)
        const { seqs } = await store.write({ events: [eventOf(id)], ...(lax && { lax }) })
        tell(`${seqs[0]} ${id}`)
        // Slow enough for the deriver to come between a commit and its sync.
        if (lax) await sleep(8)
      } catch (error) {
        const { message, exit, hint } = error as NanoguardError
        tell(`failed ${id} ${JSON.stringify({ known: error instanceof NanoguardError, message, exit, hint })}`)
        await sleep(20)
      }
    }
  }
  await Promise.all(Array.from({ length: Math.min(atOnce, count) }, append))
  await store.close()
  tell(`closed ${name}`)
}

for (const name of names) await run(name)
