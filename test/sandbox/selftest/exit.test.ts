// What `nanoguard selftest` ends with.
import { expect, test } from "vitest"
import { exitOf } from "../../../src/commands/selftest.ts"
import { EXIT } from "../../../src/errors.ts"

const report = (held: number, broke: number, unclear: number, exit = 0) => ({
  ...{ counts: { held, broke, "cannot-tell": unclear }, exit },
})

test.each([
  ["everything held", report(60, 0, 0), EXIT.ok],
  ["some could not be tried", report(40, 0, 20), EXIT.ok],
  ["something broke out", report(60, 1, 0), EXIT.findings],
  ["something broke out, and nothing held", report(0, 1, 60), EXIT.findings],
  ["everything held, but the box did not end well", report(60, 0, 0, 137), EXIT.findings],
  ["nothing was said, and the box did not end well", report(0, 0, 60, 1), EXIT.findings],
  ["nothing could be tried", report(0, 0, 60), EXIT.nothingChecked],
])("%s", (_, given, exit) => {
  expect(exitOf(given)).toBe(exit)
})
