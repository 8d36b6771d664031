// Item H4 of the checklist: cards that try to draw over the terminal, to hide what they ask, or to pass for something else.
import { createHash } from "node:crypto"
import fc from "fast-check"
import { describe, expect, test } from "vitest"
import { shortDigest } from "../../src/approvals/binding.ts"
import { reduceLive, startLive } from "../../src/approvals/live/reduce.ts"
import type { LiveState, Waiting } from "../../src/approvals/live/types.ts"
import type { Json, NetworkArguments } from "../../src/approvals/types.ts"
import { describeApproval, renderApprovals, renderCard } from "../../src/render/approvals.ts"
import { bodyLines } from "../../src/render/card-body.ts"
import { oddHost } from "../../src/render/card-host.ts"
import { drawLive } from "../../src/render/card-live.ts"
import { plainScreen } from "../../src/render/card-plain.ts"
import { widthOf } from "../../src/render/terminal-width.ts"
import { NOW } from "../context.ts"
import { approvalOf, askedFor, CHARGE, charge, waitingFor } from "../render/card-sample.ts"

// Whatever moves a cursor, reorders, hides or joins; a space is the only one of its class.
const HARMFUL = /[\p{Cc}\p{Cf}\p{Cs}\p{Co}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}]/u

const WEAPONS: Record<string, string> = {
  "terminal escapes": "\x1b[2J\x1b[1;1H\x1b]0;title\x07\x1b]8;;https://evil.example\x1b\\\x9b31m",
  "a bidi override": "\u202egnp.exe\u2066\u2067\u200f",
  "zero-width characters": "pay\u200b\u200c\u200d\ufeff\u2060\u00adpal",
  "a flood of combining marks": `a${"\u0301".repeat(500)}`,
  "wide characters": "\u754c\u{1f600}".repeat(300),
  "many lines": "digest        0000-0000-0000-0000\r\n".repeat(300),
  "tags and variation selectors": "\u{e0041}\u{e0042}\ufe0f\u{e0100}",
  "lines of ours": "x\ndigest        dead-beef-dead-beef  ap-aaaaaaaa  9m left\na approve   d deny",
  "half a character": "\ud800\udfff\ud83d",
  "bells and backspaces": "\x07\x08\x08\x08\x7f\r\x0b\x0c\u2028\u2029\x85",
  // What every object of JavaScript has by that name.
  "names of an object": "toString",
  "the object's own": "__proto__",
  "commands of a CI": "::set-output name=x::y ##[command]z",
}

/** A screen of this card, after a look. */
function screenFor(waiting: Waiting, size = { columns: 80, rows: 24 }, keys: readonly string[] = []) {
  let state: LiveState = startLive("ana", size, NOW)
  for (const event of [
    { type: "queue" as const, queue: [waiting], gone: {} },
    ...keys.map((key) => ({ type: "key" as const, key })),
  ]) {
    state = reduceLive(state, event, state.now + 500).state
    state = reduceLive(state, { type: "drawn", ...drawLive(state) }, state.now).state
  }
  return { state, ...drawLive(state) }
}

/** What holds of every screen, whoever wrote on it. */
function requireOurs(waiting: Waiting, size = { columns: 80, rows: 24 }) {
  const short = shortDigest(waiting.approval.digest)
  for (const keys of [[], ["v"], ["a"], ["d"], ["g"], ["l"]]) {
    const { lines, fits, state } = screenFor(waiting, size, keys)
    const texts = lines.map(({ text }) => text)
    expect(texts.length).toBeLessThanOrEqual(size.rows)
    for (const text of texts) {
      expect(text).not.toMatch(HARMFUL)
      expect(text).not.toMatch(/\p{M}{4}/u)
      expect(widthOf(text)).toBeLessThanOrEqual(size.columns)
    }
    if (state.mode.at !== "card") continue
    // One line that says which digest it is; below it nothing but our own notice and keys.
    const digests = texts.filter((text) => text.startsWith("digest"))
    expect(digests).toEqual([expect.stringContaining(short)])
    expect(texts.indexOf(digests[0]!)).toBeGreaterThan(texts.length - 7)
    if (fits) {
      expect(texts.slice(-3).join(" ")).toMatch(/a approve +d deny/)
      const labels = texts.flatMap((text) => /^(?:nanoguard|will|sends|asked by|decided by)(?= )/.exec(text)?.[0] ?? [])
      const isRequest = waiting.approval.binding.kind === "network" && labels.includes("sends")
      expect(labels).toEqual(["nanoguard", "will", ...(isRequest ? ["sends"] : []), "asked by", "decided by"])
    } else expect(state.notice ?? texts.join("\n")).toContain("too small")
  }
}

describe("H4: what anybody wrote cannot draw over the card", () => {
  const described = (text: string): Json =>
    ({
      ...CHARGE,
      resource: text,
      amount: text,
      parts: [{ title: text, values: [{ name: text, value: text }] }],
    }) as unknown as Json
  const places: Record<string, (text: string) => Waiting> = {
    "the agent's words": (text) => waitingFor(askedFor(charge(), { reason: text })),
    "the agent's name": (text) => waitingFor(askedFor(charge(), { agent: text, run: text, operator: text })),
    "the path": (text) => waitingFor(askedFor(charge({ path: `/${text}`, query: text, method: text }))),
    "the host": (text) => waitingFor(askedFor(charge({ host: text }))),
    "the values": (text) => waitingFor(askedFor(charge({ shown: described(text) }))),
    "a text, whose lines stay": (text) =>
      waitingFor(
        askedFor(
          charge({
            shown: {
              ...CHARGE,
              parts: [{ title: "text", values: [{ name: "text", value: text }] }],
            } as unknown as Json,
          }),
        ),
      ),
    headers: (text) => waitingFor(askedFor(charge({ headers: { [text]: text } }))),
    "the rule and its reason": (text) =>
      waitingFor(askedFor(charge({ rule: text, reason: text, codes: [text], provenance: [text] }))),
    "the credential": (text) => waitingFor(askedFor(charge({ credential: text, operation: text }))),
    "the body's type": (text) => waitingFor(askedFor(charge({ body: { sha256: text, size: 1, type: text } }))),
    "the approvers": (text) => ({
      ...waitingFor(askedFor(charge(), { approvers: { group: text, people: [text], quorum: 1 } })),
      agreed: [text],
    }),
    "an earlier no": (text) =>
      waitingFor(askedFor(), { denied: { id: "ap-aaaaaaaa", by: text, time: NOW, asked: 1, same: true, note: text } }),
    "what was approved before": (text) =>
      waitingFor(askedFor(), { approved: approvalOf(askedFor(charge({ shown: described(text) }))) }),
    "a package": (text) =>
      waitingFor({
        ...askedFor(),
        kind: "package",
        subject: text,
        arguments: { purl: text, codes: [text], advisories: [text], missing: [text], integrity: text },
      }),
    "what a later version asks": (text) =>
      waitingFor({ ...askedFor(), kind: text, subject: text, arguments: { [text]: text } }),
  }
  test.each(Object.keys(places).flatMap((place) => Object.keys(WEAPONS).map((weapon) => [place, weapon] as const)))(
    "%s: %s",
    (place, weapon) => {
      const waiting = places[place]!(WEAPONS[weapon]!)
      for (const size of [
        { columns: 80, rows: 24 },
        { columns: 40, rows: 24 },
      ])
        requireOurs(waiting, size)
      const { text } = plainScreen(screenFor(waiting).state, undefined, 80)
      for (const line of text.split("\n")) expect(line).not.toMatch(HARMFUL)
      const shown = describeApproval(waiting.approval, new Map(), waiting.background)
      const card = renderCard(shown, NOW, 80, undefined, waiting.background)
      const list = renderApprovals(
        { schema: "nanoguard.approvals/1", state: "pending", approvals: [shown] },
        "text",
        NOW,
        80,
      )
      for (const line of [...card.split("\n"), ...list.split("\n")]) {
        expect(line).not.toMatch(HARMFUL)
        expect(widthOf(line)).toBeLessThanOrEqual(80)
      }
    },
  )

  test("ten thousand lines", () => {
    const text = "digest        0000-0000-0000-0000\r\n".repeat(10_000)
    requireOurs(places["the agent's words"]!(text))
    requireOurs(places["the values"]!(text))
  })

  test("any text, anywhere", () => {
    const text = fc.string({ unit: "binary", maxLength: 300 })
    fc.assert(
      fc.property(fc.constantFrom(...Object.values(places)), text, (place, text) => requireOurs(place(text))),
      { numRuns: 60 },
    )
  })

  test("an agent's words are quoted, in one line of bounded length, and no headline", () => {
    const reason = `${"please ".repeat(500)}approve`
    const { lines } = screenFor(waitingFor(askedFor(charge(), { reason })), { columns: 80, rows: 40 })
    const texts = lines.map(({ text }) => text)
    const at = texts.findIndex((text) => text.startsWith('agent says    "please'))
    expect(texts[1]).toBe("will          charge customer cus_1, 49.00 usd")
    expect(texts.filter((text) => text.includes("please")).length).toBeLessThanOrEqual(4)
    for (const text of texts.slice(at + 1).filter((text) => text.includes("please"))) expect(text).toMatch(/^ {12}\| /)
  })
})

describe("H4: nothing is hidden by truncation", () => {
  test("what is cut is named with its length and its hash, and the full view has all of it", () => {
    const value = `${"a".repeat(5_000)} and 1,000,000 to mallory`
    const parts = [{ title: "JSON", values: [{ name: "/note", value }] }]
    const waiting = waitingFor(askedFor(charge({ shown: { ...CHARGE, parts } as unknown as Json })))
    const card = screenFor(waiting, { columns: 100, rows: 40 }).lines.map(({ text }) => text)
    expect(card.join("").replace(/ +\| /g, "")).toMatch(/a\.\.\. ?\[5,025 characters, sha256 [0-9a-f]{16}\]/)
    const full = screenFor(waiting, { columns: 100, rows: 200 }, ["v"]).lines.map(({ text }) => text)
    expect(full.join("").replace(/ +\| /g, "")).toContain("and 1,000,000 to mallory")
  })

  test("a thousand harmless values do not push what matters off the screen: their number is told", () => {
    const values = Array.from({ length: 1000 }, (_, i) => ({ name: `/n${i}`, value: "1" }))
    const shown = { ...CHARGE, parts: [{ title: "JSON", values }] } as unknown as Json
    const { lines, fits } = screenFor(waitingFor(askedFor(charge({ shown }))))
    const texts = lines.map(({ text }) => text)
    expect(fits).toBe(true)
    expect(texts.join("\n")).toMatch(/v shows what is cut, in lines: 9\d\d of values/)
    expect(texts.join("\n")).toContain("stripe-live goes onto it")
    requireOurs(waitingFor(askedFor(charge({ shown }))))
  })

  test("a long value among those that are the same as before is shown, not folded away", () => {
    const parts = (amount: string) => [
      {
        title: "JSON",
        values: [
          ...Array.from({ length: 50 }, (_, i) => ({ name: `/a${i}`, value: "1" })),
          { name: "/to", value: amount },
        ],
      },
    ]
    const of = (amount: string) => ({ ...CHARGE, parts: parts(amount) }) as unknown as Json
    const approved = approvalOf(askedFor(charge({ shown: of("alice") })))
    const { lines } = screenFor(waitingFor(askedFor(charge({ shown: of("mallory") })), { boxed: true, approved }))
    expect(lines.map(({ text }) => text).join("\n")).toContain("~ /to: mallory  (was alice)")
  })

  test("a name cannot pass for a name and its value", () => {
    const values = [
      { name: "amount: 1\u0000", value: "2" },
      { name: "+ amount", value: "3" },
      { name: "x".repeat(500), value: "4" },
    ]
    const shown = { ...CHARGE, parts: [{ title: "JSON", values }] } as unknown as Json
    const texts = screenFor(waitingFor(askedFor(charge({ shown })))).lines.map(({ text }) => text.slice(14))
    expect(texts).toContain('"amount: 1\\\\u{0}": 2')
    expect(texts).toContain('"+ amount": 3')
    expect(texts.some((text) => text.startsWith(`"${"x".repeat(60)}...`))).toBe(true)
  })

  test("a terminal that is too small to show it decides nothing", () => {
    for (const size of [
      { columns: 20, rows: 30 },
      { columns: 80, rows: 9 },
      { columns: 1, rows: 1 },
    ]) {
      const { state } = screenFor(waitingFor(), size, ["a", "y"])
      expect(state).toMatchObject({ mode: { at: "card" }, fits: false })
    }
  })
})

describe("H4: a host is shown as what it is", () => {
  test.each([
    ["xn--pple-43d.com", /^the host reads \u0430pple\.com and is not apple\.com: U\+0430 is Cyrillic$/],
    ["xn--80ak6aa92e.com", /is not apple\.com: .*Cyrillic/],
    ["api.xn--githb-9wd.com", /^the host reads api\.gith\S+b\.com/],
    ["xn--n3h.example", /^the host reads /],
    ["xn--wgv71a119e.jp", /^the host reads \u65e5\u672c\u8a9e\.jp$/],
    ["xn--mnchen-3ya.de", /^the host reads m\u00fcnchen\.de and is not munchen\.de: U\+00FC is Latin$/],
    ["a b.example", /^the host is no proper name: a b\.example$/],
    ["Example.com\u202e", /^the host is no proper name/],
  ])("%s", (host, said) => {
    expect(oddHost(host)[0]).toMatch(said)
  })

  test.each(["api.example.com", "10.1.2.3", "::1", "a-b.c_d.example"])("%s is plain", (host) => {
    expect(oddHost(host)).toEqual([])
  })
})

describe("H4: a body is looked at, never printed", () => {
  test("text with what is hidden in it shown, line by line", () => {
    const bytes = Buffer.from("a=1\nb=\u202e2\x1b[2J\r\n\u200b")
    expect(bodyLines(bytes, bound(bytes))).toEqual([
      "19 bytes of text/plain, as it was sent",
      "a=1",
      "b=\\u{202e}2\\u{1b}[2J",
      "\\u{200b}",
    ])
  })

  test("bytes as hex, and the end of what is long as a number", () => {
    const bytes = Buffer.from([0, 1, 2, 255, 65, 66])
    expect(bodyLines(bytes, bound(bytes)).slice(1)).toEqual([`000000  00 01 02 ff 41 42${" ".repeat(30)}  ....AB`])
    const long = Buffer.alloc(300 * 1024, "x\n")
    expect(bodyLines(long, bound(long)).at(-1)).toBe("(and 45,056 more bytes)")
  })

  test("another one than was bound is said to be another", () => {
    const bytes = Buffer.from("a=1")
    expect(bodyLines(Buffer.from("a=2"), bound(bytes))).toEqual([
      "what the gate has is another body than the one that is asked about: deny it",
    ])
  })

  const bound = (bytes: Buffer) => ({
    sha256: createHash("sha256").update(bytes).digest("hex"),
    size: bytes.length,
    type: "text/plain",
  })
})

describe("a row that somebody wrote into the store", () => {
  const broken: Json[] = [
    null,
    1,
    "x",
    [],
    {},
    { purl: 1 },
    { ...(charge() as unknown as { [name: string]: Json }), port: "443" },
    { ...(charge() as unknown as { [name: string]: Json }), headers: null, shown: 7 },
  ]
  test.each(["network", "package", "exception", "other"])("of kind %s breaks no card", (kind) => {
    for (const bound of broken) requireSomething(waitingFor({ ...askedFor(), kind, arguments: bound }))
    for (const shown of [
      null,
      1,
      {},
      { verb: 1 },
      { verb: "a", resource: "b", parts: [1] },
      { verb: "a", resource: "b", parts: [{ title: "t", values: [{ name: 1 }, 2] }] },
    ])
      requireSomething(waitingFor(askedFor({ ...charge(), shown: shown as Json } as NetworkArguments)))
  })

  function requireSomething(waiting: Waiting) {
    for (const keys of [[], ["v"], ["g"], ["l"], ["a"]])
      expect(screenFor(waiting, { columns: 80, rows: 24 }, keys).lines.length).toBeGreaterThan(0)
    const shown = describeApproval(waiting.approval, new Map())
    expect(renderCard(shown, NOW)).toContain(waiting.approval.id)
  }
})
