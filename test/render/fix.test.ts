import { expect, it } from "vitest"
import { renderFix, renderFixJson } from "../../src/render/fix.ts"
import type { FixReport } from "../../src/vet/fix/types.ts"
import { sampleReport } from "./sample.ts"

const COUNTS = { packages: 3, allow: 2, ask: 0, deny: 1, excepted: 0, observed: 0 }
const REPORT: FixReport = {
  schema: "nanoguard.fix/1",
  steps: [
    {
      lockfile: "package-lock.json",
      purl: "pkg:npm/a@1.0.0",
      code: "vulnerability.severity",
      action: "upgrade",
      target: "pkg:npm/a@1.0.1",
      command: "npm install a@1.0.1",
      outcome: "fixed",
    },
    {
      lockfile: "api/uv.lock",
      purl: "pkg:pypi/b@1.0",
      code: "license.denied",
      action: "request-approval",
      outcome: "not-fixed",
      why: "it needs an approval or an exception",
    },
  ],
  files: [
    { path: "package-lock.json", kind: "lockfile", diff: "a 1.0.0 -> 1.0.1\n+ c 2.0.0" },
    { path: "package.json", kind: "manifest", diff: '@@ -1,1 +1,1 @@\n-"a": "1.0.0"\n+"a": "1.0.1"\n' },
  ],
  applied: true,
  dryRun: false,
  before: COUNTS,
  after: { ...COUNTS, deny: 0, allow: 3 },
  install: ["npm ci", "uv sync --locked (in api)"],
}

it("tells what changed, what became of each finding, and what is left to do", () => {
  expect(renderFix(REPORT)).toBe(`package-lock.json
  a 1.0.0 -> 1.0.1
  + c 2.0.0

package.json
  @@ -1,1 +1,1 @@
  -"a": "1.0.0"
  +"a": "1.0.1"

fixed      pkg:npm/a@1.0.0  vulnerability.severity  package-lock.json
           upgrade to pkg:npm/a@1.0.1
not fixed  pkg:pypi/b@1.0  license.denied  api/uv.lock
           it needs an approval or an exception

1 finding fixed, 1 not: wrote 2 files.
Denied 1 -> 0, to approve 0 -> 0; these are the verdicts below.
Nothing was installed. To install what is locked now:
  npm ci
  uv sync --locked (in api)
`)
})

it("says that nothing was written, and that there was nothing to do", () => {
  const dry = renderFix({ ...REPORT, applied: false, dryRun: true })
  expect(dry).toContain("1 finding fixed, 1 not: nothing was written (--dry-run).\nDenied 1 -> 0")
  expect(dry).not.toContain("To install")
  expect(renderFix({ ...REPORT, steps: [], files: [], applied: false })).toBe("Nothing to fix.\n")
  const failed = { ...REPORT, steps: [REPORT.steps[1]!], files: [], applied: false }
  expect(renderFix(failed)).toContain("Nothing was changed: 1 finding could not be fixed.\n")
})

it("lets no string of a project steer a terminal or break its line", () => {
  const evil = "\x1b]8;;https://x\x07\u202ea\r\n::error::b\x9b31m"
  const step = { ...REPORT.steps[0]!, lockfile: evil, purl: evil, target: evil, why: evil }
  const poisoned: FixReport = {
    ...REPORT,
    steps: [step, { ...step, outcome: "not-fixed" }],
    files: [
      { path: evil, kind: "manifest", diff: `+${evil}` },
      { path: evil, kind: "lockfile", diff: evil },
    ],
    install: [evil],
  }
  for (const text of [renderFix(poisoned), renderFixJson(poisoned, sampleReport())]) {
    expect(text).not.toMatch(/[\x00-\x09\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]/)
    expect(text).not.toMatch(/^::/m)
  }
})

it("is one JSON document with the vet afterwards in it", () => {
  const document = JSON.parse(renderFixJson(REPORT, sampleReport()))
  expect(Object.keys(document)).toEqual([
    "schema",
    "applied",
    "dryRun",
    "before",
    "after",
    "steps",
    "files",
    "install",
    "vet",
  ])
  expect(document.steps).toEqual(REPORT.steps)
  expect(document.vet.schema).toBe("nanoguard.vet/1")
})
