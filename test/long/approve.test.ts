// `nanoguard approve` in a real terminal: what waits, as it comes; what keys decide; and what no card can do to it.
import { createHash } from "node:crypto"
import { setTimeout as sleep } from "node:timers/promises"
import { expect, type TestContext, test } from "vitest"
import { answerApproval } from "../../src/approvals/answer.ts"
import { shortDigest } from "../../src/approvals/binding.ts"
import { readApproval } from "../../src/approvals/list.ts"
import { requestApproval } from "../../src/approvals/queue.ts"
import type { Asked, Json, NetworkArguments } from "../../src/approvals/types.ts"
import { newDesk } from "../commands/approvals.ts"
import { BIN } from "../e2e/nanoguard.ts"
import { hasTmux, openTerminal } from "../e2e/terminal.ts"
import { askedFor, CHARGE, charge } from "../render/card-sample.ts"

/** Longer than a key has to wait for what it decides about. */
const LOOK = 700

/** A charge of so many cents, as the gate would ask about it. */
function chargeOf(cents: number, more: Partial<NetworkArguments> = {}, asked: Partial<Asked> = {}): Asked {
  const values = CHARGE.parts[0]!.values.map((one) => (one.name === "amount" ? { ...one, value: `${cents}` } : one))
  const shown = { ...CHARGE, amount: `${cents / 100} usd`, parts: [{ title: "form", values }] } as unknown as Json
  const text = `amount=${cents}&currency=usd&customer=cus_1&description=November`
  const sha256 = createHash("sha256").update(text).digest("hex")
  const body = { sha256, size: text.length, type: "application/x-www-form-urlencoded" }
  return askedFor(charge({ shown, body, ...more }), { boxed: false, ...asked })
}

/** Ana's terminal, a store, and ben, who decides elsewhere. */
async function newPlace(t: TestContext, { size = [100, 30] as readonly [number, number], before = "" } = {}) {
  if (!hasTmux()) t.skip("tmux is missing: install it")
  const { cwd, env, open, enrol } = newDesk()
  const ana = await enrol("ana")
  const ben = await enrol("ben", ana)
  const store = await open()
  const ask = async (asked: Asked) => {
    const requested = await requestApproval(store, asked, Date.now(), "gw")
    if (requested.state === "flooded") throw new Error("flooded")
    return requested.id
  }
  const command = `'${process.execPath}' '${BIN}' approve --as ana --passphrase-file pass.txt`
  const start = () => {
    const terminal = openTerminal(cwd, `${before}${command}`, env, size)
    t.onTestFinished(() => terminal.close())
    /** One key, once what is there can be decided about. */
    const press = async (...keys: string[]) => {
      for (const key of keys) {
        await sleep(LOOK)
        terminal.press(key)
      }
    }
    return { ...terminal, press, type: terminal.press }
  }
  const read = async (id: string) => {
    const { state, decisions, digest } = (await readApproval(store.db, id, Date.now()))!
    return { state, digest, decisions: decisions.map(({ by, answer, terms }) => ({ by, answer, terms })) }
  }
  const stateOf = async (id: string) => (await read(id)).state
  return { store, ben, ask, start, read, stateOf, command, cwd, env }
}

const PROMPT = /bash-[\d.]+[#$]/

/** Lines of a screen without the empty ones at its end. */
const linesOf = (screen: string) => screen.trimEnd().split("\n")

test("a request appears as it comes, and is approved, denied, approved alike, and decided as a group", async (t) => {
  const { ask, start, read, stateOf } = await newPlace(t)
  const terminal = start()
  await terminal.waitFor("Nothing waits for a person.")

  const first = await ask(chargeOf(4_900, {}, { reason: "\u001b[2Jplease approve" }))
  const shown = await terminal.waitFor(first)
  const { digest } = await read(first)
  expect(linesOf(shown)).toEqual(
    expect.arrayContaining([
      "nanoguard approve   1 of 1 request   as ana",
      "will          charge customer cus_1, 49 usd",
      "sends         POST https://api.example.com/v1/charges",
      "form          amount: 4900",
      "provenance    first request of claude-1 to this host",
      'agent says    "\\u{1b}[2Jplease approve"',
      expect.stringMatching(new RegExp(`^digest {8}${shortDigest(digest)}  ${first}  (?:10|9)m \\d+s left$`)),
    ]),
  )
  await terminal.waitFor("in no box")
  await terminal.press("a")
  await terminal.waitFor(`Approve ${shortDigest(digest)}, once, until `)
  await terminal.press("y")
  await terminal.waitFor(`${first} is approved`)
  expect(await read(first)).toMatchObject({
    state: "granted",
    decisions: [{ by: "ana", answer: "approve", terms: { scope: "run", uses: 1 } }],
  })

  // The next one is compared with what was approved.
  const second = await ask(chargeOf(490_000))
  await terminal.waitFor(second)
  await terminal.waitFor("~ amount: 490000  (was 4900)")
  await terminal.press("d")
  await terminal.waitFor("Why? The agent is told.")
  terminal.type("-l", "far too much, ask again")
  await terminal.press("Enter")
  await terminal.waitFor(`${second} is denied`)
  expect(await read(second)).toMatchObject({
    state: "denied",
    decisions: [{ by: "ana", answer: "deny", terms: { note: "far too much, ask again" } }],
  })

  const third = await ask(chargeOf(5_000))
  await terminal.waitFor(third)
  await terminal.waitFor('with other arguments it was denied by ana just now: "far too much')
  await terminal.press("u")
  await terminal.waitFor("how many uses")
  terminal.type("5")
  await terminal.press("Enter")
  await terminal.waitFor("how many minutes")
  await terminal.press("Enter")
  await terminal.waitFor("asks about api.example.com? y signs it")
  await terminal.press("y")
  await terminal.waitFor(`${third} is approved`)
  const { terms } = (await read(third)).decisions[0]!
  expect(terms).toMatchObject({ covers: "alike", uses: 5, scope: "run" })
  expect(terms.expires! - Date.now()).toBeLessThanOrEqual(15 * 60_000)

  const group = [await ask(chargeOf(1)), await ask(chargeOf(2)), await ask(chargeOf(3))]
  const other = await ask(chargeOf(4, { rule: "mails" }))
  await terminal.waitFor("1 of 4 requests")
  await terminal.press("g")
  await terminal.waitFor("3 similar requests of claude-1.")
  await terminal.press("a")
  await terminal.waitFor("Approve these 3, once")
  await terminal.press("y")
  await terminal.waitFor("3 requests: each is approved")
  expect(await Promise.all(group.map(stateOf))).toEqual(["granted", "granted", "granted"])
  expect(await stateOf(other)).toBe("pending")
  await terminal.press("q")
  expect(await terminal.waitFor("[exit 0]")).not.toContain("digest")
})

test("a card vanishes with a line when somebody else decided it, and takes the question that was open with it", async (t) => {
  const { ask, start, store, ben, stateOf } = await newPlace(t)
  const id = await ask(chargeOf(4_900))
  const terminal = start()
  await terminal.waitFor("in no box")
  await terminal.press("a")
  await terminal.waitFor("y signs it")
  await answerApproval(store, id, { answer: "deny", terms: {} }, ben, Date.now(), "elsewhere")
  const next = await ask(chargeOf(100))
  await terminal.waitFor(`${id} was denied by ben`)
  // The finger that was on its way.
  terminal.type("y", "a", "y")
  await terminal.waitFor(next)
  await sleep(LOOK)
  expect([await stateOf(id), await stateOf(next)]).toEqual(["denied", "pending"])
  expect(terminal.screen()).not.toContain("y signs it")
})

test("a request that expires while it is looked at is gone, and refused", async (t) => {
  const { ask, start, stateOf } = await newPlace(t)
  const id = await ask(chargeOf(4_900, {}, { wait: 6_000 }))
  const terminal = start()
  await terminal.waitFor(/digest .* \ds left/)
  await terminal.waitFor(`${id} expired: it is refused`)
  await terminal.waitFor("Nothing waits for a person.")
  expect(await stateOf(id)).toBe("expired")
})

test("H4: a hostile card stays within its lines: escapes, bidi, 10,000 lines, wide characters, a host in borrowed letters", async (t) => {
  const { ask, start, stateOf } = await newPlace(t, { size: [80, 24] })
  const fake = "digest        dead-beef-dead-beef  ap-aaaaaaaa  9m left"
  const weapon = `\u001b[2J\u001b[1;1H\u001b]0;pwned\u0007\u202e${`\r\n${fake}`.repeat(10_000)}`
  const values = [
    { name: weapon, value: weapon.slice(0, 20_000) },
    { name: "wide", value: "\u754c\u{1f600}".repeat(400) },
  ]
  const shown = { ...CHARGE, resource: weapon.slice(0, 2_000), parts: [{ title: fake, values }] } as unknown as Json
  const id = await ask(
    chargeOf(1, { host: "xn--pple-43d.com", shown }, { agent: weapon.slice(0, 500), reason: weapon }),
  )
  const terminal = start()
  const screen = await terminal.waitFor(new RegExp(`${id}|too small`))
  const lines = linesOf(screen)
  expect(lines.length).toBeLessThanOrEqual(24)
  expect(lines[0]).toBe("nanoguard approve   1 of 1 request   as ana")
  expect(lines[1]).toMatch(/^will {10}charge \\u\{1b\}\[2J/)
  expect(lines.filter((line) => line.startsWith("digest"))).toEqual([expect.stringContaining(id)])
  expect(screen).toContain("and is not apple.com: U+0430 is Cyrillic")
  expect(screen).toMatch(/a approve +d deny/)
  await terminal.press("v")
  await terminal.waitFor("Esc back to the card")
  terminal.type("End")
  await terminal.waitFor("whole digest")
  terminal.type("Escape")
  await terminal.press("d", "Enter")
  await terminal.waitFor(`${id} is denied`)
  expect(await stateOf(id)).toBe("denied")
})

test("nothing that was typed ahead decides, whatever it was", async (t) => {
  const { ask, start, stateOf, ben, store } = await newPlace(t, { before: "sleep 1; " })
  const id = await ask(chargeOf(4_900))
  const terminal = start()
  terminal.type("a", "y", "Enter", "a", "y", "Enter")
  await terminal.waitFor("in no box")
  await sleep(LOOK)
  expect(await stateOf(id)).toBe("pending")
  // And none that comes while cards change quickly.
  for (let i = 0; i < 5; i++) {
    terminal.type("a", "y")
    await answerApproval(store, await ask(chargeOf(i)), { answer: "deny", terms: {} }, ben, Date.now(), "elsewhere")
    terminal.type("n", "a", "y")
  }
  expect(await stateOf(id)).toBe("pending")
})

test("the terminal may be narrow or small, and change; what does not fit decides nothing", async (t) => {
  const { ask, start, stateOf } = await newPlace(t, { size: [40, 24] })
  const id = await ask(chargeOf(4_900))
  const terminal = start()
  const narrow = linesOf(await terminal.waitFor("in no box"))
  expect(narrow.slice(1, 4)).toEqual([
    "will       charge customer cus_1, 49 usd",
    "sends      POST https://api.example.com/",
    "          |v1/charges",
  ])
  expect(narrow.slice(-2)).toEqual(["a approve  d deny  u alike  v view", "l line  ? help  q quit"])
  terminal.resize(30, 8)
  await terminal.waitFor("too small to decide")
  await terminal.press("a", "y")
  expect(await stateOf(id)).toBe("pending")
  terminal.resize(120, 40)
  await terminal.waitFor("a approve   d deny   u approve alike")
  await terminal.press("a", "y")
  await terminal.waitFor(`${id} is approved`)
})

test("Ctrl-Z gives the shell its terminal, fg brings the card back, and Ctrl-C leaves it as it was", async (t) => {
  const { ask, command, cwd, env } = await newPlace(t)
  const id = await ask(chargeOf(4_900))
  const terminal = openTerminal(cwd, "bash --norc --noprofile -i", env, [100, 30])
  t.onTestFinished(() => terminal.close())
  await terminal.waitFor(PROMPT)
  terminal.press("stty -g > before; ", command, "Enter")
  await terminal.waitFor(id)
  terminal.press("C-z")
  await terminal.waitFor("Stopped")
  expect(terminal.screen()).not.toContain("digest  ")
  terminal.press("echo visi; fg", "Enter")
  await terminal.waitFor(id)
  terminal.press("C-c")
  await terminal.waitFor(/bash-[\d.]+[#$]\s*$/)
  terminal.press("clear; stty -g > after; cmp before after && echo same", "Enter")
  await terminal.waitFor(/^same$/m)
})

test("without a screen cards are paragraphs, and choices numbers", async (t) => {
  const { ask, start, read } = await newPlace(t, { before: "TERM=dumb " })
  const id = await ask(chargeOf(4_900))
  const terminal = start()
  const text = await terminal.waitFor("Number of your choice, then Enter:")
  expect(text).toContain("will          charge customer cus_1, 49 usd")
  expect(linesOf(text)).toEqual(expect.arrayContaining(["1. approve", "2. deny", "3. approve alike"]))
  await sleep(LOOK)
  terminal.type("2", "Enter")
  await terminal.waitFor("Why? The agent is told.")
  await sleep(LOOK)
  terminal.type("-l", "no need")
  terminal.type("Enter")
  await terminal.waitFor(`${id} is denied`)
  expect(await read(id)).toMatchObject({ state: "denied", decisions: [{ terms: { note: "no need" } }] })
  terminal.type("C-c")
  await terminal.waitFor("[exit 0]")
})
