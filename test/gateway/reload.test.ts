import { expect, it } from "vitest"
import { openTestGate, startNpmUpstream } from "./gate.ts"

const STRICT = "version: 1\npackages:\n  deny: { age: 3d }\n  unknown: allow\n"
const OPEN = "version: 1\npackages:\n  deny: { malware: true }\n  unknown: allow\n"

it("takes up a new policy whole, and keeps the old one where the new one does not load", async () => {
  const upstream = await startNpmUpstream()
  upstream.publish("fresh", { "1.0.0": { age: 1 } })
  const policy = { text: STRICT }
  const gate = await openTestGate({ policy, env: { npm_config_registry: upstream.base } })
  const status = async () => (await gate.get("/npm/fresh/-/fresh-1.0.0.tgz")).status
  expect(await status()).toBe(403)

  policy.text = "version: 1\npackages: { dney: {} }\n"
  await expect(gate.reload()).rejects.toThrow("dney")
  expect(await status()).toBe(403)
  expect((await gate.status()).kept).toContain("dney")

  policy.text = OPEN
  const { changed, hash } = await gate.reload()
  expect(changed).toBe(true)
  expect(await status()).toBe(200)
  expect(await gate.status()).toMatchObject({ policy: { hash } })
  expect((await gate.status()).kept).toBeUndefined()

  const types = (await gate.records()).map(({ type, outcome }) => `${type} ${outcome}`)
  expect(types).toEqual([
    "package.decided refused",
    "policy.kept failed",
    "package.decided refused",
    "policy.reloaded released",
    "package.decided released",
  ])
})

it("is idle about a policy that is the same", async () => {
  const gate = await openTestGate({ policy: OPEN })
  expect((await gate.reload()).changed).toBe(false)
  expect(await gate.records()).toEqual([])
})
