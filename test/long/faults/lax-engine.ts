// The committer's engine alone, without a deriver that would sync for itself: commits lax groups, tells each answer, and then does
// nothing more. Usage: node lax-engine.ts <state directory> <count>.
import { setTimeout as sleep } from "node:timers/promises"
import { openSqliteEngine } from "../../../src/store/sqlite/commit.ts"
import { eventOf } from "./names.ts"
import { tell } from "./tell.ts"

const [directory, count] = [process.argv[2]!, Number(process.argv[3])]
const engine = await openSqliteEngine({ directory, gateway: "one", commitKey: new Uint8Array(32), now: Date.now })
for (let n = 0; n < count; n++) {
  const id = `one-${n}`
  const [outcome] = await engine.commitGroup([{ changes: [], events: [eventOf(id)], lax: true }])
  if (!outcome || !("seqs" in outcome)) throw new Error(`${id} was refused`)
  tell(`${outcome.seqs[0]} ${id}`)
  // Some share a sync, some come while one is under way.
  if (n % 10 === 0) await sleep(30)
}
tell("idle")
await sleep(2 ** 30)
