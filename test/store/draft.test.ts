// A draft on its way between the threads ends as exactly the record that sealing the event as a whole gives.
import fc from "fast-check"
import { describe, expect, test } from "vitest"
import { personalText, personalValues, sealEvent } from "../../src/audit/sealing/seal.ts"
import type { NewEvent, PersonCommitment } from "../../src/audit/types.ts"
import { EXIT } from "../../src/errors.ts"
import { createDrafter, readDraft, sealRead } from "../../src/store/draft.ts"
import { COMMIT_KEY, sampleEvents } from "../audit/events.ts"

const TIME = Date.UTC(2026, 10, 21, 12)
const keys = { commitKey: COMMIT_KEY }

/** A commitment that shows its value, so that one in another's place is seen. */
const commitmentOf = (value: string) =>
  `person:${Buffer.from(value).toString("base64url").padEnd(43, "A").slice(0, 43)}` as PersonCommitment

function sealWhole(event: NewEvent): string {
  const commitments = new Map(personalValues(event, keys).map((value) => [value, commitmentOf(value)]))
  return sealEvent(event, { ...keys, commitments, time: TIME })
}

/** Drafts all of them as one message, and finishes them as the committer does. */
function sealDrafts(events: readonly NewEvent[]): (string | undefined)[] {
  const drafter = createDrafter()
  const texts = events.map((event) => drafter.draft({ events: [event] }, TIME))
  const people = structuredClone(drafter.takePeople())
  return texts.map((text) => text && sealRead(readDraft(text, people), keys, commitmentOf))
}

const draftable = ({ time: _, secrets: __, ...event }: NewEvent): NewEvent => event

/** Texts that sealing changes: secrets, long ones, lone surrogates, things that look like commitments. */
const text = fc.oneof(
  fc.string({ unit: "binary", minLength: 1, maxLength: 40 }),
  fc.constantFrom(
    ...[`ghp_${"a1B2".repeat(9)}`, "https://ana:hunter2@acme.example/?token=abcdef0123456789", `lone ${"\ud800"} half`],
    ...[
      "x".repeat(9000),
      `person:${"A".repeat(43)}`,
      `"operator":"ana@acme.example"`,
      "AKIAIOSFODNN7EXAMPLE",
      "\u0000\u2028",
    ],
  ),
)

const event: fc.Arbitrary<NewEvent> = fc
  .record(
    {
      subject: text,
      agent: fc.string({ minLength: 1, maxLength: 20 }),
      boxed: fc.boolean(),
      operator: fc.oneof(
        fc.constantFrom("ana@acme.example", "ben@acme.example"),
        fc.string({ minLength: 1, maxLength: 50 }),
      ),
      by: fc.array(fc.constantFrom("ana@acme.example", "Chloé", `ghp_${"z9Y8".repeat(9)}`), { maxLength: 3 }),
      note: text.filter((note) => note.length <= 4096),
      detail: fc.dictionary(
        text.filter((name) => name.length < 50),
        fc.oneof(text, fc.double({ noNaN: true, noDefaultInfinity: true }), fc.boolean()),
      ),
    },
    { requiredKeys: ["subject"] },
  )
  .map((more) => ({ type: "package.decided", gateway: "gw", ...more }))

describe("a draft", () => {
  test("ends as the event sealed as a whole, for every kind of event", () => {
    const events = sampleEvents(7, 300).map(draftable)
    expect(sealDrafts(events)).toEqual(events.map(sealWhole))
  })

  test("ends as the event sealed as a whole, for hostile text in every place", () => {
    fc.assert(
      fc.property(fc.array(event, { minLength: 1, maxLength: 5 }), (events) => {
        expect(sealDrafts(events)).toEqual(events.map(sealWhole))
      }),
      { numRuns: 300 },
    )
  })

  test("holds no personal value itself, and no two messages share what stands for one", () => {
    const drafter = createDrafter()
    const one = {
      events: [{ type: "package.decided", subject: "s", gateway: "gw", operator: "ana@acme.example", note: "said no" }],
    }
    const first = drafter.draft(one, TIME)!
    const { prefix, values } = drafter.takePeople()
    expect(first).not.toMatch(/ana@|said no/)
    expect(first.split(prefix)).toHaveLength(3)
    expect([...values].sort()).toEqual(["ana@acme.example", "said no"])
    expect(drafter.takePeople().values).toEqual([])
    expect(createDrafter().takePeople().prefix).not.toBe(prefix)
    expect(personalText("ana@acme.example", keys)).toBe("ana@acme.example")
  })

  test("is only made of one plain event", () => {
    const drafter = createDrafter()
    const plain = { type: "package.decided", subject: "s", gateway: "gw" }
    const change = { sql: "s", parameters: [] }
    const others = [
      ...[{}, { events: [] }, { events: [plain, plain] }, { changes: [change], events: [plain] }],
      ...[{ events: [{ ...plain, time: 1 }] }, { events: [{ ...plain, secrets: { a: "b" } }] }],
      { events: [{ ...plain, note: "x".repeat(5000) }] },
    ]
    for (const batch of others) expect(drafter.draft(batch, TIME)).toBeUndefined()
    expect(drafter.draft({ changes: [], events: [plain] }, TIME)).toMatch(/^\{"gateway"/)
  })

  test("of what no record can hold is refused at once, not in the thread that others wait for", () => {
    const large = { type: "mcp.decided", subject: "s", gateway: "gw", detail: { body: "x".repeat(1_100_000) } }
    expect(() => createDrafter().draft({ events: [large] }, TIME)).toThrow(/more than 1048576/)
  })

  test("of what is no event is refused at once", () => {
    const wrong = { type: "nothing.known", subject: "s", gateway: "gw" }
    expect(() => createDrafter().draft({ events: [wrong] }, TIME)).toThrow(
      expect.objectContaining({ exit: EXIT.usage }),
    )
  })
})
