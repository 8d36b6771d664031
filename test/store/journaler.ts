// Counts repeats in the traffic journal, says "acknowledged", and stands still before anything else of it runs: a process to be killed.
// `node journaler.ts <json of what the repeats of records 1 and 2 have in common>`.
import { readdirSync } from "node:fs"
import { join } from "node:path"
import { setTimeout as sleep } from "node:timers/promises"
import { processContext } from "../../src/context.ts"
import { JOURNAL } from "../../src/store/journal/replay.ts"
import { stateHome } from "../../src/store/location.ts"
import { openStore } from "../../src/store/open.ts"

const [one = "", two = ""] = JSON.parse(process.argv[2] ?? "[]") as string[]
const ctx = processContext()
const store = await openStore(ctx, { gateway: "killed" })
for (let noted = store.repeat(one, 1); noted === undefined; noted = store.repeat(one, 1)) await sleep(2)
while (readdirSync(join(stateHome(ctx), JOURNAL)).some((name) => name !== "writers")) await sleep(5)
await Promise.all([store.repeat(one, 1), store.repeat(two, 2), store.repeat(one, 1)])
process.stdout.write("acknowledged\n")
Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0)
