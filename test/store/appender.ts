// A process that appends events, many at once, until it has as many or gets SIGTERM, and tells what it was told about each:
// `<seq> <subject>` or `failed <subject> <message>`. Usage: node appender.ts <name> <count> [lax: those of
// even number need not wait for a sync].
import { processContext } from "../../src/context.ts"
import { openStore } from "../../src/store/open.ts"

const [name, count] = [process.argv[2]!, Number(process.argv[3])]
const store = await openStore(processContext(), { gateway: name })
let next = 0
let ending = false
process.once("SIGTERM", () => {
  ending = true
})

async function append(): Promise<void> {
  while (next < count && !ending) {
    const subject = `${name}-${next++}`
    try {
      const lax = process.argv[4] === "lax" && Number(subject.split("-")[1]) % 2 === 0
      const event = { type: "package.decided", subject, gateway: name }
      const { seqs } = await store.write({ events: [event], ...(lax && { lax }) })
      process.stdout.write(`${seqs[0]} ${subject}\n`)
    } catch (error) {
      process.stdout.write(`failed ${subject} ${error instanceof Error ? error.message : error}\n`)
    }
  }
}

await Promise.all(Array.from({ length: Math.min(16, count) }, append))
await store.close()
