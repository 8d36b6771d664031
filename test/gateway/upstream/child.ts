// A process with an upstream of its own: it begins an artifact, says so, and goes on until it is done or killed.
import { openUpstream } from "../../../src/gateway/upstream/open.ts"

const [directory, url, integrity, times = "1"] = process.argv.slice(2)
const upstream = await openUpstream({ directory, env: {}, now: Date.now })
for (let i = 0; i < Number(times); i++) {
  const artifact = await upstream.artifact({
    url: url!.replace("%d", String(i)),
    integrity: integrity ? [integrity] : [],
  })
  if (!artifact.ok) throw new Error(artifact.detail)
  process.stdout.write("begun\n")
  let bytes = 0
  for await (const chunk of artifact.bytes) bytes += chunk.length
  process.stdout.write(`whole ${bytes}\n`)
}
await upstream.close()
