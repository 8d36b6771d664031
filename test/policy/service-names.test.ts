// The names that rules may use, against the services that the gate knows.
import { expect, it, test } from "vitest"
import { SERVICES as KNOWN } from "../../src/gateway/services/known.ts"
import { accessOf, SERVICES } from "../../src/policy/service-names.ts"

it("rules can name every service that the gate knows, and no other", () => {
  expect([...SERVICES].sort()).toEqual(KNOWN.map(({ name }) => name).sort())
})

test.each([
  ["GET", "https", "read"],
  ["GET", "wss", "write"],
  ["get", "https", "write"],
  ["TRACE", "https", "write"],
] as const)("%s over %s is a %s where nothing more is known", (method, scheme, access) => {
  expect(accessOf(method, scheme)).toBe(access)
})
