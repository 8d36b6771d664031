// An upstream that answers once so and once otherwise: what is known of one answer's files says nothing of the other's.
import { createHash } from "node:crypto"
import { expect, it } from "vitest"
import { openTestGate, startNpmUpstream } from "./gate.ts"

it("serves no bytes on the word of another answer than the one that promised them", async () => {
  const upstream = await startNpmUpstream()
  const bytes = ["as it was published", "as somebody else would have it"]
  const name = "lib-1.0.0-py3-none-any.whl"
  let asked = 0
  upstream.answer("/simple/lib/", (_, response) => {
    const which = asked++ % 2
    const sha256 = createHash("sha256").update(bytes[which]!).digest("hex")
    const files = [
      { filename: name, url: `/files/${which}/${name}`, hashes: { sha256 }, "upload-time": "2020-01-01T00:00:00Z" },
    ]
    const headers = { "content-type": "application/vnd.pypi.simple.v1+json", "cache-control": "max-age=0" }
    response.writeHead(200, headers).end(JSON.stringify({ meta: { "api-version": "1.0" }, name: "lib", files }))
  })
  for (const which of [0, 1]) upstream.answer(`/files/${which}/${name}`, (_, response) => response.end(bytes[which]))
  const gate = await openTestGate({
    policy: "version: 1\ndefault: allow\npackages:\n  ask: { age: 3d }\n  unknown: allow\n",
    env: { PIP_INDEX_URL: `${upstream.base}/simple/` },
  })
  const answer = await gate.get(`/pypi/files/lib/${name}`, { "user-agent": "pip/26.0" })
  expect(asked).toBe(2)
  expect([answer.status, (await answer.text()).includes("integrity.mismatch")]).toEqual([403, true])
})
