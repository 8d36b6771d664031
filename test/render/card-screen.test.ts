// The approver's screen, as a person sees it.
import { describe, expect, test } from "vitest"
import { reduceLive, startLive } from "../../src/approvals/live/reduce.ts"
import type { LiveState, Waiting } from "../../src/approvals/live/types.ts"
import type { Json, NetworkArguments } from "../../src/approvals/types.ts"
import { drawLive, type Fetched } from "../../src/render/card-live.ts"
import { plainScreen } from "../../src/render/card-plain.ts"
import { widthOf } from "../../src/render/terminal-width.ts"
import { NOW } from "../context.ts"
import { approvalOf, askedFor, CHARGE, charge, waitingFor } from "./card-sample.ts"

/** A terminal that shows these, after these keys: each pressed once what was there before was looked at. */
function showing(queue: readonly Waiting[], keys: readonly string[] = [], size = { columns: 80, rows: 30 }): LiveState {
  let state = startLive("ana", size, NOW)
  const events = [{ type: "queue" as const, queue, gone: {} }, ...keys.map((key) => ({ type: "key" as const, key }))]
  for (const event of events) {
    state = reduceLive(state, event, state.now + 500).state
    const { fits, last } = drawLive(state)
    state = reduceLive(state, { type: "drawn", fits, last }, state.now).state
  }
  return state
}

const screenOf = (state: LiveState, fetched?: Fetched) => drawLive(state, fetched).lines.map(({ text }) => text)
const BEFORE = approvalOf(askedFor(charge({ query: "before" })), { state: "consumed" })
const MORE = {
  ...CHARGE,
  amount: "4,900.00 usd",
  parts: [
    {
      title: "form",
      values: CHARGE.parts[0]!.values.map((v) => (v.name === "amount" ? { ...v, value: "490000" } : v)),
    },
  ],
} as unknown as Json

describe("a card", () => {
  test("says how much harm a wrong yes would do, where it is not the usual", () => {
    const approvers = { group: "", people: ["ana"], quorum: 1 }
    const shown = (more: object) =>
      screenOf(showing([waitingFor(askedFor(charge(), { approvers: { ...approvers, ...more } }))]))
    expect(shown({ risk: "critical", alike: false })).toContain("risk          critical: each is approved by itself")
    expect(shown({ risk: "low" })).toContain("risk          low")
    for (const none of [{}, { risk: "medium" }, { risk: "\u001b[2Jcritical" }])
      expect(shown(none).join("\n")).not.toMatch(/risk|critical/)
  })
  test("says what will happen, who asks, what is sent, why it is asked, and until when", () => {
    expect(screenOf(showing([waitingFor()]))).toMatchInlineSnapshot(`
      [
        "nanoguard approve   1 of 1 request   as ana",
        "will          charge customer cus_1, 49.00 usd",
        "sends         POST https://api.example.com/v1/charges",
        "asked by      claude-1 (operator olga; run r1), in a box",
        "form          amount: 4900",
        "              currency: usd",
        "              customer: cus_1",
        "              description: November",
        "body          61 bytes of application/x-www-form-urlencoded, sha256",
        "            | abababababababab...",
        "provenance    first request of claude-1 to this host",
        "rule          charges: network.ask",
        "because       A rule of the policy asks about this request.",
        "operation     stripe:charges.create, a write",
        "credential    stripe-live goes onto it; the agent never had it",
        "",
        "",
        "",
        "",
        "",
        "",
        "",
        "",
        "",
        "",
        "decided by    default: ana, ben, cy (1 must agree)",
        "digest        22c3-f574-f286-2ad3  ap-elb7k5hs  10m 0s left",
        "",
        "a approve   d deny   u approve alike   v full view   l policy line   ? help",
        "q quit",
      ]
    `)
  })

  test("shows what differs from what was approved last, and in how many lines what is cut", () => {
    const waiting = waitingFor(askedFor(charge({ shown: MORE })), { boxed: false, approved: BEFORE })
    expect(screenOf(showing([waiting]))).toMatchInlineSnapshot(`
      [
        "nanoguard approve   1 of 1 request   as ana",
        "will          charge customer cus_1, 4,900.00 usd",
        "sends         POST https://api.example.com/v1/charges",
        "asked by      claude-1 (operator olga; run r1), in no box",
        "query         - before",
        "form          ~ amount: 490000  (was 4900)",
        "                currency: usd",
        "                customer: cus_1",
        "                description: November",
        "body            61 bytes of application/x-www-form-urlencoded, sha256",
        "            | abababababababab...",
        "compared      with ap-eu5pn4j4, approved, of 2026-11-21 00:00Z",
        "provenance    first request of claude-1 to this host",
        "rule          charges: network.ask",
        "because       A rule of the policy asks about this request.",
        "operation     stripe:charges.create, a write",
        "credential    stripe-live goes onto it; the agent never had it",
        "",
        "",
        "",
        "",
        "",
        "",
        "",
        "",
        "decided by    default: ana, ben, cy (1 must agree)",
        "digest        cd8a-5aaf-e27d-2336  ap-zwffvl7c  10m 0s left",
        "",
        "a approve   d deny   u approve alike   v full view   l policy line   ? help",
        "q quit",
      ]
    `)
    expect(screenOf(showing([waiting], [], { columns: 40, rows: 24 }))).toMatchInlineSnapshot(`
      [
        "nanoguard approve   1 of 1 request   ...",
        "will       charge customer cus_1,",
        "          |4,900.00 usd",
        "sends      POST https://api.example.com/",
        "          |v1/charges",
        "asked by   claude-1 (operator olga; run",
        "          |r1), in no box",
        "query      - before",
        "form       ~ amount: 490000  (was 4900)",
        "             (4 values are the same)",
        "compared   with ap-eu5pn4j4, approved,",
        "          |of 2026-11-21 00:00Z",
        "provenance first request of claude-1 to",
        "rule       charges: network.ask",
        "because    A rule of the policy asks",
        "credential stripe-live goes onto it;",
        "v shows 5 lines that are cut",
        "decided by default: ana, ben, cy (1",
        "          |must agree)",
        "digest     cd8a-5aaf-e27d-2336 ",
        "          |ap-zwffvl7c  10m 0s left",
        "",
        "a approve  d deny  u alike  v view",
        "l line  ? help  q quit",
      ]
    `)
  })

  test("of a package has the evidence, the rule, and the number that `why` takes", () => {
    const asked = askedFor()
    const waiting = waitingFor(
      {
        ...asked,
        ...{ kind: "package", subject: "pkg:npm/esbuild@0.25.1" },
        arguments: {
          purl: "pkg:npm/esbuild@0.25.1",
          codes: ["script.unapproved"],
          advisories: ["GHSA-aaaa-bbbb-cccc"],
        },
      },
      {
        boxed: true,
        decided: {
          seq: 812,
          verdict: {
            ...{ effect: "ask", code: "script.unapproved", mode: "enforce", policyHash: "sha256:0" },
            ...{ rule: "packages.ask.install-scripts (nanoguard.yaml:4:8)", subject: "pkg:npm/esbuild@0.25.1" },
            reason: "An install would run a script of this package (postinstall).",
            evidence: [
              { kind: "script", script: "postinstall" },
              { kind: "advisory", id: "GHSA-aaaa-bbbb-cccc", severity: "low" },
            ],
          },
        },
      },
    )
    expect(screenOf(showing([waiting]))).toMatchInlineSnapshot(`
      [
        "nanoguard approve   1 of 1 request   as ana",
        "will          let in pkg:npm/esbuild@0.25.1",
        "asks for      script.unapproved (install script)",
        "asked by      claude-1 (operator olga; run r1), in a box",
        "advisories    GHSA-aaaa-bbbb-cccc",
        "evidence      script: script postinstall",
        "              advisory: id GHSA-aaaa-bbbb-cccc; severity low",
        "rule          packages.ask.install-scripts (nanoguard.yaml:4:8)",
        "because       An install would run a script of this package (postinstall).",
        "on record     ng-812: nanoguard why ng-812",
        "",
        "",
        "",
        "",
        "",
        "",
        "",
        "",
        "",
        "",
        "",
        "",
        "",
        "",
        "",
        "",
        "decided by    default: ana, ben, cy (1 must agree)",
        "digest        9425-5b3e-ea4d-cc4c  ap-sqsvwpxk  10m 0s left",
        "",
        "a approve   d deny   v full view   ? help   q quit",
      ]
    `)
  })

  test("says that a person said no before, and who agreed already", () => {
    const asked = askedFor(charge(), { approvers: { group: "two", people: ["ana", "ben"], quorum: 2 } })
    const denied = { ...{ id: "ap-aaaaaaaa", by: "cy", time: NOW - 7_200_000, asked: 1, same: true }, note: "use got" }
    const waiting = { ...waitingFor(asked, { boxed: true, denied }), agreed: ["ben"], missing: 1 }
    expect(screenOf(showing([waiting])).slice(-7)).toMatchInlineSnapshot(`
      [
        "",
        "again         2nd ask: denied by cy 2h ago: "use got"",
        "decided by    two: ana, ben (2 must agree; agreed: ben; 1 more)",
        "digest        b2e2-310f-da17-eae1  ap-wlrdcd62  10m 0s left",
        "",
        "a approve   d deny   u approve alike   v full view   l policy line   ? help",
        "q quit",
      ]
    `)
  })

  test.each([
    ["websocket", "only the opening of a WebSocket is decided: messages after it are not seen"],
    ["grpc", "only the opening of a gRPC stream is decided: messages after it are not seen"],
  ] as const)("of a %s says what is not seen", (opening, words) => {
    expect(
      screenOf(showing([waitingFor(askedFor(charge({ opening })))], [], { columns: 120, rows: 30 })).join("\n"),
    ).toContain(words)
  })

  test("counts the time down", () => {
    const state = showing([waitingFor()])
    const left = (now: number) => /(?:\d+m )?\d+s left/.exec(screenOf({ ...state, now }).join("\n"))?.[0]
    const times = [NOW, NOW + 1000, NOW + 541_000, NOW + 599_500]
    expect(times.map(left)).toEqual(["10m 0s left", "9m 59s left", "59s left", "1s left"])
  })
})

describe("the screen", () => {
  test("asks before it signs, in words that say what is signed", () => {
    const waiting = waitingFor()
    expect(screenOf(showing([waiting], ["a"])).slice(-3)).toMatchInlineSnapshot(`
      [
        "",
        "Approve 22c3-f574-f286-2ad3, once, until 01:00Z on 2026-11-21, for run r1? y",
        "signs it; any other key goes back.",
      ]
    `)
    expect(screenOf(showing([waiting], ["u", "enter", "enter"])).slice(-4)).toMatchInlineSnapshot(`
      [
        "",
        "Approve 22c3-f574-f286-2ad3, 3 uses, until 00:15Z on 2026-11-21, for run r1:",
        "whatever rule charges asks about api.example.com? y signs it; any other key",
        "goes back.",
      ]
    `)
    expect(screenOf(showing([waiting], ["d", "n", "o"])).slice(-2)).toMatchInlineSnapshot(`
      [
        "Deny 22c3-f574-f286-2ad3. Why? The agent is told. Enter denies, Esc goes back.",
        "> no_",
      ]
    `)
  })

  test("lists a group", () => {
    const [a, b] = [waitingFor(), waitingFor(askedFor(charge({ shown: MORE, path: "/v1/charges/other" })))]
    expect(screenOf(showing([a, b], ["g"], { columns: 80, rows: 16 }))).toMatchInlineSnapshot(`
      [
        "nanoguard approve   1 of 2 requests   as ana",
        "2 similar requests of claude-1. Each is signed with its own digest; v on a card",
        "shows it whole.",
        " 1 22c3-f574 charge customer cus_1, 49.00 usd",
        "   61 bytes, sha256 abababababab: POST api.example.com/v1/charges, 9m 59s left",
        " 2 e825-aba3 charge customer cus_1, 4,900.00 usd",
        "   61 bytes, sha256 abababababab: POST api.example.com/v1/charges/other, 9m 5...",
        "",
        "",
        "",
        "",
        "",
        "",
        "",
        "",
        "a approve all of these   d deny all of these   Esc back",
      ]
    `)
  })

  test("warns of one in a group as its card would, and waits until the record was read about each", () => {
    const denied = { ...{ id: "ap-aaaaaaaa", by: "cy", time: NOW, asked: 1, same: true }, note: "no" }
    const odd = waitingFor(askedFor(charge({ host: "xn--pple-43d.com" }), { run: "r2" }), { boxed: true, denied })
    const state = showing([waitingFor(), odd], ["g", "a"], { columns: 200, rows: 24 })
    expect(screenOf(state)[6]).toMatch(
      /^ {3}the host reads .* and is not apple\.com.*; 2nd ask: denied by cy just now: "no"$/,
    )
    expect(screenOf(state).at(-1)).toContain("Approve these 2, each for its own run?")
    const { background: _, ...unread } = odd
    expect(drawLive(showing([waitingFor(), unread], ["g"])).fits).toBe(false)
  })

  test("has the whole of it in the full view, with the body", () => {
    const description = `${"x".repeat(300)}THE END`
    const shown = {
      ...CHARGE,
      parts: [{ title: "form", values: [{ name: "description", value: description }] }],
    } as unknown as Json
    const waiting = waitingFor(askedFor(charge({ shown })))
    const card = screenOf(showing([waiting])).join("\n")
    expect(card).toContain("[307 characters, sha256 ")
    expect(card).not.toContain("THE END")
    const fetched = { id: waiting.approval.id, body: ["amount=4900"] }
    const full = screenOf(showing([waiting], ["v"], { columns: 80, rows: 60 }), fetched).join("\n")
    expect(full).toContain("THE END")
    expect(full).toContain("body          amount=4900")
    expect(full.replace(/\n +\| /g, "")).toContain(waiting.approval.digest)
  })

  test.each([
    [200, 60],
    [80, 24],
    [60, 20],
    [40, 24],
    [30, 12],
    [12, 5],
    [1, 1],
  ])("of %i x %i is never passed, whatever is on it", (columns, rows) => {
    const wide = "\u754c".repeat(500)
    const hostile: Partial<NetworkArguments> = {
      rule: wide,
      path: `/${wide}`,
      reason: wide,
      provenance: Array(200).fill(wide),
    }
    const queue = [waitingFor(askedFor(charge(hostile), { agent: wide, reason: wide.repeat(20) })), waitingFor()]
    for (const keys of [[], ["v"], ["l"], ["g"], ["?"], ["a"], ["d", "x"], ["u"]]) {
      const state = showing(queue, keys, { columns, rows })
      const lines = screenOf({ ...state, notice: wide })
      expect(lines.length).toBeLessThanOrEqual(rows)
      for (const line of lines) expect(widthOf(line)).toBeLessThanOrEqual(columns)
    }
  })

  test("says so where there is nothing", () => {
    expect(screenOf(showing([]))[2]).toBe("Nothing waits for a person.")
    expect(screenOf(showing([])).at(-1)).toBe("? help   q quit")
  })
})

describe("what is asked", () => {
  const shown = (title: string, value: string): Json =>
    ({ verb: "send", resource: "an e-mail", parts: [{ title, values: [{ name: "text", value }] }] }) as unknown as Json
  const of = (request: Parameters<typeof charge>[0], size = { columns: 80, rows: 24 }) =>
    screenOf(showing([waitingFor(askedFor(charge(request)))], [], size))

  test("a text has its lines, each behind a bar; any other value is one", () => {
    const text = "Hello,\ndigest        dead-beef"
    expect(of({ shown: shown("text", text) })).toEqual(
      expect.arrayContaining(["text          text: Hello,", "            | digest        dead-beef"]),
    )
    expect(of({ shown: shown("form", text) })).toContain("form          text: Hello,\\u{a}digest        dead-beef")
  })

  test("a body is there once, and other bytes are other bytes, however much of their hash is seen", () => {
    const body = { sha256: "ab".repeat(32), size: 61, type: "text/plain" }
    const parts = [
      {
        title: "body",
        values: [
          { name: "type", value: "text/plain" },
          { name: "bytes", value: "61 bytes" },
          { name: "not read", value: "encoded" },
        ],
      },
    ]
    const lines = of({ body, shown: { verb: "send", resource: "x", parts } as unknown as Json })
    expect(lines).toEqual(
      expect.arrayContaining([
        'body          "not read": encoded',
        "              61 bytes of text/plain, sha256 abababababababab...",
      ]),
    )
    const before = approvalOf(askedFor(charge({ body: { ...body, sha256: `${"ab".repeat(31)}ff` } })))
    const other = screenOf(showing([waitingFor(askedFor(charge({ body })), { approved: before })]))
    expect(other).toContain("body          + 61 bytes of text/plain, sha256 abababababababab...")
  })

  test("a small screen shows of what is sent before it shows the frame around it", () => {
    const denied = {
      id: "ap-aaaaaaaa",
      by: "ben",
      time: NOW,
      asked: 1,
      same: true,
      note: "wait for the invoice ".repeat(4),
    }
    const approved = BEFORE
    const one = waitingFor(askedFor(charge({ shown: MORE })), { boxed: false, approved, denied })
    const { lines, fits } = drawLive(showing([one], [], { columns: 40, rows: 20 }))
    expect(fits).toBe(true)
    expect(lines.map(({ text }) => text)).toContain("form       ~ amount: 490000  (was 4900)")
  })
})

describe("without a screen", () => {
  test("a card is paragraphs, and each key a number", () => {
    const state = showing([waitingFor()])
    const { text, choices, reads, fits } = plainScreen(state, undefined, 100)
    expect(text).toMatchInlineSnapshot(`
      "
      will          charge customer cus_1, 49.00 usd
      sends         POST https://api.example.com/v1/charges
      asked by      claude-1 (operator olga; run r1), in a box
      form          amount: 4900
                    currency: usd
                    customer: cus_1
                    description: November
      body          61 bytes of application/x-www-form-urlencoded, sha256 abababababababab...
      provenance    first request of claude-1 to this host
      rule          charges: network.ask
      because       A rule of the policy asks about this request.
      operation     stripe:charges.create, a write
      credential    stripe-live goes onto it; the agent never had it
      decided by    default: ana, ben, cy (1 must agree)
      digest        22c3-f574-f286-2ad3  ap-elb7k5hs  10m 0s left
      1. approve
      2. deny
      3. approve alike
      4. full view
      5. policy line
      6. help
      7. quit
      Number of your choice, then Enter:
      "
    `)
    expect([choices.map(({ key }) => key), reads, fits]).toEqual([["a", "d", "u", "v", "l", "?", "q"], false, true])
  })

  test("is read out again only when something else is to be read", () => {
    const state = showing([waitingFor()])
    const sign = (of: LiveState) => plainScreen(of, undefined, 100).sign
    expect(sign({ ...state, now: NOW + 5_000 })).toBe(sign(state))
    expect(sign(showing([waitingFor()], ["a"]))).not.toBe(sign(state))
    expect(plainScreen(showing([waitingFor()], ["d"]), undefined, 100)).toMatchObject({ reads: true, choices: [] })
  })
})
