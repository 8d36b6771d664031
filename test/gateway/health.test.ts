import { expect, it } from "vitest"
import { type HealthParts, judgeHealth } from "../../src/gateway/health.ts"

const NOW = Date.UTC(2026, 10, 1)
const DAY = 86_400_000
const WELL: HealthParts = { now: NOW, recording: true, policyKept: false, advisoriesAsOf: NOW - DAY, closing: false }

it("passes where everything does", () => {
  expect(judgeHealth(WELL)).toEqual({
    httpStatus: 200,
    status: "pass",
    checks: { record: "pass", policy: "pass", advisories: "pass", gateway: "pass" },
  })
})

it.each([
  ["policy", { policyKept: true }],
  ["advisories", { advisoriesAsOf: NOW - 8 * DAY }],
  ["advisories", { advisoriesAsOf: undefined }],
] as const)("warns of the %s, and goes on", (part, ill) => {
  const { httpStatus, status, checks } = judgeHealth({ ...WELL, ...ill })
  expect([httpStatus, status, checks[part]]).toEqual([200, "warn", "warn"])
})

it.each([
  ["record", { recording: false }],
  ["gateway", { closing: true }],
] as const)("fails with the %s, whatever else there is", (part, ill) => {
  const { httpStatus, status, checks } = judgeHealth({ ...WELL, policyKept: true, ...ill })
  expect([httpStatus, status, checks[part]]).toEqual([503, "fail", "fail"])
})
