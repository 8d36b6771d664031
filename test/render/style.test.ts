import { PassThrough } from "node:stream"
import { expect, test } from "vitest"
import type { Output } from "../../src/context.ts"
import { loadStyle, PLAIN_STYLE, wantsColor } from "../../src/render/style.ts"

function stream(isTTY: boolean): Output {
  return Object.assign(new PassThrough(), { isTTY })
}

test.each<[string, boolean, Record<string, string>, boolean | undefined, boolean]>([
  ["a terminal has colour", true, { TERM: "xterm" }, undefined, true],
  ["a pipe has none", false, { TERM: "xterm" }, undefined, false],
  ["a pipe in CI has none", false, { CI: "true", GITHUB_ACTIONS: "true" }, undefined, false],
  ["a dumb terminal has none", true, { TERM: "dumb" }, undefined, false],
  ["NO_COLOR takes it away", true, { NO_COLOR: "1" }, undefined, false],
  ["an empty NO_COLOR does not", true, { NO_COLOR: "" }, undefined, true],
  ["FORCE_COLOR brings it to a pipe", false, { FORCE_COLOR: "1" }, undefined, true],
  ["an empty FORCE_COLOR does too", false, { FORCE_COLOR: "" }, undefined, true],
  ["FORCE_COLOR=0 takes it from a terminal", true, { FORCE_COLOR: "0" }, undefined, false],
  ["NO_COLOR wins over FORCE_COLOR", false, { NO_COLOR: "1", FORCE_COLOR: "1" }, undefined, false],
  ["--no-color wins over FORCE_COLOR", true, { FORCE_COLOR: "1" }, false, false],
  ["--color wins over NO_COLOR", false, { NO_COLOR: "1" }, true, true],
])("%s", (_name, isTTY, env, flag, expected) => {
  expect(wantsColor(stream(isTTY), env, flag)).toBe(expected)
})

test("the style of a terminal writes the 16 basic colours, whatever this process's own stdout is", async () => {
  const style = await loadStyle(stream(true), { TERM: "xterm-256color", COLORTERM: "truecolor" })
  expect(style.red("x")).toBe("\x1b[31mx\x1b[39m")
})

test("without colour nothing is loaded or painted", async () => {
  expect(await loadStyle(stream(false), {})).toBe(PLAIN_STYLE)
  expect(PLAIN_STYLE.bold("x")).toBe("x")
})
