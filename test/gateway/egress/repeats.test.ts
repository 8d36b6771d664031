// How often what is recorded: repeats by reference, floods by number, what is lax, what is cut.
import { setTimeout as sleep } from "node:timers/promises"
import { expect, onTestFinished, test, vi } from "vitest"
import { EXIT, NanoguardError } from "../../../src/errors.ts"
import { decision, memory, WHO } from "./decisions.ts"

test("only what is plainly allowed is lax", async () => {
  const { batches, traffic } = memory()
  await traffic.allowed(WHO, decision({}))
  await traffic.allowed(WHO, decision({}))
  const lax = batches.splice(0)
  const excepted = [{ rule: "approval ap-1", code: "c", owner: "leads", expires: "2026-12-01" }]
  for (let i = 0; i < 2; i++) await traffic.allowed(WHO, decision({ excepted }))
  for (let i = 0; i < 2; i++) await traffic.refused(WHO, decision({ effect: "deny" }))
  await traffic.allowed(WHO, decision({ path: "/observed", effect: "deny" }))
  await traffic.released(WHO, decision({}), { grants: [], changes: [], credentials: ["github"] })
  expect(lax.map((batch) => batch.lax)).toEqual([true, true])
  expect(batches.map((batch) => [batch.lax, batch.events?.[0]?.type])).toEqual([
    ...Array(3).fill([undefined, "network.decided"]),
    [undefined, "network.repeated"],
    [undefined, "network.decided"],
    [undefined, "network.released"],
  ])
})

test("on a server that may go down alone, what repeats refer to is synced, and repeats are lax", async () => {
  const { batches, traffic } = memory(undefined, "postgres")
  for (let i = 0; i < 2; i++) await traffic.allowed(WHO, decision({}))
  expect(batches.map((batch) => [batch.lax, batch.events?.[0]?.type])).toEqual([
    [undefined, "network.decided"],
    [true, "network.repeated"],
  ])
})

test("a first record that fails is none to refer to: all that waited fail, and the next one is whole", async () => {
  let broken = true
  const { events, traffic } = memory(() =>
    broken ? new NanoguardError("disk full", { exit: EXIT.environment }) : undefined,
  )
  const all = await Promise.allSettled([1, 2, 3].map(() => traffic.allowed(WHO, decision({}))))
  expect(all.map(({ status }) => status)).toEqual(Array(3).fill("rejected"))
  broken = false
  await traffic.allowed(WHO, decision({}))
  broken = true
  await expect(traffic.allowed(WHO, decision({}))).rejects.toThrow("disk full")
  broken = false
  await traffic.allowed(WHO, decision({}))
  expect(events().map(({ type, detail }) => [type, detail])).toEqual([
    ["network.decided", undefined],
    ["network.repeated", { of: ["1 x1"] }],
  ])
})

test("remembers ten thousand, and refers to at most five hundred at once", async () => {
  const { batches, events, traffic } = memory()
  const ask = (from: number, to: number) =>
    Promise.all(Array.from({ length: to - from }, (_, i) => traffic.allowed(WHO, decision({ path: `/${from + i}` }))))
  await ask(0, 10_050)
  batches.length = 0
  // The first fifty are forgotten.
  await ask(0, 1)
  expect(events().map(({ type }) => type)).toEqual(["network.decided"])
  batches.length = 0
  await ask(9_000, 10_050)
  const of = events().map(({ type, detail }) => [type, (detail?.["of"] as string[] | undefined)?.length])
  expect(of).toEqual([500, 500, 50].map((length) => ["network.repeated", length]))
})

test("the same refusal is recorded whole once a minute", async () => {
  const { events, traffic } = memory()
  const now = vi.spyOn(performance, "now")
  onTestFinished(() => now.mockRestore())
  for (const time of [1, 59_000, 60_500, 61_000]) {
    now.mockReturnValue(time)
    await traffic.refused(WHO, decision({ effect: "deny" }))
  }
  expect(events().map(({ type, detail }) => [type, detail?.["of"]])).toEqual([
    ...[
      ["network.decided", undefined],
      ["network.repeated", ["1 x1"]],
    ],
    ...[
      ["network.decided", undefined],
      ["network.repeated", ["3 x1"]],
    ],
  ])
  // With a question behind it, it is another one.
  await traffic.refused(WHO, decision({ effect: "deny" }), { approval: "ap-1" })
  expect(events().at(-1)).toMatchObject({ type: "network.decided", approval: "ap-1" })
})

test("beyond 600 refusals a minute of one agent they are counted, and hide no other kind and no other agent", async () => {
  const { events, traffic } = memory()
  const refuse = (who: typeof WHO, i: number) => traffic.refused(who, decision({ path: `/${i}`, effect: "deny" }))
  const flood = Promise.all(Array.from({ length: 5_000 }, (_, i) => refuse(WHO, i)))
  await sleep(0)
  await refuse({ ...WHO, agent: "claude-2" }, 1)
  await traffic.exfiltration(WHO, decision({ effect: "deny" }), { credential: "github", canary: false })
  const seqs = await flood
  expect(new Set(seqs).size).toBe(601)
  const counts = Map.groupBy(events(), ({ type }) => type)
  expect(counts.get("network.decided")).toHaveLength(601)
  expect(counts.get("credential.exfiltration")).toHaveLength(1)
  expect(counts.get("network.flooded")).toMatchObject([
    { agent: "claude-1", outcome: "refused", detail: { kind: "refused", count: 4_400 } },
  ])
})

test("a refusal that no record takes whole is recorded in short; what no record takes is not released", async () => {
  const { events, traffic } = memory(({ events }) =>
    events?.[0]?.decision ? new NanoguardError("no record takes this", { exit: EXIT.usage }) : undefined,
  )
  await traffic.refused(WHO, decision({ path: `/${"x".repeat(9_000)}\u001b[2J`, effect: "deny" }))
  expect(events()).toMatchObject([
    { type: "network.decided", policy: "sha256:p", detail: { effect: "deny", cut: true } },
  ])
  expect(events()[0]!.subject.length).toBeLessThanOrEqual(300)
  await expect(traffic.allowed(WHO, decision({}))).rejects.toThrow("no record takes this")
})
