// What the check of the gate makes of what the gate says of itself.
import { expect, test } from "vitest"
import { gateCheck } from "../../src/doctor/checks/gate.ts"
import type { Tools } from "../../src/doctor/types.ts"
import { emptyHome, temporaryDirectory, testContext } from "../context.ts"

const STATUS = {
  ...{ origin: "http://127.0.0.1:8471", pid: 7, version: "0.1.0", runs: 0, offline: false },
  policy: { project: "p", hash: "sha256:00" },
}

const look = (health: string, more: object = {}) => {
  const fetch = async () => Response.json({ status: health })
  const ctx = { ...testContext(temporaryDirectory(), { env: emptyHome() }), fetch }
  return gateCheck.run({ ctx, gate: async () => ({ ...STATUS, ...more }) } as unknown as Tools)
}

test("says what is old, and what makes it new", async () => {
  expect(await look("warn")).toMatchObject({
    ...{ state: "warn", why: "its advisories are older than 7 days", fix: "nanoguard advisories update" },
    facts: { running: true, health: "warn" },
  })
  expect(await look("warn", { kept: "it does not hold" })).toMatchObject({
    ...{ state: "warn", why: "its last reload kept the policy before: it does not hold" },
    fix: "nanoguard gateway reload",
  })
  expect(await look("fail")).toMatchObject({ state: "fail", fix: "nanoguard gateway status" })
  expect(await look("pass")).toMatchObject({ state: "ok" })
})
