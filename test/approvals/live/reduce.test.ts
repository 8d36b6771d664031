// The approver's terminal as a state machine: what keys may decide, and when they may not.
import fc from "fast-check"
import { describe, expect, test } from "vitest"
import { ALIKE, GUARD } from "../../../src/approvals/live/keys.ts"
import { reduceLive, startLive } from "../../../src/approvals/live/reduce.ts"
import type { Effect, LiveEvent, LiveState, Waiting } from "../../../src/approvals/live/types.ts"
import { keysFor } from "../../../src/render/card-keys.ts"
import { NOW } from "../../context.ts"
import { askedFor, charge, waitingFor } from "../../render/card-sample.ts"

const SIZE = { columns: 100, rows: 40 }
const [FIRST, SECOND, OTHER] = [
  waitingFor(askedFor(charge({ query: "n=1" }))),
  waitingFor(askedFor(charge({ query: "n=2" }))),
  waitingFor(askedFor(charge({ rule: "mails" }))),
] as const
const idOf = ({ approval }: Waiting) => approval.id

/** A terminal that draws whatever it is told to, at once. */
function terminal(queue: readonly Waiting[], fits = true) {
  let state: LiveState = startLive("ana", SIZE, NOW)
  let now = NOW
  const effects: Effect[] = []
  const send = (event: LiveEvent, drawn = true) => {
    const step = reduceLive(state, event, now)
    state = step.state
    effects.push(...step.effects)
    if (drawn) state = reduceLive(state, { type: "drawn", fits, last: 50 }, now).state
  }
  const press = (...keys: string[]) => {
    for (const key of keys) send({ type: "key", key })
  }
  const result = {
    press,
    send,
    wait: (ms: number) => {
      now += ms
      send({ type: "tick" })
    },
    /** As a person does it: one key, and a look. */
    slowly: (...keys: string[]) => {
      for (const key of keys) {
        result.wait(GUARD)
        send({ type: "key", key })
      }
    },
    state: () => state,
    effects,
    now: () => now,
    answers: () => effects.flatMap((effect) => (effect.do === "answer" ? effect.items : [])),
  }
  send({ type: "queue", queue, gone: {} })
  return result
}

describe("a decision", () => {
  test("about what is approved by itself covers nothing alike", () => {
    const approvers = { group: "default", people: ["ana"], quorum: 1, risk: "critical" as const, alike: false as const }
    const { slowly, answers, state } = terminal([waitingFor(askedFor(charge(), { approvers }))])
    slowly("u")
    expect(state()).toMatchObject({ mode: { at: "card" }, notice: "by policy each of these is approved by itself" })
    slowly("a", "y")
    expect(answers()).toMatchObject([{ answer: "approve", terms: { uses: 1, scope: "run" } }])
  })

  test("takes two keys, each after a look, and is for what was shown: a request once, within the hour", () => {
    const { slowly, answers, state, now } = terminal([FIRST, OTHER])
    slowly("a")
    expect(answers()).toEqual([])
    slowly("y")
    expect(answers()).toEqual([
      {
        ...{ id: idOf(FIRST), digest: FIRST.approval.digest, answer: "approve" },
        terms: { scope: "run", uses: 1, expires: now() - GUARD + 3_600_000 },
      },
    ])
    expect(state().mode).toEqual({ at: "signing", ids: [idOf(FIRST)] })
  })

  test.each(["enter", "space", "n", "a", "d", "escape", "Y"])("is not made by %s instead of y", (key) => {
    const { slowly, answers } = terminal([FIRST])
    slowly("a", key)
    expect(answers()).toEqual([])
  })

  test("is not made by keys that were pressed ahead", () => {
    const ahead = terminal([FIRST])
    ahead.press("a", "y", "enter", "a", "y")
    expect(ahead.state().mode).toEqual({ at: "card" })
    ahead.slowly("a")
    ahead.press("y", "y", "y")
    expect(ahead.answers()).toEqual([])
    ahead.wait(GUARD - 1)
    ahead.press("y")
    expect(ahead.answers()).toEqual([])
    ahead.wait(1)
    ahead.press("y")
    expect(ahead.answers()).toHaveLength(1)
  })

  test("is not made about what was never drawn, or does not fit", () => {
    const undrawn = terminal([])
    undrawn.send({ type: "queue", queue: [FIRST], gone: {} }, false)
    for (let i = 0; i < 5; i++) {
      undrawn.send({ type: "tick" }, false)
      undrawn.send({ type: "key", key: "a" }, false)
    }
    expect(undrawn.state().mode).toEqual({ at: "card" })
    const small = terminal([FIRST], false)
    small.slowly("a")
    expect(small.state().notice).toContain("too small")
    small.slowly("y", "u", "enter", "enter", "y")
    expect(small.answers()).toEqual([])
  })

  test("is not offered to whom it is not asked of", () => {
    const { slowly, answers, state } = terminal([{ ...FIRST, mine: false }])
    slowly("a", "y", "d", "enter", "u")
    expect(answers()).toEqual([])
    expect(state().notice).toBe("not ana's to decide")
  })

  test("to deny asks why, and tells what was typed", () => {
    const { slowly, press, wait, answers } = terminal([FIRST])
    slowly("d")
    press(..."not nw", "backspace", "backspace", "o", "w", "space", "\u001b", "ok", "!")
    wait(GUARD)
    press("enter")
    expect(answers()).toEqual([expect.objectContaining({ answer: "deny", terms: { note: "not ow !" } })])
  })

  test("a reason is never longer than may be signed", () => {
    const { slowly, press, answers } = terminal([FIRST])
    slowly("d")
    press(..."x".repeat(1000))
    slowly("enter")
    expect(answers()[0]?.terms.note).toHaveLength(400)
  })
})

describe("alike", () => {
  test("asks how often and how long, with safe defaults", () => {
    const { slowly, answers, now } = terminal([FIRST])
    slowly("u", "enter", "enter")
    const end = now() + ALIKE.minutes * 60_000
    slowly("y")
    expect(answers()).toEqual([
      expect.objectContaining({
        answer: "approve",
        terms: { scope: "run", covers: "alike", uses: ALIKE.uses, expires: end },
      }),
    ])
  })

  test.each(["0", "-1", "101", "1e9", "x", "99999"])("%s is no number of uses", (typed) => {
    const { slowly, press, state, answers } = terminal([FIRST])
    slowly("u")
    press(...typed)
    slowly("enter")
    // What is too long is not taken in the first place.
    if (typed === "99999") expect(state().notice).toContain("1 to 100")
    expect(state().mode).toEqual({ at: "uses", id: idOf(FIRST), text: "" })
    expect(answers()).toEqual([])
  })

  test("is not offered where it would cover nothing", () => {
    const { also: _, ...alone } = charge()
    const { slowly, state } = terminal([waitingFor(askedFor(alone))])
    slowly("u")
    expect(state()).toMatchObject({ mode: { at: "card" }, notice: expect.stringContaining("not known") })
  })

  test("is for requests only", () => {
    const asked = askedFor()
    const { slowly, state } = terminal([
      waitingFor({ ...asked, kind: "package", arguments: { purl: "pkg:npm/a@1.0.0", codes: ["script.unapproved"] } }),
    ])
    slowly("u")
    expect(state()).toMatchObject({ mode: { at: "card" }, notice: "only requests can be approved alike" })
  })
})

describe("a group", () => {
  test("is what is similar and on the list, each signed for itself", () => {
    const { slowly, state, answers } = terminal([FIRST, OTHER, SECOND])
    slowly("g")
    expect(state().mode).toEqual({ at: "group", ids: [idOf(FIRST), idOf(SECOND)] })
    slowly("a", "y")
    expect(answers().map(({ id, digest }) => [id, digest])).toEqual(
      [FIRST, SECOND].map(({ approval }) => [approval.id, approval.digest]),
    )
  })

  test("of what is approved by itself can be denied, and is approved on cards alone", () => {
    const approvers = { group: "default", people: ["ana"], quorum: 1, risk: "critical" as const, alike: false as const }
    const grave = ["n=1", "n=2"].map((query) => waitingFor(askedFor(charge({ query }), { approvers })))
    const { slowly, state, answers } = terminal(grave)
    slowly("g", "a", "y")
    expect(state()).toMatchObject({ mode: { at: "group" } })
    expect(keysFor(state()).map(([key]) => key)).toEqual(["d", "Esc"])
    expect(answers()).toEqual([])
    slowly("d", "enter")
    expect(answers().map(({ answer }) => answer)).toEqual(["deny", "deny"])
  })

  test("takes in nothing that came after it was listed", () => {
    const { slowly, send, answers } = terminal([FIRST])
    slowly("g")
    send({ type: "queue", queue: [FIRST, SECOND], gone: {} })
    slowly("a", "y")
    expect(answers().map(({ id }) => id)).toEqual([idOf(FIRST)])
  })

  test("is never more than there is room to list", () => {
    const many = Array.from({ length: 30 }, (_, i) => waitingFor(askedFor(charge({ query: `n=${i}` }))))
    const { slowly, state, send } = terminal(many)
    slowly("g")
    expect(state().mode).toMatchObject({ at: "group", ids: { length: 10 } })
    send({ type: "key", key: "escape" })
    send({ type: "resized", columns: 80, rows: 14 })
    slowly("g")
    expect(state().mode).toMatchObject({ at: "group", ids: { length: 2 } })
  })
})

describe("the queue", () => {
  test("puts nothing under the finger: what comes does not come to the front", () => {
    const { send, state, slowly } = terminal([FIRST])
    send({ type: "queue", queue: [OTHER, FIRST, SECOND], gone: {} })
    expect(state().current).toBe(idOf(FIRST))
    slowly("a")
    expect(state().mode).toMatchObject({ at: "confirm", pending: { ids: [idOf(FIRST)] } })
  })

  test("takes a card away that somebody else decided, with a line, and guards the next one", () => {
    const { send, state, slowly, press, answers } = terminal([FIRST, OTHER])
    slowly("a")
    send({ type: "queue", queue: [OTHER], gone: { [idOf(FIRST)]: "was denied by ben" } })
    expect(state()).toMatchObject({
      ...{ mode: { at: "card" }, current: idOf(OTHER), notice: `${idOf(FIRST)} was denied by ben` },
    })
    press("y", "a", "y")
    expect(answers()).toEqual([])
    expect(state().mode).toEqual({ at: "card" })
  })

  test("takes a card away when it expires, in whatever mode, also where the queue is not read", () => {
    for (const keys of [["a"], ["d", "x"], ["u"], ["u", "enter"], ["g"], ["v"], ["l"]]) {
      const { slowly, wait, state } = terminal([FIRST])
      slowly(...keys)
      wait(600_000)
      expect(state()).toMatchObject({
        mode: { at: "card" },
        queue: [],
        notice: `${idOf(FIRST)} expired: it is refused`,
      })
      expect(state().current).toBeUndefined()
    }
  })

  test("keeps a view open while others come and go, and does not tell of one's own answers twice", () => {
    const { slowly, send, state } = terminal([FIRST, OTHER])
    slowly("v")
    send({ type: "queue", queue: [FIRST, SECOND], gone: {} })
    expect(state().mode).toEqual({ at: "full", offset: 0 })
    slowly("escape", "a", "y")
    send({ type: "queue", queue: [SECOND], gone: { [idOf(FIRST)]: "was approved by ana" } })
    send({ type: "answered", notice: "signed" })
    send({ type: "queue", queue: [SECOND], gone: {} })
    expect(state()).toMatchObject({ notice: "signed", current: idOf(SECOND), mode: { at: "card" } })
  })

  test("guards a card that changed under the eyes: somebody agreed, or the record was read", () => {
    const { background: _, ...unread } = FIRST
    const { send, state, slowly, press } = terminal([unread])
    slowly("n")
    send({ type: "queue", queue: [FIRST], gone: {} })
    press("a")
    expect(state().mode).toEqual({ at: "card" })
    slowly("n")
    send({ type: "queue", queue: [{ ...FIRST, agreed: ["ben"] }], gone: {} })
    press("a")
    expect(state().mode).toEqual({ at: "card" })
  })

  test("goes round with n and p, and is left with q or Ctrl-C", () => {
    const { press, state, effects } = terminal([FIRST, SECOND, OTHER])
    press("p")
    expect(state().current).toBe(idOf(OTHER))
    press("n", "n")
    expect(state().current).toBe(idOf(SECOND))
    press("q", "ctrl-c", "ctrl-z")
    expect(effects).toEqual([{ do: "quit" }, { do: "quit" }, { do: "suspend" }])
  })
})

test("whatever is pressed, nothing is signed without a y that was pressed half a second after its question was drawn", () => {
  const key = fc.constantFrom(..."adugnpvlqyx?", "enter", "escape", "space", "up", "down", "end", "backspace", "1")
  const happening = fc.oneof(
    { weight: 8, arbitrary: key.map((name) => ({ key: name })) },
    { weight: 4, arbitrary: fc.integer({ min: 0, max: 900 }).map((wait) => ({ wait })) },
    { weight: 1, arbitrary: fc.subarray([FIRST, SECOND, OTHER]).map((queue) => ({ queue })) },
  )
  fc.assert(
    fc.property(fc.array(happening, { maxLength: 60 }), (happenings) => {
      const live = terminal([FIRST, SECOND, OTHER])
      for (const one of happenings) {
        const { mode, shown } = live.state()
        const before = live.answers().length
        if ("wait" in one) live.wait(one.wait)
        else if ("queue" in one) live.send({ type: "queue", queue: one.queue, gone: {} })
        else live.press(one.key)
        const signed = live.answers().slice(before)
        if (signed.length === 0) continue
        expect(shown).toBeLessThanOrEqual(live.now() - GUARD)
        if (signed.some(({ answer }) => answer === "approve")) {
          expect([one, mode]).toEqual([{ key: "y" }, expect.objectContaining({ at: "confirm" })])
          expect(signed.map(({ id }) => id).sort()).toEqual(
            [...(mode as never as { pending: { ids: string[] } }).pending.ids].sort(),
          )
        } else expect([one, mode.at]).toEqual([{ key: "enter" }, "reason"])
      }
    }),
    { numRuns: 500 },
  )
})
