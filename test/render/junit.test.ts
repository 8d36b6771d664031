import { beforeEach, expect, test } from "vitest"
import { renderJunit } from "../../src/render/junit.ts"
import { sampleReport, sampleRow } from "./sample.ts"
import { type Element, hasXmlParser, parseXml } from "./xml.ts"

const PARSER = hasXmlParser()

beforeEach((ctx) => {
  if (!PARSER) ctx.skip("python3 is missing: install it from your system's packages, its expat is the XML parser here")
})

const cases = (suite: Element) =>
  suite.children.map(({ attributes, children }) => [attributes["name"], children[0]?.tag])

test("a suite for each lockfile, a failed case for each finding, and what was not checked as skipped", () => {
  const root = parseXml(renderJunit(sampleReport()))
  expect(root.attributes).toMatchObject({ tests: "10", failures: "7", errors: "0", skipped: "3" })
  expect(root.children.map((suite) => suite.attributes["name"])).toEqual([
    "package-lock.json",
    "services/api/uv.lock",
    "not checked",
  ])
  expect(cases(root.children[1]!)).toEqual([["pkg:pypi/pymupdf@1.24.0 license.denied", "failure"]])
  expect(cases(root.children[2]!)).toEqual([
    ["published (offline)", "skipped"],
    ["license (unreachable)", "skipped"],
  ])
  const [first] = root.children[0]!.children
  expect(first!.attributes).toMatchObject({ file: "package-lock.json", line: "812" })
  expect(first!.children[0]).toMatchObject({
    attributes: { type: "malware.known", message: "deny: An advisory says that this version is malware." },
    text: "package-lock.json:812; rule packages.deny.malware (nanoguard.yaml:3:5); via acme-app > mkdirp@0.5.5 > minimist@1.2.5 (and 3 more); evidence MAL-2025-20690 (GHSA-mh6f-8j2x-4483); fix: npm install event-stream@3.3.5",
  })
})

test("what is observed is skipped; so is an ask with --fail-on deny", () => {
  const report = sampleReport()
  const skipped = (failOn: "ask" | "deny") =>
    parseXml(renderJunit(report, { failOn })).children[0]!.children.filter((one) => one.children[0]?.tag === "skipped")
      .length
  expect([skipped("ask"), skipped("deny")]).toEqual([1, 4])
})

test("a lockfile without findings is a passed case, not an empty suite", () => {
  const report = sampleReport()
  Object.assign(report, { rows: [], missing: [] })
  const root = parseXml(renderJunit(report))
  expect(root.attributes).toMatchObject({ tests: "2", failures: "0", skipped: "0" })
  expect(cases(root.children[0]!)).toEqual([["1,102 packages, no findings", undefined]])
})

test("the counts of the suites add up to the total, also where the list is cut", () => {
  const report = sampleReport()
  const row = sampleRow()
  report.rows = Array.from({ length: 10_005 }, () => row)
  const text = renderJunit(report)
  const [total, ...suites] = [...text.matchAll(/ tests="(\d+)"/g)].map((match) => Number(match[1]))
  expect(suites.reduce((sum, tests) => sum + tests, 0)).toBe(total)
  expect(text.match(/<testcase /g)).toHaveLength(total!)
  expect(text).toContain('message="5 more findings are left out here; --format json has all"/>')
})
