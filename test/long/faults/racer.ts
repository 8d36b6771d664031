// A gateway that wants what another one wants too: for each number that it reads it claims the row of that number, which must be
// free, together with an event. Tells `won <number> <seq>`, `lost <number>`, or `failed <number> <message>`.
import { createInterface } from "node:readline"
import { processContext } from "../../../src/context.ts"
import { Conflict } from "../../../src/store/conflict.ts"
import { openStore } from "../../../src/store/open.ts"
import { tell } from "./tell.ts"

const name = process.argv[2]!
const store = await openStore(processContext(), { gateway: name })

async function race(number: string): Promise<void> {
  const claim = store.db
    .updateTable("settings")
    .set({ value: name })
    .where("name", "=", `race ${number}`)
    .where("value", "=", "free")
    .compile()
  const event = { type: "approval.consumed", subject: `race ${number}`, gateway: name }
  try {
    const { seqs } = await store.write({ changes: [{ ...claim, expect: 1 }], events: [event] })
    tell(`won ${number} ${seqs[0]}`)
  } catch (error) {
    tell(error instanceof Conflict ? `lost ${number}` : `failed ${number} ${(error as Error).message}`)
  }
}

tell("ready")
const racing: Promise<void>[] = []
for await (const number of createInterface({ input: process.stdin })) racing.push(race(number))
await Promise.all(racing)
await store.close()
