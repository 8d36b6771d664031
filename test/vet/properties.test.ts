// What holds for any lockfile and any policy.
import fc from "fast-check"
import { describe, expect, it } from "vitest"
import { exitOf } from "../../src/commands/vet.ts"
import { parseLockfileText } from "../../src/packages/lockfiles/index.ts"
import { loadPolicy } from "../../src/policy/load.ts"
import type { Effect, PackageFacts } from "../../src/policy/types.ts"
import { vetLockfiles } from "../../src/vet/vet.ts"
import { DAY, NOW } from "../context.ts"
import { npmLock } from "../trees.ts"

const name = fc.constantFrom("a", "b", "c", "@x/a", "@x/b", "constructor", "__proto__", "toString")
const version = fc.constantFrom("0.1.0", "1.0.0", "1.2.3", "2.0.0-rc.1")
const entry = fc.record({
  version,
  dev: fc.boolean(),
  optional: fc.boolean(),
  resolved: fc.constantFrom(
    undefined,
    "https://registry.example/a/-/a-1.0.0.tgz",
    "git+ssh://git@git.registry.example/a/b.git#0123456789012345678901234567890123456789",
    "https://files.registry.example/x.tgz",
  ),
  integrity: fc.constantFrom(undefined, "sha512-AAAA"),
})
const packages = fc.dictionary(name, entry, { minKeys: 1, maxKeys: 6 })

const effect = fc.constantFrom<Effect>("allow", "ask", "deny")
const conditions = fc.subarray([
  "severity: high",
  "cvss: 5",
  "age: 3d",
  "deprecated: true",
  "licenses: [GPL-3.0-only, unknown]",
  "install-scripts: true",
  "sources: [git, url]",
  "integrity: missing",
  "nonexistent: true",
  "publisher-changed: true",
])
const policy = fc
  .record({
    mode: fc.constantFrom("enforce", "observe"),
    fallback: effect,
    deny: conditions,
    ask: conditions,
    unknown: effect,
    rules: fc.array(fc.tuple(effect, fc.constantFrom("a", "b", "@x/*", "*")), { maxLength: 3 }),
    excepted: fc.option(
      fc.constantFrom("package.denied", "evidence.missing", "release.deprecated", "source.unverified"),
    ),
  })
  .map(({ mode, fallback, deny, ask, unknown, rules, excepted }) =>
    [
      "version: 1",
      `mode: ${mode}`,
      `default: ${fallback}`,
      "packages:",
      `  unknown: ${unknown}`,
      deny.length ? `  deny: { ${deny.join(", ")} }` : "",
      ask.length ? `  ask: { ${ask.join(", ")} }` : "",
      rules.length ? "  rules:" : "",
      ...rules.map(([verb, subject], i) => `    - { id: r${i}, ${verb}: "pkg:npm/${subject}" }`),
      excepted
        ? `  exceptions:\n    - { allow: "pkg:npm/*", of: ${excepted}, owner: a@acme.example, reason: known, expires: 2026-12-31 }`
        : "",
    ].join("\n"),
  )

const advisory = fc.record({
  id: fc.constant("GHSA-aaaa-bbbb-cccc"),
  aliases: fc.constant([]),
  kind: fc.constantFrom("vulnerability" as const, "malware" as const),
  severity: fc.constantFrom("low" as const, "high" as const),
  fixed: fc.constant([]),
})
const facts: fc.Arbitrary<PackageFacts> = fc.record(
  {
    exists: fc.boolean(),
    published: fc.constantFrom(NOW - DAY, NOW - 100 * DAY),
    deprecated: fc.boolean(),
    license: fc.constantFrom("MIT", "GPL-3.0-only", ""),
    installScripts: fc.constantFrom([], ["install"]),
    publisherChanged: fc.boolean(),
    integrity: fc.constantFrom("match" as const, "mismatch" as const, "none" as const, "present" as const),
    advisories: fc.array(advisory, { maxLength: 2 }),
  },
  { requiredKeys: [] },
)

describe("for any small lockfile, policy and evidence", () => {
  it("exit 0 only without a row that denies or asks; rows and what passed are all packages; a floor is never fine", async () => {
    await fc.assert(
      fc.asyncProperty(
        packages,
        policy,
        fc.array(facts, { minLength: 6, maxLength: 6 }),
        fc.boolean(),
        async (lock, law, known, prod) => {
          const wanted = Object.keys(lock).filter((name) => !lock[name]?.dev)
          const text = npmLock(lock, undefined, wanted)
          const lockfile = await parseLockfileText(text, "package-lock.json", () => undefined)
          const loaded = loadPolicy(law, "nanoguard.yaml")
          const factsFor = ({ key }: { key: string }) =>
            known[lockfile.dependencies.findIndex((dependency) => dependency.key === key)] ?? {}
          const { rows, counts, entries, missing } = vetLockfiles(
            loaded,
            [{ lockfile }],
            { factsFor },
            { now: NOW, prod },
          )

          const enforced = rows.filter(({ verdict }) => verdict.mode === "enforce")
          expect(counts.packages).toBe(Object.values(lock).filter(({ dev }) => !(prod && dev)).length)
          expect(counts.allow + counts.ask + counts.deny).toBe(counts.packages)
          expect(counts.ask + counts.deny).toBe(enforced.length)
          expect(counts.observed).toBe(rows.length - enforced.length)
          expect(rows.length + entries.filter(({ verdict }) => verdict.effect === "allow").length).toBe(counts.packages)
          expect(rows.every(({ verdict }) => verdict.effect !== "allow")).toBe(true)

          const strict = exitOf({ counts } as never, "ask")
          const lenient = exitOf({ counts } as never, "deny")
          expect(strict === 0).toBe(enforced.length === 0)
          expect(lenient === 0).toBe(enforced.every(({ verdict }) => verdict.effect === "ask"))

          for (const { dependency, facts, verdict } of entries) {
            const floor = facts.integrity === "mismatch" || facts.advisories?.some(({ kind }) => kind === "malware")
            if (floor) expect([verdict.effect, verdict.mode]).toEqual(["deny", "enforce"])
            for (const fact of loaded.packages.needs)
              if (facts[fact] === undefined)
                expect(missing.some((gap) => gap.fact === fact && gap.packages > 0)).toBe(true)
            expect(verdict.subject).toBe(dependency.purl)
          }
          const total = missing.reduce((sum, { packages }) => sum + packages, 0)
          expect(total).toBeLessThanOrEqual(counts.packages * loaded.packages.needs.length)
        },
      ),
      { numRuns: 300 },
    )
  })
})
