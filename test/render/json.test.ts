import { expect, test } from "vitest"
import { renderJson } from "../../src/render/json.ts"
import { sampleReport } from "./sample.ts"

test("is the report, exactly, as one document", () => {
  const report = sampleReport()
  expect(JSON.parse(renderJson(report))).toEqual(report)
})

test("keys keep one order, whatever order the report was built in", () => {
  const report = sampleReport()
  const reversed = reverseKeys(report) as typeof report
  reversed.rows = reversed.rows.map((row) => ({ ...row, verdict: reverseKeys(row.verdict) as typeof row.verdict }))
  const keys = Object.keys(JSON.parse(renderJson(reversed)))
  expect(keys).toEqual(Object.keys(JSON.parse(renderJson(report))))
  expect(keys[0]).toBe("schema")
  expect(Object.keys(JSON.parse(renderJson(reversed)).rows[0].verdict)).toEqual([
    "effect",
    "code",
    "rule",
    "subject",
    "reason",
    "evidence",
    "correction",
    "mode",
    "policyHash",
    "also",
  ])
})

function reverseKeys(value: object): object {
  return Object.fromEntries(Object.entries(value).reverse())
}
