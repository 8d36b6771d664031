// What programs read of a swarm whose agents did not all begin.
import { readFileSync } from "node:fs"
import { join } from "node:path"
import { expect, test } from "vitest"
import { writeSwarmSummary } from "../../src/commands/run-summary.ts"
import { EXIT, NanoguardError } from "../../src/errors.ts"
import { Interrupted } from "../../src/sandbox/terminal/interrupts.ts"
import { temporaryDirectory } from "../context.ts"

test("an agent that a signal kept from beginning is no bug, and one that failed says why", () => {
  const cwd = temporaryDirectory()
  const agent = (name: string) => ({
    ...{ name, command: ["true"], workspace: "none" as const, directory: ".", memory: false, scope: {} },
  })
  const outcomes = [
    { agent: agent("cut"), error: new Interrupted("SIGTERM") },
    {
      agent: agent("lost"),
      error: new NanoguardError("there is no such directory", { exit: EXIT.usage, hint: "make it" }),
    },
    { agent: agent("odd"), error: new Error("odd") },
  ]
  writeSwarmSummary({ cwd }, cwd, "summary.json", { exit: 143, outcomes })
  expect(JSON.parse(readFileSync(join(cwd, "summary.json"), "utf8")).agents).toEqual([
    { name: "cut", exit: 143, error: { message: "ended by SIGTERM before its box began", exit: 143 } },
    { name: "lost", exit: 125, error: { message: "there is no such directory", exit: EXIT.usage, hint: "make it" } },
    { name: "odd", exit: 125, error: { bug: true, message: expect.stringContaining("Error: odd") } },
  ])
})
