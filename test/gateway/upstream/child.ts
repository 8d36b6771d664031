// A process with an upstream of its own: it asks for an artifact some times, says when it begins and when it is whole, and in the
// end how much memory it took at most.
import { parseArgs } from "node:util"
import { openUpstream } from "../../../src/gateway/upstream/open.ts"

const { values } = parseArgs({
  options: {
    directory: { type: "string" },
    url: { type: "string", default: "" },
    integrity: { type: "string" },
    times: { type: "string", default: "1" },
  },
})
const upstream = await openUpstream({ directory: values.directory, env: {}, now: Date.now })
for (let i = 0; i < Number(values.times); i++) {
  const integrity = values.integrity === undefined ? [] : [values.integrity]
  const artifact = await upstream.artifact({ url: values.url.replace("%d", String(i)), integrity })
  if (!artifact.ok) throw new Error(artifact.detail)
  process.stdout.write("begun\n")
  let bytes = 0
  for await (const chunk of artifact.bytes) bytes += chunk.length
  process.stdout.write(`${artifact.cached ? "cached" : "whole"} ${bytes}\n`)
}
await upstream.close()
process.stdout.write(`memory ${process.resourceUsage().maxRSS * 1024}\n`)
