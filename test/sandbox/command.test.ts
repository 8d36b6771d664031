// How long a box's command may be: no longer anywhere than whoever reads its file takes.
import { expect, test } from "vitest"
import { checkArguments } from "../../src/commands/run-request.ts"
import type { NanoguardError } from "../../src/errors.ts"
import { readBoxRequest } from "../../src/gateway/boxes/read-request.ts"
import { readBoxFile } from "../../src/sandbox/boxes.ts"
import { beginningOf } from "../../src/sandbox/command.ts"
import { readSwarm } from "../../src/sandbox/swarm/read.ts"
import { temporaryDirectory, testContext } from "../context.ts"
import { keepBox, runId } from "./process-engine.ts"

const enter = {
  "the command line": (command: string[]) => checkArguments(command, {}),
  // A file of 400 KB: YAML writes such a character as two.
  "a swarm's file": (command: string[]) =>
    readSwarm(
      JSON.stringify({ version: 1, agents: [{ name: "a", command }] }).replaceAll("\\u0007", "\\a"),
      "swarm.yaml",
      {},
    ),
  "the gate": (command: string[]) =>
    readBoxRequest({ agent: "a", operator: "o", engine: "bubblewrap", workspace: "copy", command }),
}

/** Each control character is six bytes of JSON. */
const LONG = { words: Array.from({ length: 10_001 }, () => "a"), bytes: Array(5).fill("\u0007".repeat(40_000)) }

/** What is said where something is refused. */
function refusal(work: () => unknown): string {
  try {
    work()
    return ""
  } catch (error) {
    const { message, hint } = error as NanoguardError
    return `${message}: ${hint}`
  }
}

test.each(Object.keys(enter) as (keyof typeof enter)[])("a command that is too long does not enter by %s", (way) => {
  for (const command of Object.values(LONG))
    expect(refusal(() => enter[way](command))).toMatch(/command.* at most 10000 words/)
  expect(() => enter[way](["sh", "-c", "x".repeat(128 * 1024)])).not.toThrow()
  expect(() => enter[way](LONG.words.slice(1))).not.toThrow()
})

test("what is kept of a command is read again, however long it was", () => {
  const ctx = testContext(temporaryDirectory())
  for (const command of Object.values(LONG)) {
    const box = keepBox(ctx, runId(1), "alpha", { command: beginningOf(command) })
    expect(readBoxFile(ctx, runId(1))).toEqual(box)
  }
  expect(beginningOf(["sh", "-c", "true"])).toEqual(["sh", "-c", "true"])
})
