// What asking costs, counted on a real queue; and the rules that follow from it.
import { describe, expect, test } from "vitest"
import { answerApproval } from "../../src/approvals/answer.ts"
import { proposeRules } from "../../src/approvals/proposals.ts"
import { approvalStats } from "../../src/approvals/stats.ts"
import { DAY, NOW } from "../context.ts"
import { openHolds, POLICY } from "../gateway/hold/support.ts"
import { ask, change, HOUR, MINUTE, newPlace, no, type Prepare, question, WHO } from "./support.ts"

/** The tests of it. */
export function describeStats(name: string, prepare: Prepare): void {
  describe(`the statistics on ${name}`, () => {
    test("count what was asked and how it was answered, by rule, agent and day", async (t) => {
      const { store, people } = await newPlace(prepare, t)
      let time = NOW
      const gate = openHolds(store, { now: () => time, limits: { agent: 100, all: 100 } })
      const answer = (id: string, seconds: number, yes = true) =>
        answerApproval(
          store,
          id,
          yes ? { answer: "approve", terms: { expires: time + HOUR } } : { answer: "deny", terms: {} },
          people[0]!,
          time + seconds * 1000,
          "test",
        )
      for (let i = 0; i < 4; i++)
        await answer((await gate.held("POST https://api.example.com/a", { body: `${i}` })).id, i + 1)
      await answer((await gate.held("POST https://api.example.com/a", { body: "x" })).id, 100, false)
      await gate.held("POST https://api.example.com/a", { body: "left", who: { agent: "other" } })
      await answer((await ask(store)).id, 10)
      time += DAY
      await gate.held("POST https://api.example.com/a", { body: "waits" })
      const stats = await approvalStats(store.db, time + MINUTE, 7)
      expect(stats).toMatchObject({ days: 7, cut: false, asksPerDay: 8 / 7 })
      expect(stats.total).toEqual({
        ...{ asks: 8, approved: 5, denied: 1, unanswered: 1, pending: 1, rate: 5 / 7 },
        ...{ median: 3, p90: 100 },
      })
      expect(stats.rules.map(({ kind, rule, asks }) => [kind, rule, asks])).toEqual([
        ["network", "writes", 7],
        ["package", "script.unapproved", 1],
      ])
      expect(stats.agents.map(({ agent, asks, unanswered }) => [agent, asks, unanswered])).toEqual([
        ["claude-1", 7, 0],
        ["other", 1, 1],
      ])
      expect(stats.perDay.map(({ day, asks }) => [day, asks])).toEqual([
        ["2026-11-21", 7],
        ["2026-11-22", 1],
      ])
      expect((await approvalStats(store.db, time + MINUTE, 1)).total).toEqual({
        ...{ asks: 1, approved: 0, denied: 0, unanswered: 0, pending: 1 },
      })
      // What nobody signed was not answered.
      await store.write({
        changes: [change(store, "update approvals set state = 'granted', ends = 1 where state = 'pending'")],
      })
      expect((await approvalStats(store.db, time + MINUTE, 7)).total).toMatchObject({ approved: 5, unanswered: 2 })
    })

    test("a rule that people always answer alike is proposed as one that asks nobody", async (t) => {
      const { store, people } = await newPlace(prepare, t)
      for (let i = 0; i < 20; i++) {
        const { id } = await ask(store, question(`pkg:npm/esbuild@1.0.${i}`, { ...WHO, agent: `a${i}` }))
        await answerApproval(store, id, no, people[0]!, NOW, "test")
      }
      const stats = await approvalStats(store.db, NOW + MINUTE, 30)
      expect(proposeRules(stats.rules, POLICY)).toEqual([
        { kind: "package", rule: "script.unapproved", effect: "deny", asks: 20, approved: 0 },
      ])
    })
  })
}
