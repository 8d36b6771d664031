import { expect, it } from "vitest"
import { hostItem } from "../../src/audit/host-item.ts"
import { cleanText } from "../../src/render/clean.ts"

it.each([
  ["api.example.com", 443, "api.example.com"],
  ["api.example.com", 8443, "api.example.com:8443"],
  ["127.0.0.1", 80, "127.0.0.1:80"],
  ["::1", 45_353, "[::1]:45353"],
  ["2001:db8::1", 443, "[2001:db8::1]"],
])("%s, port %i, is recorded as %s and shown as that", (host, port, name) => {
  expect(hostItem({ host, port })).toEqual({ kind: "host", name })
  expect(cleanText(name)).toBe(name)
})
