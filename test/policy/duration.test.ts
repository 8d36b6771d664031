// Durations of a policy: what they come to, and that no date counted from them is none.
import { expect, test } from "vitest"
import { DURATION, formatDuration, parseDuration } from "../../src/policy/duration.ts"

test.each([
  ["15m", 900_000, "15m"],
  ["12h", 43_200_000, "12h"],
  ["3d", 259_200_000, "3d"],
  ["4w", 2_419_200_000, "28d"],
  ["2y", 63_072_000_000, "2y"],
])("%s is %i milliseconds", (text, milliseconds, shown) => {
  expect(parseDuration(text)).toBe(milliseconds)
  expect(formatDuration(milliseconds)).toBe(shown)
})

test.each(["999999y", "999999w", "300000y"])("%s is a thousand years, and a date away from now it is one", (text) => {
  expect(DURATION.test(text)).toBe(true)
  expect(formatDuration(parseDuration(text))).toBe("1000y")
  for (const time of [Date.now() + parseDuration(text), Date.now() - parseDuration(text)])
    expect(new Date(time).toISOString()).toMatch(/^[+-]?\d{4,6}-/)
})
