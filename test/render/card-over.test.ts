// What a person is told who looks at a question of a box that has ended: a yes for its run is of no use.
import { expect, it } from "vitest"
import type { ShownApproval } from "../../src/render/approvals.ts"
import { describeApproval, renderCard } from "../../src/render/approvals.ts"
import { cardOf } from "../../src/render/card.ts"
import { question } from "../approvals/support.ts"
import { NOW } from "../context.ts"
import { waitingFor } from "./card-sample.ts"

const ended = { boxed: true, over: true } as const
const waiting = (background: object) => ({ ...waitingFor(question()), background })
const askedBy = (background: object) =>
  cardOf(waiting(background), NOW).top.find(({ label }) => label === "asked by")?.value

it("on a card, beside the run", () => {
  expect(askedBy({ boxed: true })).toMatch(/run r1\), in a box$/)
  expect(askedBy(ended)).toMatch(/run r1\), in a box that has ended: a yes for its run comes too late$/)
})

it("with what a yes would mean, unless it is one for the agent", () => {
  const { approval } = waiting(ended)
  const shown: ShownApproval = describeApproval(approval, new Map(), ended)
  const meaning = (scope: "run" | "agent") =>
    renderCard(shown, NOW, 300, { answer: "approve", terms: { scope, expires: "later" } }, ended)
  expect(shown.record).toEqual(ended)
  expect(meaning("run")).toMatch(/for run r1 of claude-1, which is over: say --for agent for the agent's next run\n$/)
  expect(meaning("agent")).toMatch(/for agent claude-1\n$/)
})
