// Names that are written for the reader's terminal or the CI system's log, through whole runs: reports and errors.
import { describe, expect, it } from "vitest"
import { main } from "../../src/cli.ts"
import { vetCommand } from "../../src/commands/vet.ts"
import type { Format } from "../../src/render/index.ts"
import { emptyHome, temporaryDirectory, testContext } from "../context.ts"
import { lockOf, POLICY } from "./support.ts"

const POISON =
  "x\x1b[2J\x1b]8;;https://evil.example\x07\r\n::error file=a::forged\n##vso[task.setvariable]\u202e\u009b2J`<b>|"
const FORBIDDEN =
  /[\x00-\x09\x0b-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2066-\u2069]|^\s*::(error|set-output|add-mask)[ :]|##vso\[/m

const lock = lockOf({ [`node_modules/${POISON.replaceAll("/", "")}`]: { version: "1.0.0", license: POISON } })
const denying = POLICY.replace("severity: high", "severity: high, integrity: missing")

describe.each<Format>(["text", "json", "sarif", "junit", "cyclonedx"])("--format %s", (format) => {
  it("shows a poisoned name as text, and nothing that a terminal or a CI system obeys", async () => {
    const cwd = temporaryDirectory({ "nanoguard.yaml": denying, "package-lock.json": lock })
    const ctx = testContext(cwd, { terminal: 80 })
    expect(await vetCommand(ctx, [], { offline: true, format, color: false })).toBe(1)
    expect(ctx.out().replaceAll(/\r\n|\n/g, "\n")).not.toMatch(FORBIDDEN)
    expect(ctx.out().length).toBeLessThan(100_000)
  })
})

it("under GitHub Actions only annotations of nanoguard's own are commands", async () => {
  const cwd = temporaryDirectory({ "nanoguard.yaml": denying, "package-lock.json": lock })
  const ctx = testContext(cwd, { env: emptyHome({ GITHUB_ACTIONS: "true" }) })
  await vetCommand(ctx, [], { offline: true })
  const commands = ctx
    .out()
    .split("\n")
    .filter((line) => /^\s*(::|##)/.test(line))
  expect(commands.every((line) => /^::(error|warning|notice) (file|title)=/.test(line))).toBe(true)
  expect(commands.some((line) => line.includes("::forged"))).toBe(false)
})

it.each<[string, Record<string, string>]>([
  ["a poisoned file name", { [`${POISON.replaceAll("/", "").replaceAll("\n", "")}/package-lock.json`]: "{" }],
  [
    "a poisoned key",
    { "package-lock.json": `{"lockfileVersion":3,${JSON.stringify(POISON)}:1,${JSON.stringify(POISON)}:2}` },
  ],
  ["a poisoned requirement", { "requirements.txt": `\u202e\x1b[2J::error::x ${POISON}\n` }],
  ["a poisoned policy", { "nanoguard.yaml": `version: 1\n"x\\e[2J\\r\\n::error::y": 1\n`, "package-lock.json": lock }],
  [
    "a poisoned Cargo.lock",
    { "Cargo.lock": `version = 3\n[[package]]\nname = "a\\u001b[2J::error::"\nversion = "1.0.0"\n` },
  ],
])("errors about %s are plain", async (_, files) => {
  const cwd = temporaryDirectory({ "nanoguard.yaml": POLICY, ...files })
  const ctx = testContext(cwd)
  const exit = await main(["node", "nanoguard", "vet", "--offline"], ctx)
  expect([3, 4]).toContain(exit)
  expect(ctx.err()).not.toBe("")
  expect(ctx.out() + ctx.err()).not.toMatch(FORBIDDEN)
})
