import { expect, test } from "vitest"
import { FORMATS, loadRenderer } from "../../src/render/index.ts"
import { sampleReport } from "./sample.ts"

test.each([
  ["text", /^2 lockfiles/],
  ["json", /^\{\n {2}"schema": "nanoguard\.vet\/1"/],
  ["sarif", /"version": "2\.1\.0"/],
  ["junit", /^<\?xml version="1\.0"/],
  ["github", /^::error /],
  ["cyclonedx", /"bomFormat": "CycloneDX"/],
] as const)("%s renders, and ends with one newline", async (format, start) => {
  const text = (await loadRenderer(format))(sampleReport())
  expect(text).toMatch(start)
  expect(text).toMatch(/[^\n]\n$/)
})

test("every format is covered above", () => {
  expect(FORMATS).toEqual(["text", "json", "sarif", "junit", "github", "cyclonedx"])
})
