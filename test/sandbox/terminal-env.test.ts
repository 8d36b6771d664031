// What a box is told of the person's terminal.
import { expect, test } from "vitest"
import { terminalEnv } from "../../src/sandbox/terminal-env.ts"

test("of a person's environment the terminal, the language and the time zone, and nothing else", () => {
  const told = {
    TERM: "tmux-256color",
    COLORTERM: "truecolor",
    LANG: "de_DE.UTF-8",
    TZ: "Europe/Berlin",
    NO_COLOR: "1",
  }
  expect(terminalEnv({ env: { ...told, AWS_SECRET: "x", LC_ALL: "de_DE.UTF-8" }, tty: true })).toEqual(told)
})

test("a language and, on a terminal, its kind are named in any case", () => {
  expect(terminalEnv({ env: {}, tty: false })).toEqual({ LANG: "C.UTF-8" })
  expect(terminalEnv({ env: { LANG: "de_DE.UTF-8" }, tty: true })).toEqual({
    ...{ LANG: "de_DE.UTF-8", TERM: "xterm-256color" },
  })
})

test("what has not its usual form is left out, and what is always named keeps its own value", () => {
  const env = {
    TERM: "../../etc/passwd",
    COLORTERM: "a\nb",
    LANG: "$(id)",
    TZ: "../../etc/passwd",
    NO_COLOR: "a b",
  }
  expect(terminalEnv({ env, tty: true })).toEqual({ LANG: "C.UTF-8", TERM: "xterm-256color" })
  for (const LANG of ["", "a/b", "x".repeat(33)])
    expect(terminalEnv({ env: { LANG }, tty: false })["LANG"]).toBe("C.UTF-8")
  for (const TERM of ["", "-rf", "a;b", "x".repeat(65)])
    expect(terminalEnv({ env: { TERM }, tty: false })["TERM"]).toBeUndefined()
})
