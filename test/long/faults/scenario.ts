// The life of a gateway in short: opens the store, appends, writes a batch with a change, loses a race, takes a checkpoint and
// publishes it, appends many at once, closes. Tells what it was told: `<seq> <id>`, `batch <seqs>`, `conflict`, `checkpoint <size>`.
import { processContext } from "../../../src/context.ts"
import { Conflict } from "../../../src/store/conflict.ts"
import { openStore } from "../../../src/store/open.ts"
import { eventOf } from "./names.ts"
import { tell } from "./tell.ts"

const store = await openStore(processContext(), { gateway: "life", checkpointMs: 50 })
const append = async (number: number) => tell(`${await store.append(eventOf(`life-${number}`))} life-${number}`)

await append(1)
const claim = store.db.insertInto("settings").values({ name: "claim", value: "1" }).compile()
const release = store.db.deleteFrom("settings").where("name", "=", "claim").where("value", "=", "2").compile()
const events = [2, 3, 4].map((number) => eventOf(`life-${number}`))
const { seqs } = await store.write({ changes: [{ ...claim, expect: 1 }], events })
tell(`batch ${seqs.join(" ")}`)
const lost = store.write({ changes: [{ ...release, expect: 1 }], events: [eventOf("life-666")] })
await lost.catch((error) => {
  if (error instanceof Conflict) tell("conflict")
})
tell(`checkpoint ${await store.checkpoint()}`)
await Promise.all(Array.from({ length: 8 }, (_, i) => append(10 + i)))
await store.close()
tell("closed life")
