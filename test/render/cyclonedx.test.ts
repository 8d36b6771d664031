import { expect, test } from "vitest"
import { renderCyclonedx } from "../../src/render/cyclonedx.ts"
import { sampleReport } from "./sample.ts"
import { cyclonedxValidator } from "./schemas.ts"

const validate = cyclonedxValidator()

function render(report = sampleReport()) {
  const bom = JSON.parse(renderCyclonedx(report))
  validate(bom)
  expect(validate.errors ?? []).toEqual([])
  return bom
}

test("is valid CycloneDX 1.6, and the validator can tell", () => {
  const bom = render()
  expect(bom.specVersion).toBe("1.6")
  bom.components[0].scope = "sometimes"
  expect(validate(bom)).toBe(false)
})

test("has every package that was vetted, with hash and licence", () => {
  const { components } = render()
  expect(components).toHaveLength(5)
  expect(components[0]).toEqual({
    type: "library",
    "bom-ref": "pkg:npm/minimist@1.2.5",
    name: "minimist",
    version: "1.2.5",
    scope: "required",
    hashes: [
      {
        alg: "SHA-512",
        content:
          "14cf6735462b4410042d9413df179943b7e630e060ea758d989293720b0979a2ecb4ffd43835691acaf93a15e185783a7feaad27cba267e3d4c640d67202172f",
      },
    ],
    licenses: [{ expression: "MIT" }],
    purl: "pkg:npm/minimist@1.2.5",
  })
  const licenses = components.map((component: { licenses?: unknown }) => component.licenses)
  expect(licenses).toEqual([
    [{ expression: "MIT" }],
    undefined,
    [{ expression: "AGPL-3.0-only OR LicenseRef-Artifex" }],
    undefined,
    [{ license: { name: "see LICENSE" } }],
  ])
  expect(components[2].hashes).toBeUndefined()
})

test("has the advisories that decided, once each, with what they affect", () => {
  const { vulnerabilities } = render()
  expect(vulnerabilities).toEqual([
    {
      id: "MAL-2025-20690",
      references: [{ id: "GHSA-mh6f-8j2x-4483", source: {} }],
      recommendation: "npm install event-stream@3.3.5",
      affects: [{ ref: "pkg:npm/event-stream@3.3.6" }],
    },
    {
      id: "GHSA-xvch-5gv4-984h",
      references: [{ id: "CVE-2021-44906", source: {} }],
      ratings: [{ score: 9.8, severity: "critical" }],
      recommendation: "npm update minimist",
      affects: [{ ref: "pkg:npm/minimist@1.2.5" }],
    },
  ])
})

test("an exception for a vulnerability is an analysis with its owner and its end", () => {
  const report = sampleReport()
  report.exceptions[0]!.of = "vulnerability.severity"
  report.exceptions[0]!.packages = [{ purl: "pkg:npm/esbuild@0.25.1", advisories: ["GHSA-67mh-4wv8-2f99"] }]
  expect(render(report).vulnerabilities.at(-1)).toEqual({
    id: "GHSA-67mh-4wv8-2f99",
    analysis: {
      response: ["will_not_fix"],
      detail: "Exception for vulnerability.severity by ana@acme.example until 2027-01-31",
    },
    affects: [{ ref: "pkg:npm/esbuild@0.25.1" }],
  })
})

test("what was not checked is in the document, and the same report is the same document", () => {
  const bom = render()
  expect(bom.metadata.properties).toContainEqual({ name: "nanoguard:not-checked", value: "published (offline): 412" })
  expect(bom.serialNumber).toMatch(/^urn:uuid:[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/)
  expect(render()).toEqual(bom)
})

test("a package that is in two lockfiles is one component", () => {
  const report = sampleReport()
  report.components.push({ ...report.components[0]! })
  expect(render(report).components).toHaveLength(5)
})
