import fc from "fast-check"
import { describe, expect, test } from "vitest"
import { decide } from "../../src/policy/decide.ts"
import { loadPolicy } from "../../src/policy/load.ts"
import { type PastDecision, startReplay } from "../../src/policy/replay.ts"
import type { Action, Effect, PackageFacts } from "../../src/policy/types.ts"
import { NOW } from "../context.ts"

const OLD = loadPolicy(
  `version: 1
default: { packages: allow }
packages: { deny: { severity: high }, unknown: allow }
network:
  - { id: model, allow: api.model.example }
  - { id: issues, ask: tracker.example, methods: [POST] }
`,
  "old.yaml",
)

const NEW = loadPolicy(
  `version: 1
default: { packages: allow }
packages: { deny: { severity: critical }, ask: { age: 3d }, unknown: allow }
network:
  - { id: model, allow: api.model.example, methods: [POST] }
  - { id: issues, allow: tracker.example, methods: [POST] }
`,
  "new.yaml",
)

const request = (method: string, host: string, path = "/"): Action => ({
  ...{ kind: "network", scheme: "https", port: 443 },
  ...{ method, host, path },
})

const library = (name: string, version = "1.0.0"): Action => ({
  ...{ kind: "package", ecosystem: "npm", name, version, purl: `pkg:npm/${name}@${version}` },
  source: { kind: "registry", origin: "default" },
})

function past(seq: number, action: Action, facts?: PackageFacts, agent = "coder"): PastDecision {
  const evidence = { now: NOW, ...(facts && { facts }) }
  return { seq, agent, action, evidence, verdict: decide(OLD, action, evidence) }
}

const flawed = (severity: "high" | "critical"): PackageFacts => ({
  advisories: [{ id: "GHSA-aaaa-bbbb-cccc", aliases: [], kind: "vulnerability", severity, fixed: [] }],
})

function replayed(history: readonly PastDecision[]) {
  const replay = startReplay(NEW)
  for (const decision of history) replay.add(decision)
  return replay.finish()
}

describe("replay", () => {
  test("names what would be let through, stopped and asked about", () => {
    const report = replayed([
      past(1, library("left"), flawed("high")),
      past(2, library("left"), flawed("high"), "reviewer"),
      past(3, library("right"), flawed("critical")),
      past(4, library("young"), { published: NOW - 3_600_000, advisories: [] }),
      past(5, request("GET", "api.model.example")),
      past(6, request("POST", "api.model.example")),
      past(7, request("POST", "tracker.example")),
    ])
    expect(report).toMatchObject({
      decisions: 7,
      before: { allow: 3, ask: 1, deny: 3 },
      after: { allow: 4, ask: 1, deny: 2 },
      failed: { count: 0 },
      unlisted: 0,
    })
    expect(report.transitions).toEqual([
      { from: "deny", to: "allow", count: 2 },
      { from: "allow", to: "ask", count: 1 },
      { from: "allow", to: "deny", count: 1 },
      { from: "ask", to: "allow", count: 1 },
    ])
    expect(report.changes[0]).toMatchObject({
      ...{ from: "deny", to: "allow", subject: "pkg:npm/left@1.0.0", count: 2, firstSeq: 1, lastSeq: 2 },
      before: { code: "vulnerability.severity" },
      agents: ["coder", "reviewer"],
    })
    expect(report.changes.map(({ subject, to }) => `${to} ${subject}`)).toEqual([
      "allow pkg:npm/left@1.0.0",
      "ask pkg:npm/young@1.0.0",
      "deny GET https://api.model.example/",
      "allow POST https://tracker.example/",
    ])
  })

  test("decides at the time of the record, not of the replay", () => {
    const young = library("young")
    const then = { now: NOW - 400 * 86_400_000, facts: { published: NOW - 401 * 86_400_000, advisories: [] } }
    const report = replayed([{ seq: 1, action: young, evidence: then, verdict: decide(OLD, young, then) }])
    expect(report.transitions).toEqual([{ from: "allow", to: "ask", count: 1 }])
  })

  test("the same policy changes nothing, whatever was decided", () => {
    const effects = fc.constantFrom("GET", "POST", "DELETE")
    const hosts = fc.constantFrom("api.model.example", "tracker.example", "elsewhere.example", "10.0.0.1")
    fc.assert(
      fc.property(fc.array(fc.tuple(effects, hosts)), (requests) => {
        const replay = startReplay(OLD)
        requests.forEach(([method, host], index) => {
          replay.add(past(index + 1, request(method, host)))
        })
        const report = replay.finish()
        expect(report.transitions).toEqual([])
        expect(report.before).toEqual(report.after)
        expect(report.decisions).toBe(requests.length)
      }),
    )
  })

  test("counts what cannot be decided again, and goes on", () => {
    const strange = past(9, request("GET", "api.model.example"))
    const report = replayed([
      { ...strange, action: { kind: "network" } as unknown as Action },
      { ...strange, seq: 10, verdict: { ...strange.verdict, effect: "perhaps" as Effect } },
      { ...strange, seq: 11, partial: true },
    ])
    expect(report).toMatchObject({ decisions: 1, partial: 1, failed: { count: 2, seqs: [9, 10] } })
  })

  test("keeps its memory bounded where every decision has a subject of its own", () => {
    const replay = startReplay(NEW)
    for (let seq = 1; seq <= 10_500; seq++) replay.add(past(seq, request("GET", "api.model.example", `/${seq}`)))
    const report = replay.finish()
    expect(report.changes).toHaveLength(10_000)
    expect(report.unlisted).toBe(500)
    expect(report.transitions).toEqual([{ from: "allow", to: "deny", count: 10_500 }])
  })
})
