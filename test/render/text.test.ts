import { describe, expect, test } from "vitest"
import { renderText } from "../../src/render/text.ts"
import { sampleReport, sampleRow } from "./sample.ts"

describe("renderText", () => {
  test("tells a finding whole: effect, package, code, reason, place, way in, rule, evidence, fix", () => {
    expect(renderText(sampleReport())).toContain(`
deny  pkg:npm/event-stream@3.3.6  malware.known
      An advisory says that this version is malware.
      at        package-lock.json:812
      via       acme-app > mkdirp@0.5.5 > minimist@1.2.5 (and 3 more)
      rule      packages.deny.malware (nanoguard.yaml:3:5)
      evidence  MAL-2025-20690 (GHSA-mh6f-8j2x-4483)
      also      deny vulnerability.severity by packages.deny.severity
                (nanoguard.yaml:4:5)
      fix:      npm install event-stream@3.3.5
`)
  })

  test("says behind a fix what it was checked against, and keeps it out of the evidence", () => {
    const report = sampleReport()
    const checked = { kind: "correction", way: "direct", target: "pkg:npm/a@1.0.1", against: "policy", effect: "allow" }
    const correction = { action: "upgrade" as const, target: "pkg:npm/a@1.0.1", command: "npm install a@1.0.1" }
    report.rows = [sampleRow({ evidence: [{ kind: "advisory", id: "GHSA-1" }, checked], correction })]
    const text = renderText(report)
    expect(text).toContain(
      "      evidence  GHSA-1\n      fix:      npm install a@1.0.1  (checked against the policy)\n",
    )
    report.rows[0]!.verdict.evidence = [{ ...checked, against: "advisories only" }]
    expect(renderText(report)).toContain("npm install a@1.0.1  (checked against known advisories only)\n")
  })

  test("offers the exception once for all places of a finding, on one line to paste", () => {
    const report = sampleReport()
    const exception = '- { allow: "pkg:npm/a", versions: "=1.0.0", of: script.unapproved, expires: 2027-01-30 }'
    const correction = { action: "request-approval" as const }
    report.rows = [sampleRow({ correction }, { exception }), sampleRow({ correction }, { exception, line: 900 })]
    const text = renderText(report)
    expect(text.split("\n").filter((line) => line.includes("expires: 2027-01-30"))).toEqual([
      `      or:       add to packages.exceptions of nanoguard.yaml: ${exception}`,
    ])
  })

  test("names what it read first, and closes with one verdict", () => {
    const lines = renderText(sampleReport()).trimEnd().split("\n")
    expect(lines[0]).toBe("2 lockfiles, 1,204 packages vetted")
    expect(lines.slice(-3)).toEqual([
      "Failed: 4 denied, 3 need approval, 1,197 of 1,204 packages allowed (1 by",
      "exception, 1 only observed). At least 412 packages were not fully checked.",
      "Policy nanoguard.yaml (sha256:3f1c9b0a5d7e, enforce)",
    ])
  })

  test("deny comes before what is only observed, and that before ask", () => {
    const effects = [...renderText(sampleReport()).matchAll(/^(deny|ask|would deny) +\S/gm)].map((match) => match[1])
    expect(effects).toEqual(["deny", "deny", "deny", "would deny", "ask", "ask"])
  })

  test("the same finding in two places is one block", () => {
    const text = renderText(sampleReport())
    expect(text.match(/^deny {2}pkg:npm\/minimist@1\.2\.5/gm)).toHaveLength(1)
    expect(text).toContain("      at        package-lock.json:812\n                package-lock.json:2044\n")
  })

  test("what was not checked is listed and never reads as passed", () => {
    const report = sampleReport()
    report.rows = []
    report.counts = { packages: 1204, allow: 1204, ask: 0, deny: 0, excepted: 0, observed: 0 }
    const text = renderText(report)
    expect(text).toContain("Not checked\n  published  offline      412 packages  pkg:npm/left-pad@1.3.0\n")
    expect(text).toContain("Passed with gaps: 1,204 of 1,204 packages allowed. At least 412 packages")
    expect(text).not.toMatch(/^Passed:/m)
    report.missing = []
    expect(renderText(report)).toMatch(/^Passed: 1,204 of 1,204 packages allowed\.$/m)
  })

  test("thousands of packages without a fact are one block", () => {
    const report = sampleReport()
    report.rows = Array.from({ length: 5000 }, (_, i) =>
      sampleRow({
        effect: "ask",
        code: "evidence.missing",
        subject: `pkg:npm/p${i}@1.0.0`,
        evidence: [{ kind: "missing", fact: "published", reason: "offline" }],
      }),
    )
    const text = renderText(report)
    expect(text).toContain("ask   5,000 packages  evidence.missing\n      missing   published (offline)\n")
    expect(text).toContain("and 4,997 more packages (--format json has all)")
    expect(text.split("\n").length).toBeLessThan(50)
  })

  test.each([
    ["advisories", "unsupported", "1.0.0", "fix:      nanoguard advisories update\n"],
    ["published", "unreachable", "1.0.0", "fix:      vet again once the registry can be reached\n"],
    ["published", "offline", "1.0.0", "fix:      vet without --offline\n"],
    ["published", "unstated", "", "fix:      lock an exact version: which one is installed is not known\n"],
  ])("what is held up because %s is %s has a way out", (fact, reason, version, fix) => {
    const report = sampleReport()
    const row = sampleRow({ effect: "ask", code: "evidence.missing", evidence: [{ kind: "missing", fact, reason }] })
    report.rows = [{ ...row, dependency: { ...row.dependency, version } }]
    expect(renderText(report)).toContain(fix)
    report.rows = [{ ...report.rows[0]!, verdict: { ...row.verdict, effect: "allow" } }]
    expect(renderText(report)).not.toContain(fix)
  })

  test("a long list is cut, with the number left out; verbose shows more", () => {
    const report = sampleReport()
    report.rows = Array.from({ length: 40 }, (_, i) => sampleRow({ subject: `pkg:npm/p${i}@1.0.0` }))
    expect(renderText(report)).toContain("\nand 15 more packages (--format json has all)\n")
    expect(renderText(report, { verbose: true })).toContain("pkg:npm/p39@1.0.0")
  })

  test("stays within 80 columns where nothing has to be copied whole", () => {
    const long = renderText(sampleReport())
      .split("\n")
      .filter((line) => line.length > 80)
    expect(long).toEqual([])
  })

  test("a snapshot is named as one, with the way to the rest", () => {
    const text = renderText(sampleReport()).replace(/\n {12}/g, " ")
    expect(text).toContain(
      "Advisories  shipped snapshot of 2026-11-18, 12,345 records (npm, pypi), partial: a miss proves nothing to have all of them: nanoguard advisories update",
    )
  })

  test("nothing checked is not a pass", () => {
    const report = sampleReport()
    Object.assign(report, { rows: [], missing: [], files: [] })
    report.counts = { packages: 0, allow: 0, ask: 0, deny: 0, excepted: 0, observed: 0 }
    expect(renderText(report)).toMatch(/^Nothing was checked\.$/m)
  })

  test("a change that adds no package passes, and says so", () => {
    const report = sampleReport()
    Object.assign(report, { rows: [], missing: [], changedSince: "origin/main" })
    report.counts = { packages: 0, allow: 0, ask: 0, deny: 0, excepted: 0, observed: 0 }
    expect(renderText(report)).toMatch(/^Passed: no package was added since origin\/main\.$/m)
  })

  test("with --fail-on deny an ask does not fail, and is still named", () => {
    const report = sampleReport()
    report.counts = { packages: 10, allow: 8, ask: 2, deny: 0, excepted: 0, observed: 0 }
    expect(renderText(report, { failOn: "deny" })).toMatch(/^Passed with gaps: 2 need approval, 8 of 10 packages/m)
    expect(renderText(report)).toMatch(/^Failed: 2 need approval, 8 of 10 packages/m)
  })
})
