// The gate about itself: what it lets out, how the vault stands, what waits.
import { expect, it } from "vitest"
import type { GateStatus } from "../../src/gateway/control.ts"
import { renderGateStatus, renderStarted } from "../../src/render/gateway.ts"
import { loadStyle } from "../../src/render/style.ts"
import { testContext } from "../context.ts"

const counts = { hits: 0, misses: 0, stale: 0, dropped: 0 }
const STATUS = {
  schema: "nanoguard.gateway-status/1",
  ...{ gateway: "gateway", pid: 7, version: "0.1.0", origin: "http://127.0.0.1:8471", started: 0, offline: false },
  policy: { hash: `sha256:${"a".repeat(64)}`, project: "/home/ana/shop", adopted: { by: "ana", time: 0 } },
  advisories: { records: 3, asOf: "2026-11-01T00:00:00Z", lacking: [] },
  ...{ runs: 1, visits: 1, upstream: { metadata: counts, artifacts: counts, cacheBytes: 0 } },
  egress: { rules: 2, mode: "enforce", connections: 3, held: 1 },
  vault: { state: "open", kind: "file", credentials: 1, refused: [] },
} as unknown as GateStatus

it("says first what it lets out", () => {
  const started = (more: object) => renderStarted({ ...STATUS, ...more }, "text")
  expect(started({})).toContain("  lets out packages, and requests by 2 rules; what they ask about waits for")
  expect(started({})).not.toContain("vault")
  const none = { rules: 0, mode: "enforce", connections: 0, held: 0 }
  expect(started({ egress: none })).toContain("  lets out packages only: the policy has no rules for requests")
  expect(started({ egress: { ...none, mode: "observe" } })).toContain("every request: the policy observes")
})

it("says that the vault is locked, and what opens it", () => {
  const locked = { state: "locked", kind: "passphrase", credentials: 1, refused: [] }
  expect(renderStarted({ ...STATUS, vault: locked } as GateStatus, "text")).toContain("nanoguard secret unlock")
  const gone = { ...locked, kind: "file", trouble: "the key file is\u001b[2J not there" }
  const text = renderStarted({ ...STATUS, vault: gone } as GateStatus, "text")
  expect(text).toContain("\\u{1b}[2J not there; the gate tries again by itself")
})

it("shows connections, what waits and the vault", async () => {
  const style = await loadStyle(testContext("/").stdout, {}, false)
  const text = renderGateStatus(STATUS, "text", style, 60_000)
  expect(text).toMatch(/^open +3 connections$/m)
  expect(text).toMatch(/^waiting +1 request: nanoguard approve$/m)
  expect(text).toMatch(/^vault +open \(file\), 1 credential$/m)
})
