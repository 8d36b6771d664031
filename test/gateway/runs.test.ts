import { expect, it } from "vitest"
import { createIdentify } from "../../src/gateway/identity.ts"
import { createRunBook } from "../../src/gateway/runs.ts"
import type { Verdict } from "../../src/policy/types.ts"
import { NOW } from "../context.ts"

const VISIT = { agent: "claude-1", operator: "ana", boxed: false, lasts: 1_000 }
const verdict = (subject: string): Verdict => ({
  ...{ effect: "deny", code: "release.too-new", rule: "r", subject, reason: "", evidence: [], mode: "enforce" },
  policyHash: "sha256:0",
})
const refused = (...versions: string[]) =>
  new Map(versions.map((version) => [version, verdict(`pkg:npm/a@${version}`)]))

it("knows a token until its visit ends or its time is over", () => {
  let now = NOW
  const runs = createRunBook(() => now)
  const first = runs.open(VISIT)
  const second = runs.open({ ...VISIT, run: "session-7" })
  expect(runs.find(first.token)).toMatchObject({ agent: "claude-1", run: first.visit })
  expect(runs.find(second.token)).toMatchObject({ run: "session-7", visit: second.visit })
  runs.close(first.visit)
  expect(runs.find(first.token)).toBeUndefined()
  now += 1_000
  expect(runs.find(second.token)).toBeUndefined()
  expect(runs.find("")).toBeUndefined()
})

it("tells of each visit that ends, and of the run that ends with its last one, unless somebody else named it", () => {
  let now = NOW
  const ended: [string | undefined, boolean][] = []
  const runs = createRunBook(
    () => now,
    ({ visit }, over) => ended.push([visit, over]),
  )
  const first = runs.open(VISIT)
  const beside = runs.open({ ...VISIT, run: first.run, lasts: 500 })
  const named = runs.open({ ...VISIT, run: "session-7" })
  runs.close(first.visit)
  runs.close(first.visit)
  expect(ended).toEqual([[first.visit, false]])
  now += 500
  runs.expire()
  expect(ended.slice(1)).toEqual([[beside.visit, true]])
  now += 500
  runs.expire()
  expect(ended.slice(2)).toEqual([[named.visit, false]])
})

it("takes a wrong token for nobody's, and none for the anonymous one where there is one", () => {
  const runs = createRunBook(() => NOW)
  const { token } = runs.open(VISIT)
  const anonymous = { agent: "local", operator: "ana", run: "local", boxed: false }
  const identify = createIdentify(runs, anonymous)
  const basic = (user: string, password: string) => `Basic ${Buffer.from(`${user}:${password}`).toString("base64")}`
  expect(identify(undefined, undefined)).toBe(anonymous)
  for (const header of [`Bearer ${token}`, `bearer  ${token}`, basic("x", token), basic("", token)]) {
    expect(identify(undefined, header)?.agent, header).toBe("claude-1")
  }
  expect(identify(token, undefined)?.agent).toBe("claude-1")
  for (const header of ["Bearer", "Bearer x", basic("x", "y"), basic(token, ""), "Digest x", ""]) {
    expect(identify(undefined, header), header).toBeUndefined()
  }
  expect(identify("x", undefined)).toBeUndefined()
  expect(createIdentify(runs, undefined)(undefined, undefined)).toBeUndefined()
})

it.each<[string, string[], string | undefined, string | undefined]>([
  ["a newer one of the same line", ["1.3.0", "2.1.0"], "1.2.0", "1.3.0"],
  ["what is called the latest", ["1.3.0", "3.0.0"], "1.2.0", "3.0.0"],
  ["not one of another line", ["2.1.0"], "1.2.0", undefined],
  ["not an older one", ["1.1.0"], "1.2.0", undefined],
  ["below 1 the minor version is a line", ["0.3.0"], "0.2.9", undefined],
  ["not where exactly that one was wanted", ["1.2.0", "1.3.0"], "1.2.0", undefined],
])("says that a version was exchanged: %s", (_, versions, taken, withheld) => {
  const runs = createRunBook(() => NOW)
  const { token, visit } = runs.open(VISIT)
  const who = runs.find(token)!
  runs.listed(who, { client: "npm", ecosystem: "npm", name: "a", refused: refused(...versions), latest: "3.0.0" })
  runs.took(who, "npm", "a", taken!)
  const { summary } = runs.summary(visit)!
  expect(summary.substituted.map((one) => one.withheld)).toEqual(withheld === undefined ? [] : [withheld])
  expect(summary.heldBack).toEqual([])
})

it("forgets what was first where there is too much of it", () => {
  const runs = createRunBook(() => NOW)
  const tokens = Array.from({ length: 1_100 }, () => runs.open({ ...VISIT, lasts: 1e9 }).token)
  expect(runs.size).toBe(1_000)
  expect(runs.find(tokens[0]!)).toBeUndefined()
  expect(runs.find(tokens.at(-1)!)).toBeDefined()
})
