// Realistic events of every kind, the same for the same seed: what tests of the record write and read back.
import { createHash } from "node:crypto"
import { commitPerson } from "../../src/audit/sealing/people.ts"
import { personalValues, sealEvent } from "../../src/audit/sealing/seal.ts"
import type { NewEvent, Outcome, PersonCommitment } from "../../src/audit/types.ts"
import type { Action, DecisionEvidence, Effect, Verdict } from "../../src/policy/types.ts"
import type { PeopleTable } from "../../src/store/schema.ts"

/** The time of the first sample: 2026-11-01T00:00:00Z. */
export const EPOCH = Date.UTC(2026, 10, 1)

export const GATEWAY = "gateway-1"
export const AGENTS = ["claude-1", "codex-2", "gemini-3", "nanoclaw-4"] as const
export const PEOPLE = ["ana@acme.example", "ben@acme.example", "Chloé Müller <chloe@acme.example>"] as const
export const POLICIES = [hashOf("policy 1"), hashOf("policy 2")] as const

/** A key for commitments that is the same in every test. */
export const COMMIT_KEY = new Uint8Array(32).fill(7)

/** `sha256:` and 64 digits. */
export function hashOf(text: string): string {
  return `sha256:${createHash("sha256").update(text).digest("hex")}`
}

/** Numbers from 0 up to 1 (mulberry32), the same for the same seed. */
export function randomOf(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296
  }
}

const OUTCOME_OF: Record<Effect, Outcome> = { allow: "released", ask: "held", deny: "refused" }

interface Over extends Partial<NewEvent> {
  effect?: Effect
}

/** A decision about one package: `packageEvent("left-pad", "1.3.0", {effect: "deny"})`. */
export function packageEvent(name = "left-pad", version = "1.3.0", over: Over = {}): NewEvent {
  const purl = `pkg:npm/${name.replace(/^@/, "%40")}`
  const effect = over.effect ?? "allow"
  const action: Action = {
    kind: "package",
    purl: `${purl}@${version}`,
    ecosystem: "npm",
    name,
    version,
    source: { kind: "registry", origin: "default" },
  }
  const advisory = {
    id: "GHSA-aaaa-bbbb-cccc",
    aliases: ["CVE-2026-1234"],
    kind: "vulnerability",
    severity: "high",
    cvss: 8.1,
    fixed: ["9.0.0"],
  } as const
  const facts = {
    exists: true,
    published: EPOCH - 90 * 86_400_000,
    license: "MIT",
    installScripts: [],
    provenance: "attested",
    integrity: "match",
    advisories: effect === "deny" ? [advisory] : [],
    score: effect === "deny" ? 35 : 88,
  } as const
  const digest = `sha512-${createHash("sha512").update(action.purl).digest("base64")}`
  return decided(action, { now: over.time ?? EPOCH, facts }, effect, action.purl, {
    item: { kind: "package", name: purl, version, digest },
    ...over,
  })
}

/** A decision about one request. */
export function networkEvent(host = "api.example.com", over: Over = {}): NewEvent {
  const action: Action = { kind: "network", method: "POST", scheme: "https", host, port: 443, path: "/v1/charges" }
  const evidence = { now: over.time ?? EPOCH, addresses: ["203.0.113.7"], counters: { "network.model/requests": 12 } }
  return decided(action, evidence, over.effect ?? "allow", `POST https://${host}/v1/charges`, {
    item: { kind: "host", name: host },
    ...over,
  })
}

/** A decision about the use of a credential. */
export function credentialEvent(credential = "github", over: Over = {}): NewEvent {
  const action: Action = { kind: "credential", credential, method: "GET", host: "api.github.com", path: "/user" }
  return decided(action, { now: over.time ?? EPOCH }, over.effect ?? "allow", `credential:${credential}`, over)
}

/** A decision about one call of a tool. */
export function mcpEvent(server = "github", tool = "create_issue", over: Over = {}): NewEvent {
  const action: Action = { kind: "mcp", server, tool, arguments: { title: "A bug", labels: ["bug"], draft: false } }
  return decided(action, { now: over.time ?? EPOCH }, over.effect ?? "ask", `mcp:${server}/${tool}`, {
    item: { kind: "mcp", name: server, version: "2.1.0", digest: hashOf(server) },
    ...over,
  })
}

/** A decision about one skill. */
export function skillEvent(name = "pdf", version = "1.2.0", over: Over = {}): NewEvent {
  const action: Action = { kind: "skill", name, version, source: `https://skills.example/${name}` }
  return decided(action, { now: over.time ?? EPOCH }, over.effect ?? "allow", `skill:${name}@${version}`, {
    item: { kind: "skill", name, version, digest: hashOf(name) },
    ...over,
  })
}

/** An approval that was granted, with approvers and a note. */
export function approvalEvent(over: Partial<NewEvent> = {}): NewEvent {
  return {
    type: "approval.granted",
    subject: "POST https://api.example.com/v1/charges",
    gateway: GATEWAY,
    approval: "ap-1",
    by: [PEOPLE[0]],
    note: "Seen with the customer; one charge only.",
    outcome: "released",
    policy: POLICIES[0],
    detail: { digest: hashOf("request"), uses: 1 },
    ...over,
  }
}

/** An event without a decision: of policies, sandboxes, kills, configuration, the log. */
export function plainEvent(type: string, over: Partial<NewEvent> = {}): NewEvent {
  return { type, subject: type.replace(".", " "), gateway: GATEWAY, policy: POLICIES[0], ...over }
}

/** `count` events, a second apart, of every kind, of four agents in runs of 50. Times begin at `EPOCH`. */
export function sampleEvents(seed: number, count: number): NewEvent[] {
  const random = randomOf(seed)
  const one = <T>(list: readonly T[]): T => list[Math.floor(random() * list.length)]!
  return Array.from({ length: count }, (_, at) => {
    const agent = AGENTS[at % AGENTS.length]!
    const run = `run-${agent}-${Math.floor(at / 200)}`
    const operator = PEOPLE[AGENTS.indexOf(agent) % PEOPLE.length]!
    const policy = POLICIES[at < count / 2 ? 0 : 1]
    const over = { time: EPOCH + at * 1000, agent, run, operator, policy, boxed: agent !== "nanoclaw-4" }
    const kind = random()
    if (at < AGENTS.length) return plainEvent("sandbox.started", over)
    if (at % 200 > 195) return plainEvent("sandbox.ended", { ...over, outcome: "released" })
    const effect = one(["allow", "allow", "allow", "ask", "deny"] as const)
    if (kind < 0.5) return packageEvent(one(NAMES), `${Math.floor(random() * 4)}.${at % 7}.0`, { ...over, effect })
    if (kind < 0.75) return networkEvent(`${one(HOSTS)}.example.com`, { ...over, effect })
    if (kind < 0.8) return credentialEvent(one(["github", "stripe"]), { ...over, effect })
    if (kind < 0.87) return mcpEvent(one(["github", "jira"]), one(["create_issue", "search"]), { ...over, effect })
    if (kind < 0.9) return skillEvent(one(["pdf", "xlsx"]), "1.2.0", { ...over, effect })
    if (kind < 0.97) return approvalEvent({ ...over, by: [one(PEOPLE)], approval: `ap-${at}` })
    return plainEvent(one(["policy.adopted", "kill.ordered", "configuration.changed", "log.clock-back"]), over)
  })
}

/** Events sealed without a store: their canonical texts, and the rows that open what is personal in them. */
export function sealSamples(events: readonly NewEvent[]): { bodies: string[]; people: PeopleTable[] } {
  const commitments = new Map<string, PersonCommitment>()
  const people: PeopleTable[] = []
  const bodies = events.map((event) => {
    for (const value of personalValues(event, { commitKey: COMMIT_KEY })) {
      if (commitments.has(value)) continue
      const salt = createHash("sha256").update(`salt of ${value}`).digest("base64url")
      commitments.set(value, commitPerson(value, salt))
      people.push({ commitment: commitPerson(value, salt), salt, value })
    }
    return sealEvent(event, { commitments, commitKey: COMMIT_KEY, time: EPOCH })
  })
  return { bodies, people }
}

const NAMES = ["left-pad", "lodash", "@acme/left-pad", "esbuild", "typescript", "express", "vitest"] as const
const HOSTS = ["api", "registry", "model", "files"] as const

function decided(action: Action, evidence: DecisionEvidence, effect: Effect, subject: string, over: Over): NewEvent {
  const { effect: _, ...rest } = over
  const verdict: Verdict = {
    effect,
    code: effect === "allow" ? "default.allow" : effect === "ask" ? "network.ask" : "vulnerability.severity",
    rule: `${action.kind}.${effect} (nanoguard.yaml:4:12)`,
    subject,
    reason: effect === "allow" ? "No rule speaks against it." : "A rule of the policy names it.",
    evidence: effect === "deny" ? [{ kind: "advisory", id: "GHSA-aaaa-bbbb-cccc", severity: "high" }] : [],
    mode: "enforce",
    policyHash: over.policy ?? POLICIES[0],
  }
  const event: NewEvent = {
    type: `${action.kind}.decided`,
    subject,
    gateway: GATEWAY,
    agent: AGENTS[0],
    run: "run-1",
    boxed: true,
    operator: PEOPLE[0],
    outcome: OUTCOME_OF[effect],
    decision: { action, evidence, verdict },
  }
  return Object.assign(event, rest)
}
