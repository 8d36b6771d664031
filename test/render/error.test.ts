import { expect, test } from "vitest"
import { EXIT, NanoguardError } from "../../src/errors.ts"
import { renderError } from "../../src/render/error.ts"

const broken = new NanoguardError("unknown key sevrity", {
  exit: EXIT.configuration,
  hint: "did you mean severity?",
  where: { file: "nanoguard.yaml", line: 4, column: 12 },
})

test("an error of the user is its place, what is wrong and what to do", () => {
  expect(renderError(broken)).toBe("error: nanoguard.yaml:4:12: unknown key sevrity\nhint: did you mean severity?\n")
})

test("without a place or a hint there is none", () => {
  expect(renderError(new NanoguardError("no lockfile found", { exit: EXIT.nothingChecked }))).toBe(
    "error: no lockfile found\n",
  )
})

test("as JSON it is one document with the exit code", () => {
  expect(JSON.parse(renderError(broken, { format: "json" }))).toEqual({
    error: {
      message: "unknown key sevrity",
      exit: 4,
      file: "nanoguard.yaml",
      line: 4,
      column: 12,
      hint: "did you mean severity?",
    },
  })
})

test("anything else is a bug, with its stack", () => {
  const text = renderError(new TypeError("x is not a function"))
  expect(text).toMatch(/^nanoguard failed: this is a bug in nanoguard.*\nTypeError: x is not a function\n +at /)
  expect(JSON.parse(renderError("thrown", { format: "json" }))).toEqual({
    error: { bug: true, message: "thrown: thrown" },
  })
})

test("nothing from a file steers the terminal or the log", () => {
  const evil = "\x1b[2Jx\r\n::error::forged \u202e"
  const error = new NanoguardError(evil, { exit: EXIT.findings, where: { file: evil, line: 1 }, hint: evil })
  const text = renderError(error)
  expect(text).not.toMatch(/[\x00-\x09\x0b-\x1f\u202e]/)
  expect(text).not.toMatch(/^\s*::/m)
  expect(renderError(error, { format: "json" })).not.toMatch(/[\x00-\x09\x0b-\x1f\u202e]/)
})
