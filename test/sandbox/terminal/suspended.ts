// Boxes that stand still while this process is suspended: `node suspended.ts <JSON of milliseconds that each takes for it; null where it cannot>`.
import { setTimeout as sleep } from "node:timers/promises"
import { suspendWith } from "../../../src/sandbox/terminal/suspend.ts"

const say = (text: string) => process.stdout.write(`${text}\n`)
for (const [index, takes] of (JSON.parse(process.argv[2]!) as (number | null)[]).entries())
  suspendWith({
    onPause: async () => {
      if (takes === null) throw new Error("it cannot")
      await sleep(takes)
      say(`${index} paused`)
    },
    onResume: async () => void say(`${index} resumed`),
    onNote: (note) => void say(`${index}: ${note}`),
  })
setInterval(() => {}, 1000)
say("ready")
