// What a box prints is an agent's side of the story: silence, noise and lies are judged for what they are.
import { expect, test } from "vitest"
import { renderSelftest } from "../../../src/render/selftest.ts"
import { PLAIN_STYLE } from "../../../src/render/style.ts"
import { readOutcomes } from "../../../src/sandbox/selftest/read-outcomes.ts"
import type { Outcome, SelftestReport } from "../../../src/sandbox/selftest/types.ts"

const probe = (name: string): Outcome => ({
  ...{ probe: name, item: "K3", title: name, state: "cannot-tell", saw: "the box did not say" },
})
const said = (name: string, state: string, saw: unknown = "EPERM") =>
  JSON.stringify({ probe: name, item: "K3", title: name, state, saw })
const docker = { engine: "docker" } as const

const states = (outcomes: readonly Outcome[]) => outcomes.map(({ state }) => state)

test("only what was expected counts, the first time, and in its form", () => {
  const printed = [
    "npm notice hello",
    said("mount", "broke"),
    said("mount", "held"),
    said("invented", "held"),
    said("bpf", "fine"),
    said("perf", "held", 7),
    `${said("io-uring", "held").slice(0, -1)},"x":"${"y".repeat(30_000)}"}`,
    '{"probe":',
  ].join("\n")
  const outcomes = readOutcomes(printed, 0, ["mount", "bpf", "perf", "io-uring", "x32"].map(probe), docker)
  expect(states(outcomes)).toEqual(["broke", "cannot-tell", "cannot-tell", "cannot-tell", "cannot-tell"])
})

test("the first outcome of a probe counts, also where an escape is in its keys", () => {
  const broke = said("mount", "broke")
  const printed = [
    broke.replace('"state":', '"stat\\\\":'),
    broke.replace('"state":', '"stat\\u0065":'),
    said("mount", "held"),
  ]
  expect(states(readOutcomes(printed.join("\n"), 0, [probe("mount")], docker))).toEqual(["broke"])
})

test("a box that a probe ended has held it, a box that did not start has held nothing", () => {
  const expected = [probe("memory"), probe("mount")]
  expect(states(readOutcomes("", 137, expected, docker))).toEqual(["held", "cannot-tell"])
  expect(states(readOutcomes("", 125, expected, docker))).toEqual(["cannot-tell", "cannot-tell"])
  expect(states(readOutcomes("", 0, expected, docker))).toEqual(["cannot-tell", "cannot-tell"])
})

test("a kernel of the box's own may take what the host's must refuse, and nothing else may", () => {
  const printed = [said("io-uring", "broke"), said("tcp-public", "broke")].join("\n")
  const expected = [probe("io-uring"), probe("tcp-public")]
  expect(states(readOutcomes(printed, 0, expected, { engine: "docker", runtime: "runsc" }))).toEqual(["held", "broke"])
  expect(states(readOutcomes(printed, 0, expected, docker))).toEqual(["broke", "broke"])
})

test("nothing that the box said reaches the terminal as it is", () => {
  const saw = "\u001b]52;c;aGk=\u0007 ::error::owned"
  const outcomes = readOutcomes(said("mount", "held", saw), 0, [probe("mount")], docker)
  const report: SelftestReport = {
    ...{ schema: "nanoguard.selftest/1", engine: "docker", exit: 1, said: saw, outcomes },
    counts: { held: 1, broke: 0, "cannot-tell": 0 },
  }
  for (const format of ["text", "json"] as const)
    expect(renderSelftest(report, format, PLAIN_STYLE, 80)).not.toMatch(/[\u001b\u0007]/)
})
