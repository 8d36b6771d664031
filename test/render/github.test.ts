import { mkdtempSync, readFileSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { describe, expect, test } from "vitest"
import { renderGithub } from "../../src/render/github.ts"
import { appendSummary, MAX_BYTES, renderSummary } from "../../src/render/summary.ts"
import { readCommands } from "./runner.ts"
import { sampleReport, sampleRow } from "./sample.ts"

describe("renderGithub", () => {
  test("annotates each finding on its line, the gravest first", () => {
    const commands = readCommands(renderGithub(sampleReport()))
    expect(commands.map(({ command, properties }) => `${command} ${properties["title"]}`)).toEqual([
      "error deny malware.known: pkg:npm/event-stream@3.3.6",
      "error deny vulnerability.severity: pkg:npm/minimist@1.2.5",
      "error deny vulnerability.severity: pkg:npm/minimist@1.2.5",
      "error deny license.denied: pkg:pypi/pymupdf@1.24.0",
      "error ask script.unapproved: pkg:npm/%40acme/native@2.0.0",
      "error ask evidence.missing",
      "notice nanoguard vet",
      "notice would deny release.deprecated: pkg:npm/request@2.88.2",
    ])
    expect(commands[0]!.properties).toMatchObject({ file: "package-lock.json", line: "812" })
    expect(commands[0]!.data).toBe(
      [
        "An advisory says that this version is malware.",
        "Rule: packages.deny.malware (nanoguard.yaml:3:5)",
        "Evidence: MAL-2025-20690 (GHSA-mh6f-8j2x-4483)",
        "Via: acme-app > mkdirp@0.5.5 > minimist@1.2.5 (and 3 more)",
        "Fix: npm install event-stream@3.3.5",
      ].join("\n"),
    )
  })

  test("escapes what the runner's grammar gives a meaning", () => {
    const report = sampleReport()
    report.rows = [sampleRow({ reason: "100% sure" }, { file: "a:b,c%d.lock" })]
    const [line] = renderGithub(report).split("\n")
    expect(line).toMatch(/^::error file=a%3Ab%2Cc%25d\.lock,line=812,title=deny vulnerability\.severity%3A pkg%3Anpm\//)
    expect(line).toContain("::100%25 sure%0ARule: ")
  })

  test("ten of a kind, then their number", () => {
    const report = sampleReport()
    report.rows = Array.from({ length: 40 }, (_, i) => sampleRow({ subject: `pkg:npm/p${i}@1.0.0` }))
    const text = renderGithub(report)
    expect(readCommands(text)).toHaveLength(11)
    expect(text).toContain("\nand 30 more findings (")
  })

  test("with --fail-on deny an ask is a warning", () => {
    const kinds = readCommands(renderGithub(sampleReport(), { failOn: "deny" })).map(({ command }) => command)
    expect(kinds).toEqual(["error", "error", "error", "error", "warning", "warning", "notice", "notice"])
  })

  test("one notice sums up the run and what was not checked", () => {
    const notice = readCommands(renderGithub(sampleReport())).find(
      ({ properties }) => properties["title"] === "nanoguard vet",
    )
    expect(notice).toEqual({
      command: "notice",
      properties: { title: "nanoguard vet" },
      data: [
        "Failed: 4 denied, 3 need approval, 1,197 of 1,204 packages allowed (1 by exception, 1 only observed). At least 412 packages were not fully checked.",
        "Not checked: published of 412 packages (offline)",
        "Not checked: license of 1 package (unreachable)",
        "Advisories: shipped snapshot of 2026-11-18, 12,345 records (npm, pypi), partial: a miss proves nothing",
      ].join("\n"),
    })
  })
})

describe("renderSummary", () => {
  test("is a table of all findings, then what was not checked", () => {
    const lines = renderSummary(sampleReport()).split("\n")
    expect(lines.slice(0, 7)).toEqual([
      "## nanoguard vet",
      "",
      "**Failed: 4 denied, 3 need approval, 1,197 of 1,204 packages allowed (1 by exception, 1 only observed). At least 412 packages were not fully checked.**",
      "",
      "| | package | code | where | why | fix |",
      "|---|---|---|---|---|---|",
      "| deny | `pkg:npm/event-stream@3.3.6` | `malware.known` | `package-lock.json:812` | An advisory says that this version is malware&#46; | `npm install event-stream@3.3.5` |",
    ])
    expect(lines).toContain("- Not checked: published of 412 packages (offline)")
    expect(lines).toContain("- ask `evidence.missing`: published &#40;offline&#41;, 2 packages")
  })

  test("stays under 1 MiB and says what it left out", () => {
    const report = sampleReport()
    report.rows = Array.from({ length: 9000 }, (_, i) =>
      sampleRow({ subject: `pkg:npm/${"п".repeat(100)}${i}@1.0.0` }, { file: "é".repeat(200) }),
    )
    const text = renderSummary(report)
    expect(Buffer.byteLength(text)).toBeLessThan(MAX_BYTES)
    const shown = text.match(/^\| deny/gm)!.length
    expect(shown).toBeGreaterThan(500)
    expect(text).toContain(`and ${(9000 - shown).toLocaleString("en-US")} more findings (--format json has all)`)
  })

  test("is appended to the runner's file, and only where there is one", async () => {
    const dir = mkdtempSync(join(tmpdir(), "nanoguard-summary-"))
    const file = join(dir, "summary.md")
    expect(await appendSummary({}, "x")).toBe(false)
    expect(await appendSummary({ GITHUB_STEP_SUMMARY: file }, "one\n")).toBe(true)
    expect(await appendSummary({ GITHUB_STEP_SUMMARY: file }, "two\n")).toBe(true)
    expect(readFileSync(file, "utf8")).toBe("one\ntwo\n")
    rmSync(dir, { recursive: true })
  })
})
