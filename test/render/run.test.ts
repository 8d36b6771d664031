import { expect, test } from "vitest"
import { renderBoxEnd, renderHeld } from "../../src/render/run.ts"
import { PLAIN_STYLE } from "../../src/render/style.ts"
import type { RunOutcome } from "../../src/sandbox/run.ts"

const end = (outcome: Partial<RunOutcome>) =>
  renderBoxEnd({ exit: 137, ended: "killed", summary: undefined, ...outcome } as RunOutcome, {
    style: PLAIN_STYLE,
    columns: 80,
  })

test("a run that was ended says why where that is known, and never with what reaches the terminal", () => {
  expect(end({})).toMatch(/killed by a person.*nanoguard resume\n$/)
  expect(end({ reason: "the run that it belongs to is over" })).toBe(
    "nanoguard: ended: the run that it belongs to is over\n",
  )
  expect(end({ reason: "x\u001b]0;t\u0007" })).not.toMatch(/[\u001b\u0007]/)
  expect(end({ exit: 124, ended: "timeout" })).toBe("nanoguard: its time was over\n")
  expect(end({ exit: 137, ended: "itself" })).toBe("")
})

test("a request that waits is told with its id, cleaned", () => {
  const text = renderHeld({ approval: "ap-4kq2m7xd", subject: "POST https://api.example.com/\u001b[2J" }, PLAIN_STYLE)
  expect(text).toContain("ap-4kq2m7xd waits for a person: POST https://api.example.com/")
  expect(text).toContain("nanoguard approve")
  expect(text).not.toContain("\u001b")
})
