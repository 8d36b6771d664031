// A process that archives, to be killed: `archiver.ts <directory> <before>`, with segments of 40 records.
import { archiveRecords, planArchive } from "../../../src/audit/archive/index.ts"
import { processContext } from "../../../src/context.ts"
import { openStore } from "../../../src/store/open.ts"

const [directory = "", before = ""] = process.argv.slice(2)
const store = await openStore(processContext(), { gateway: "archiver" })
const plan = await planArchive(store.db, Number(before))
process.stdout.write("ready\n")
await archiveRecords(store, plan, {
  ...{ directory, gzip: true, by: "officer", gateway: "archiver", now: Date.now(), segment: 40 },
  onSegment: ({ to }) => process.stdout.write(`${to}\n`),
})
await store.close()
