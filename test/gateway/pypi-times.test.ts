// An index without upload times (before PEP 700) does not hold everything back: the time is asked for with the bytes.
import { expect, it } from "vitest"
import { openTestGate, startNpmUpstream } from "./gate.ts"

it("lists what only lacks its time", async () => {
  const upstream = await startNpmUpstream()
  const file = { filename: "lib-1.0.0-py3-none-any.whl", url: "/files/lib-1.0.0-py3-none-any.whl" }
  const page = {
    ...{ meta: { "api-version": "1.0" }, name: "lib" },
    files: [{ ...file, hashes: { sha256: "0".repeat(64) } }],
  }
  upstream.answer("/simple/lib/", (_, response) =>
    response.writeHead(200, { "content-type": "application/vnd.pypi.simple.v1+json" }).end(JSON.stringify(page)),
  )
  const gate = await openTestGate({
    policy: "version: 1\npackages:\n  ask: { age: 3d }\n  unknown: ask\n",
    env: { PIP_INDEX_URL: `${upstream.base}/simple/` },
  })
  const headers = { accept: "application/vnd.pypi.simple.v1+json", "user-agent": "pip/26.0" }
  const { files } = (await (await gate.get("/pypi/simple/lib/", headers)).json()) as typeof page
  expect(files).toMatchObject([{ url: expect.not.stringContaining("/-/blocked/"), yanked: false }])
})
