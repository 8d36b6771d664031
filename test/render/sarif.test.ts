import type { ValidateFunction } from "ajv"
import { beforeAll, expect, test } from "vitest"
import { fileUri, MAX_RESULTS, renderSarif } from "../../src/render/sarif.ts"
import { sampleReport, sampleRow } from "./sample.ts"
import { NO_SCHEMA, sarifValidator } from "./schemas.ts"

// biome-ignore lint/suspicious/noExplicitAny: a parsed document of another standard
const parse = (text: string): any => JSON.parse(text)

let validate: ValidateFunction | undefined

beforeAll(async () => {
  validate = await sarifValidator()
}, 30_000)

test("is valid SARIF 2.1.0, and the validator can tell", (ctx) => {
  if (validate === undefined) return ctx.skip(NO_SCHEMA)
  const report = sampleReport()
  report.rows[0]!.file = "odd dir/%/ü [x]#?&.lock"
  for (const options of [{}, { docs: "https://docs.acme.example" }]) {
    validate(parse(renderSarif(report, options)))
    expect(validate.errors ?? []).toEqual([])
  }
  const broken = parse(renderSarif(report))
  broken.runs[0].results[0].level = "fatal"
  expect(validate(broken)).toBe(false)
})

test("one result a row, the strictest first, with place, message and rule", () => {
  const { results, tool } = parse(renderSarif(sampleReport())).runs[0]
  expect(results).toHaveLength(8)
  const [first] = results
  expect(first).toMatchObject({
    ruleId: "malware.known",
    ruleIndex: 0,
    kind: "fail",
    level: "error",
    locations: [
      {
        physicalLocation: {
          artifactLocation: { uri: "package-lock.json", uriBaseId: "SRCROOT" },
          region: { startLine: 812 },
        },
      },
    ],
  })
  expect(first.message.text).toBe(
    [
      "pkg:npm/event-stream@3.3.6: An advisory says that this version is malware.",
      "Evidence: MAL-2025-20690 (GHSA-mh6f-8j2x-4483)",
      "Comes in through: acme-app > mkdirp@0.5.5 > minimist@1.2.5 (and 3 more)",
      "Rule: packages.deny.malware (nanoguard.yaml:3:5)",
      "Fix: npm install event-stream@3.3.5",
    ].join("\n"),
  )
  for (const result of results) expect(tool.driver.rules[result.ruleIndex].id).toBe(result.ruleId)
  expect(JSON.stringify(results)).not.toContain('"fixes"')
})

test("a rule has help and a severity; vulnerabilities have their own", () => {
  const rules = parse(renderSarif(sampleReport(), { docs: "https://docs.acme.example" })).runs[0].tool.driver.rules
  const severities = Object.fromEntries(
    rules.map((rule: { id: string; properties: Record<string, string> }) => [
      rule.id,
      rule.properties["security-severity"],
    ]),
  )
  expect(severities).toEqual({
    "malware.known": "10.0",
    "vulnerability.severity/critical": "9.5",
    "license.denied": "3.0",
    "release.deprecated": "3.0",
    "script.unapproved": "6.0",
    "evidence.missing": "4.0",
  })
  expect(rules[1].helpUri).toBe("https://docs.acme.example/rules/vulnerability.severity.md")
  expect(rules[0].shortDescription.text).toBe("Known malware")
})

test("what is only observed is suppressed, what is allowed without evidence is open", () => {
  const report = sampleReport()
  report.rows.push(sampleRow({ effect: "allow", code: "evidence.missing", subject: "pkg:npm/x@1.0.0" }))
  const { results } = parse(renderSarif(report)).runs[0]
  const suppressed = results.filter((result: { suppressions?: unknown }) => result.suppressions !== undefined)
  expect(suppressed.map((result: { ruleId: string }) => result.ruleId)).toEqual(["release.deprecated"])
  expect(results.at(-1)).toMatchObject({ kind: "open", level: "none" })
})

test("fingerprints survive a moved line, and tell two places in a file apart", () => {
  const hashes = (report: ReturnType<typeof sampleReport>): string[] =>
    parse(renderSarif(report)).runs[0].results.map(
      (result: { partialFingerprints: Record<string, string> }) =>
        result.partialFingerprints["primaryLocationLineHash"],
    )
  const report = sampleReport()
  const before = hashes(report)
  for (const row of report.rows) row.line += 100
  expect(hashes(report)).toEqual(before)
  expect(new Set(before).size).toBe(before.length)
  expect(before[2]).toBe(before[1]!.replace(/:1$/, ":2"))
})

test("what was not checked is a notification", () => {
  const { toolExecutionNotifications } = parse(renderSarif(sampleReport())).runs[0].invocations[0]
  expect(toolExecutionNotifications[0].message.text).toBe("Not checked: published of 412 packages (offline).")
})

test("no more results than a code-scanning service takes, and a word about the rest", () => {
  const report = sampleReport()
  const row = sampleRow()
  report.rows = Array.from({ length: MAX_RESULTS + 7 }, () => row)
  const run = parse(renderSarif(report)).runs[0]
  expect(run.results).toHaveLength(25_000)
  expect(run.invocations[0].toolExecutionNotifications.at(-1).message.text).toContain("7 more results left out")
})

test.each([
  ["package-lock.json", "package-lock.json"],
  ["a b/ü.lock", "a%20b/%C3%BC.lock"],
  ["//evil.example/x", "evil.example/x"],
  ["javascript:alert(1)/x", "javascript%3Aalert%281%29/x"],
  ["a?b#c%d", "a%3Fb%23c%25d"],
  ["lone\ud800", "lone%EF%BF%BD"],
])("the path %j is the URI %j", (path, uri) => {
  expect(fileUri(path)).toBe(uri)
})
