// Keys taken out of a policy's text: every other character stays.
import { describe, expect, test } from "vitest"
import { parse } from "yaml"
import { removeKey } from "../../src/policy/edits.ts"

const RISK = ["network", 0, "risk"]

describe("a key that is taken out", () => {
  test.each([
    // In block style a comma is text.
    ["network:\n  - ask: a\n    reason: one, two,\n    risk: high\n    id: a\n", "\n    risk: high"],
    ["network:\n  - ask: a # one,\n    risk: high\n", "\n    risk: high"],
    ["network:\n  - ask: a\n    risk: high # very\n    id: a\n", "\n    risk: high # very"],
    ["network:\n  - ask: a\n    risk: |-\n      high\n    id: a\n", "\n    risk: |-\n      high"],
    ["network:\n  - ask: a\n    risk: high", "\n    risk: high"],
    // In flow style one goes with it.
    ["network: [{ ask: a, risk: high }]\n", ", risk: high"],
    ["network: [{ risk: high, ask: a }]\n", "risk: high, "],
    ["network:\n  - {\n      ask: a,\n      risk: high,\n    }\n", "risk: high,\n    "],
    ["network:\n  - {\n      ask: a,\n      risk: high\n    }\n", ",\n      risk: high"],
    ["network:\n  - { ask: a,\n      risk: high }\n", ",\n      risk: high"],
  ])("leaves the rest of %j as it is", (text, gone) => {
    const edited = removeKey(text, RISK)
    expect(edited).toBe(text.replace(gone, ""))
    const { risk: _, ...others } = parse(text).network[0]
    expect(parse(edited!).network[0]).toEqual(others)
  })
  test.each([
    "network:\n  - risk: high\n    ask: a\n",
    "network: [{ risk: high }]\n",
    "network:\n  - { ask: a, # why\n      risk: high }\n",
    "network: [{ ask: a }]\n",
    // What else has it would have nothing.
    "network:\n  - ask: a\n    risk: &r high\n  - { ask: b, risk: *r }\n",
    "network: [{ &k risk: high, ask: a }, { ask: b, reason: *k }]\n",
  ])("is not in %j, or not to be taken out of it so", (text) => {
    expect(removeKey(text, RISK)).toBeUndefined()
  })
})
