// Much of everything: work that is counted, not timed, and output that stays readable.
import { describe, expect, it, vi } from "vitest"
import { parseLockfileText } from "../../src/packages/lockfiles/index.ts"
import { loadPolicy } from "../../src/policy/load.ts"
import type { PackageFacts } from "../../src/policy/types.ts"
import { renderSummary } from "../../src/render/summary.ts"
import { renderText } from "../../src/render/text.ts"
import { vetLockfiles } from "../../src/vet/vet.ts"
import { NOW } from "../context.ts"
import { npmLock } from "../trees.ts"
import { policyOf, vetTree } from "./support.ts"

const names = (count: number) => Object.fromEntries(Array.from({ length: count }, (_, i) => [`package-${i}`, "1.0.0"]))

describe("10,000 packages with a finding each", () => {
  it("are all rows; text and summary show a bounded part and say how much more there is", async () => {
    const { report, registry } = await vetTree({
      policy: "version: 1\ndefault: deny\n",
      packages: names(10_000),
      options: { offline: true },
    })
    expect(report.counts).toMatchObject({ packages: 10_000, deny: 10_000 })
    expect(report.rows).toHaveLength(10_000)
    expect(registry.requests).toEqual([])
    const text = renderText(report)
    expect(text.split("\n").length).toBeLessThan(400)
    expect(text).toContain("and 9,975 more packages")
    expect(Buffer.byteLength(renderSummary(report))).toBeLessThan(1024 * 1024)
  })

  it("ask each name once, and the facts of each entry a bounded number of times", async () => {
    const asked = new Map<number, number>()
    for (const count of [500, 1000, 2000]) {
      const lockfile = await parseLockfileText(npmLock(names(count)), "package-lock.json", () => undefined)
      let calls = 0
      const factsFor = (): PackageFacts => {
        calls++
        return { exists: true, deprecated: true }
      }
      const policy = loadPolicy(policyOf("deny: { deprecated: true }"), "nanoguard.yaml")
      vetLockfiles(policy, [{ lockfile }], { factsFor }, { now: NOW, prod: false })
      asked.set(count, calls)
    }
    expect([...asked]).toEqual([
      [500, 500],
      [1000, 1000],
      [2000, 2000],
    ])
    const { registry } = await vetTree({
      policy: policyOf("deny: { deprecated: true }"),
      packages: names(1000),
      prepare: ({ npm }) => {
        for (const name of Object.keys(names(1000))) npm(name, { "1.0.0": { deprecated: "x" }, "1.0.1": {} })
      },
    })
    // Every name once; the rest are documents of parents, of which there are none here.
    expect(registry.requests).toHaveLength(1000)
  })
})

it("lines of thousands of entries take no search of the whole text each", async () => {
  const packages = names(3000)
  const text = npmLock(packages)
  const lockfile = await parseLockfileText(text, "package-lock.json", () => undefined)
  const search = vi.spyOn(String.prototype, "indexOf")
  const lines = lockfile.dependencies.map(({ key }) => lockfile.lineOf(key))
  const wholeKeys = search.mock.calls.filter(([wanted]) => wanted.endsWith('":'))
  search.mockRestore()
  expect(wholeKeys.length).toBeLessThan(100)
  const expected = text.split("\n").flatMap((line, i) => (/^ {4}"node_modules\/.*": \{$/.test(line) ? [i + 1] : []))
  expect(lines).toEqual(expected)
})

describe("a graph with more paths than there is time", () => {
  /** Every package of a layer wants every package of the next: width ** depth paths to the last one. */
  function diamond(depth: number, width: number) {
    const layer = (n: number) => Array.from({ length: width }, (_, i) => `l${n}-${i}`)
    const packages: Record<string, { version: string; dependencies?: Record<string, string> }> = {}
    for (let n = 0; n < depth; n++)
      for (const name of layer(n)) {
        const next = n + 1 < depth ? layer(n + 1) : ["deepest"]
        packages[name] = { version: "1.0.0", dependencies: Object.fromEntries(next.map((to) => [to, "^1.0.0"])) }
      }
    packages["deepest"] = { version: "1.0.0" }
    return npmLock(packages, "https://registry.example", layer(0))
  }

  it("is bounded for every row: three paths, the number of others only where it can be counted", async () => {
    const { report } = await vetTree({
      policy: "version: 1\ndefault: deny\n",
      files: { "package-lock.json": diamond(30, 10) },
      options: { offline: true },
    })
    expect(report.counts.deny).toBe(301)
    for (const row of report.rows) expect(row.paths.length).toBeLessThanOrEqual(3)
    const deepest = report.rows.find(({ dependency }) => dependency.name === "deepest")!
    expect(deepest.morePaths === -1 || deepest.morePaths > 0).toBe(true)
    expect(report.rows.find(({ dependency }) => dependency.name === "l0-3")).toMatchObject({
      paths: [["project", "l0-3@1.0.0"]],
      morePaths: 0,
    })
  })

  it("with corrections online still asks each name at most twice", async () => {
    const { registry, report } = await vetTree({
      policy: policyOf("deny: { deprecated: true }"),
      files: { "package-lock.json": diamond(12, 8).replaceAll("https://registry.example", "$REGISTRY") },
      prepare: ({ npm }) => {
        for (let n = 0; n < 12; n++) for (let i = 0; i < 8; i++) npm(`l${n}-${i}`, { "1.0.0": {}, "1.0.1": {} })
        npm("deepest", { "1.0.0": { age: 200, deprecated: "x" }, "1.0.1": {} })
      },
    })
    expect(report.rows).toHaveLength(1)
    expect(report.rows[0]?.verdict.correction).toMatchObject({ target: "pkg:npm/deepest@1.0.1" })
    expect(registry.requests.length).toBeLessThanOrEqual(2 * 97)
  })

  it("cycles end", async () => {
    const packages = {
      a: { version: "1.0.0", dependencies: { b: "*" } },
      b: { version: "1.0.0", dependencies: { a: "*", c: "*" } },
      c: { version: "1.0.0", dependencies: { a: "*" } },
    }
    const { report } = await vetTree({
      policy: "version: 1\ndefault: deny\n",
      files: { "package-lock.json": npmLock(packages, undefined, ["a"]) },
      options: { offline: true },
    })
    expect(report.rows.map(({ paths }) => paths)).toEqual([
      [["project", "a@1.0.0"]],
      [["project", "a@1.0.0", "b@1.0.0"]],
      [["project", "a@1.0.0", "b@1.0.0", "c@1.0.0"]],
    ])
  })
})
