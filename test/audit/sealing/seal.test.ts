import { createHash } from "node:crypto"
import fc from "fast-check"
import { describe, expect, it } from "vitest"
import { knownSecrets } from "../../../src/audit/sealing/known-secrets.ts"
import { commitPerson, opensPerson } from "../../../src/audit/sealing/people.ts"
import { EVENT_KINDS, readRecord } from "../../../src/audit/sealing/record.ts"
import { commitSecret } from "../../../src/audit/sealing/redact.ts"
import { MAX_RECORD, personalValues, type SealOptions, sealEvent } from "../../../src/audit/sealing/seal.ts"
import type { NewEvent, PersonCommitment } from "../../../src/audit/types.ts"
import { NanoguardError } from "../../../src/errors.ts"
import {
  approvalEvent,
  COMMIT_KEY,
  EPOCH,
  mcpEvent,
  networkEvent,
  PEOPLE,
  POLICIES,
  packageEvent,
  plainEvent,
  sampleEvents,
  sealSamples,
} from "../events.ts"

const SALT = Buffer.alloc(32, 9).toString("base64url")

function seal(event: NewEvent, over: Partial<SealOptions> = {}): string {
  const commitments = new Map<string, PersonCommitment>()
  for (const value of personalValues(event, { commitKey: COMMIT_KEY, ...over }))
    commitments.set(value, commitPerson(value, SALT))
  return sealEvent(event, { commitments, commitKey: COMMIT_KEY, time: EPOCH, ...over })
}

const record = (event: NewEvent, over: Partial<SealOptions> = {}) => readRecord(seal(event, over))

describe("sealEvent", () => {
  it("writes a decision whole, in the order of RFC 8785", () => {
    const event = packageEvent("@acme/left-pad", "1.3.0", { effect: "deny", time: EPOCH + 5 })
    const { action, evidence, verdict } = event.decision!
    expect(record(event)).toEqual({
      v: 1,
      time: "2026-11-01T00:00:00.005Z",
      kind: "package",
      type: "package.decided",
      subject: "pkg:npm/%40acme/left-pad@1.3.0",
      gateway: "gateway-1",
      agent: "claude-1",
      run: "run-1",
      boxed: true,
      operator: commitPerson(PEOPLE[0], SALT),
      item: event.item,
      outcome: "refused",
      policy: POLICIES[0],
      action,
      evidence,
      verdict,
    })
    expect(Object.keys(JSON.parse(seal(event)))).toEqual(Object.keys(JSON.parse(seal(event))).sort())
  })

  it("takes the committer's time for an event without one, and the verdict's policy where there is a decision", () => {
    expect(record(plainEvent("kill.ordered"), { time: 1_790_000_000_123 }).time).toBe("2026-09-21T14:13:20.123Z")
    const { policy: _, ...event } = networkEvent()
    expect(record(event).policy).toBe(POLICIES[0])
  })

  it("commits to people with their salts, and to nothing else of them", () => {
    const owner = "Dana Who <dana@acme.example>"
    const event = approvalEvent({ operator: PEOPLE[1], by: [PEOPLE[2], PEOPLE[0]], note: "Ask Dana." })
    const decision = packageEvent().decision!
    const excepted = [{ rule: "packages.exceptions[0]", code: "license.denied", owner, expires: "2027-01-01" }]
    event.decision = { ...decision, verdict: { ...decision.verdict, excepted } }
    expect(personalValues(event, { commitKey: COMMIT_KEY })).toEqual([
      PEOPLE[1],
      PEOPLE[2],
      PEOPLE[0],
      "Ask Dana.",
      owner,
    ])
    const body = seal(event)
    for (const value of [...PEOPLE, "Ask Dana.", owner, SALT]) expect(body).not.toContain(value)
    const sealed = readRecord(body)
    const hash = createHash("sha256").update(Buffer.alloc(32, 9)).update(PEOPLE[2]).digest("base64url")
    expect(sealed.by).toEqual([`person:${hash}`, commitPerson(PEOPLE[0], SALT)])
    expect(sealed.note).toBe(commitPerson("Ask Dana.", SALT))
    expect(sealed.verdict?.excepted?.[0]?.owner).toBe(commitPerson(owner, SALT))
    expect(event.decision.verdict.excepted?.[0]?.owner).toBe(owner)
  })

  it("bounds and cleans personal values before they are committed to and stored", () => {
    const token = `ghp_${"aB3d".repeat(9)}`
    const event = approvalEvent({ by: [], note: `\ud800 use ${token} ${"x".repeat(10_000)}` })
    const [note] = personalValues(event, { commitKey: COMMIT_KEY })
    expect(note).not.toContain(token)
    expect(note!.length).toBeLessThan(4300)
    expect(note!.isWellFormed()).toBe(true)
    expect(record(event).note).toBe(commitPerson(note!, SALT))
  })

  it("replaces secrets by commitments that are equal where they are, also in the rest of the event", () => {
    const secret = 'k3y/with "quotes"'
    const event = networkEvent("api.example.com", { secrets: { header: secret, other: secret, empty: "" } })
    event.subject = `POST https://api.example.com/?x=${encodeURIComponent(secret)}`
    event.detail = { header: `Bearer ${secret}`, k3y: Buffer.from(secret).toString("base64") }
    const body = seal(event)
    const commitment = commitSecret(secret, COMMIT_KEY)
    const sealed = readRecord(body)
    expect(sealed.secrets).toEqual({ header: commitment, other: commitment, empty: commitSecret("", COMMIT_KEY) })
    expect(sealed.subject).toBe(`POST https://api.example.com/?x=${commitment}`)
    expect(sealed.detail?.["k3y"]).toBe(commitment)
    expect(body).not.toMatch(/with|quotes/)
  })

  it("never lets a known secret into any member", () => {
    const places: ((event: NewEvent, text: string) => void)[] = [
      (event, text) => Object.assign(event, { subject: `a ${text}` }),
      (event, text) => Object.assign(event, { agent: text.slice(0, 500) }),
      (event, text) => Object.assign(event, { note: text }),
      (event, text) => Object.assign(event, { by: [text.slice(0, 500)] }),
      (event, text) => Object.assign(event, { detail: { [text]: "x" } }),
      (event, text) => Object.assign(event, { detail: { x: ["y", text] } }),
      (event, text) => Object.assign(event.decision!.action, { arguments: { deep: [{ er: text }] } }),
      (event, text) => Object.assign(event.decision!.verdict, { reason: text }),
      (event, text) => Object.assign(event.decision!.verdict, { evidence: [{ kind: "x", [text]: text }] }),
      (event, text) => Object.assign(event.decision!.evidence, { unboundPlaceholder: text }),
      (event, text) => Object.assign(event, { item: { kind: "mcp", name: text, version: text } }),
    ]
    const encode = fc.constantFrom<(value: string) => string>(
      (value) => value,
      encodeURIComponent,
      (value) => `x${Buffer.from(`:${value}`).toString("base64")}`.slice(1),
      (value) => JSON.stringify({ value }),
    )
    fc.assert(
      fc.property(
        fc.string({ unit: "grapheme", minLength: 8, maxLength: 30 }).filter((value) => /[^ ]{6}/.test(value)),
        fc.constantFrom(...places),
        encode,
        fc.boolean(),
        (value, place, wrap, vault) => {
          const event = structuredClone(mcpEvent())
          place(event, wrap(value))
          if (!vault) event.secrets = { token: value }
          const over = vault ? { known: knownSecrets([value]) } : {}
          const body = seal(event, over)
          const personal = personalValues(event, { commitKey: COMMIT_KEY, ...over })
          expect(body).not.toContain(JSON.stringify(wrap(value)).slice(1, -1))
          if (vault) for (const one of personal) expect(one).not.toContain(wrap(value))
        },
      ),
      { numRuns: 400 },
    )
  })

  it("gives the same text for the same event, whatever the order of its members", () => {
    const reverse = (value: unknown): unknown => {
      if (Array.isArray(value)) return value.map(reverse)
      if (typeof value !== "object" || value === null) return value
      return Object.fromEntries(
        Object.entries(value)
          .reverse()
          .map(([name, member]) => [name, reverse(member)]),
      )
    }
    for (const event of sampleEvents(3, 60)) expect(seal(reverse(event) as NewEvent)).toBe(seal(event))
  })

  it("seals every kind of sample, each small, and reads it back", () => {
    const { bodies, people } = sealSamples(sampleEvents(5, 500))
    for (const body of bodies) {
      const sealed = readRecord(body)
      expect(sealed.type.startsWith(`${sealed.kind}.`)).toBe(true)
      expect(body.length).toBeLessThan(3000)
      for (const person of PEOPLE) expect(body).not.toContain(person)
    }
    expect(people.every(opensPerson)).toBe(true)
    expect(new Set(bodies.map((body) => readRecord(body).kind)).size).toBe(EVENT_KINDS.size)
  })

  it("cuts long strings and refuses a record above 256 KiB, also where UTF-8 makes it so", () => {
    const long = record(mcpEvent("github", "create_issue", { detail: { body: "word ".repeat(2000) } }))
    expect(long.detail?.["body"]).toMatch(/^(word ){819}w \[cut: 10000 characters, secret:[\w-]{43}\]$/)
    const wide = (count: number) =>
      plainEvent("configuration.changed", { detail: { list: Array(count).fill("é".repeat(4000)) } })
    expect(Buffer.byteLength(seal(wide(32)))).toBeLessThanOrEqual(MAX_RECORD)
    expect(() => seal(wide(33))).toThrow(/more than 262144/)
    expect(() => seal(plainEvent("kill.ordered", { detail: { x: "x".repeat(2_000_000) } }))).toThrow(
      /more than 1048576/,
    )
  })

  it("replaces a bounded number of secrets one by one, and hides the rest with what is around it", () => {
    const detail = { a: "&key=a".repeat(1100), b: "x ?key=b y", c: "plain", list: ["?key=c", "plain"] }
    const sealed = record(mcpEvent("github", "create_issue", { detail }), { known: knownSecrets(["hunter2hunter2"]) })
    const cut = (text: string) => `[cut: ${text.length} characters, ${commitSecret(text, COMMIT_KEY)}]`
    expect(sealed.detail).toMatchObject({ b: cut(detail.b), c: "plain", list: [cut("?key=c"), "plain"] })
    // Nobody else's members pay for it.
    const { action, verdict } = record(mcpEvent("github", "create_issue"))
    expect(sealed).toMatchObject({ action, verdict })
  })

  it("finds a known secret of digits that comes as a number", () => {
    const event = plainEvent("configuration.changed", { detail: { pin: 40123456789, port: 443, name: "40123456789" } })
    const commitment = commitSecret("40123456789", COMMIT_KEY)
    const sealed = record(event, { known: knownSecrets(["40123456789"]) })
    expect(sealed.detail).toEqual({ pin: commitment, port: 443, name: commitment })
  })

  it("makes what is outside of Unicode or of a record's control harmless", () => {
    const hostile = mcpEvent()
    const action = JSON.parse(
      '{"kind":"mcp","server":"s","arguments":{"__proto__":{"a":"\\ud800"},"10":1,"9":2,"toJSON":"x"}}',
    )
    hostile.decision = { ...hostile.decision!, action }
    expect(seal(hostile)).toContain('"arguments":{"10":1,"9":2,"__proto__":{"a":"\ufffd"},"toJSON":"x"}')
  })

  const broken = (over: object): NewEvent => ({ ...plainEvent("kill.ordered"), ...over })
  const verdict = packageEvent().decision!
  it.each<[string, unknown, RegExp]>([
    ["no object", null, /not an object/],
    ["an unknown member", broken({ tokens: "x" }), /`tokens` is no member/],
    ["a type of no kind", broken({ type: "coffee.brewed" }), /`type` is no type/],
    ["a type without a kind", broken({ type: "kill" }), /`type`/],
    ["a type in capitals", broken({ type: "kill.Ordered" }), /`type`/],
    ["a missing type", { subject: "x", gateway: "g" }, /`type` is missing/],
    ["a missing subject", { type: "kill.ordered", gateway: "g" }, /`subject` is missing/],
    ["an empty subject", broken({ subject: "" }), /`subject`/],
    ["a missing gateway", broken({ gateway: undefined }), /`gateway` is missing/],
    ["an agent that is a number", broken({ agent: 7 }), /`agent` is not a name/],
    ["a long id", broken({ run: "r".repeat(513) }), /`run` is longer/],
    ["a fraction of a time", broken({ time: 1.5 }), /`time`/],
    ["a time before 1970", broken({ time: -1 }), /`time`/],
    ["a time after 9999", broken({ time: 253_402_300_800_000 }), /`time`/],
    ["boxed as text", broken({ boxed: "yes" }), /`boxed`/],
    ["by as text", broken({ by: "ana" }), /`by` is not a list/],
    ["an approver without a name", broken({ by: [""] }), /`by`/],
    ["a crowd", broken({ by: Array(65).fill("x") }), /`by` names more/],
    ["a note that is an object", broken({ note: {} }), /`note`/],
    ["an unknown outcome", broken({ outcome: "fine" }), /`outcome`/],
    ["an item of no kind", broken({ item: { kind: "coffee", name: "x" } }), /`item` is of no kind/],
    ["an item with more", broken({ item: { kind: "cli", name: "x", path: "/x" } }), /`item` has a member/],
    ["a decision in parts", broken({ decision: { action: {}, verdict: {} } }), /`decision`/],
    [
      "a verdict without effect",
      broken({ decision: { ...verdict, verdict: { ...verdict.verdict, effect: "maybe" } } }),
      /effect/,
    ],
    [
      "an owner of no name",
      broken({ decision: { ...verdict, verdict: { ...verdict.verdict, excepted: [{ owner: 1 }] } } }),
      /owner/,
    ],
    ["a secret that is a number", broken({ secrets: { pin: 1234 } }), /`secrets`/],
    ["detail as a list", broken({ detail: [1] }), /`detail`/],
    ["a number that is none", broken({ detail: { x: Number.NaN } }), /NaN/],
    ["a class in detail", broken({ detail: { x: new Date() } }), /instance of a class/],
  ])("refuses %s, and says what is wrong", (_, event, message) => {
    expect(() => seal(event as NewEvent)).toThrow(NanoguardError)
    expect(() => seal(event as NewEvent)).toThrow(message)
  })
})
