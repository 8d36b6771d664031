// A report with one of everything, for the tests of every format. `place` puts one string wherever a string from outside
// may stand, so that a test can see what each format makes of it.
import type { Verdict } from "../../src/policy/types.ts"
import type { VetReport, VetRow } from "../../src/vet/report.ts"

export const HASH = "sha256:3f1c9b0a5d7e4c2b8a6f0e1d2c3b4a5968778695a4b3c2d1e0f9a8b7c6d5e4f3"

export function sampleVerdict(over: Partial<Verdict> = {}): Verdict {
  return {
    effect: "deny",
    code: "vulnerability.severity",
    rule: "packages.deny.severity (nanoguard.yaml:4:5)",
    subject: "pkg:npm/minimist@1.2.5",
    reason: "An advisory of severity critical applies to this version.",
    evidence: [
      { kind: "advisory", id: "GHSA-xvch-5gv4-984h", aliases: ["CVE-2021-44906"], severity: "critical", cvss: 9.8 },
    ],
    mode: "enforce",
    policyHash: HASH,
    ...over,
  }
}

export function sampleRow(verdict: Partial<Verdict> = {}, over: Partial<VetRow> = {}): VetRow {
  const full = sampleVerdict(verdict)
  const match = /^pkg:([^/]+)\/(.+)@([^@]+)$/.exec(full.subject)
  return {
    verdict: full,
    file: "package-lock.json",
    line: 812,
    dependency: {
      purl: full.subject,
      ecosystem: match?.[1] ?? "npm",
      name: match?.[2] ?? full.subject,
      version: match?.[3] ?? "1.0.0",
      source: { kind: "registry", origin: "default" },
      dev: false,
      optional: false,
      direct: false,
    },
    paths: [["acme-app", "mkdirp@0.5.5", "minimist@1.2.5"]],
    morePaths: 3,
    ...over,
  }
}

/** The rich report: every kind of finding, in two files of two ecosystems. */
export function sampleReport(): VetReport {
  return {
    schema: "nanoguard.vet/1",
    tool: { name: "nanoguard", version: "0.1.0" },
    time: "2026-11-20T09:30:00.000Z",
    offline: true,
    policy: { path: "nanoguard.yaml", hash: HASH, mode: "enforce", source: "file" },
    advisories: {
      kind: "snapshot",
      records: 12345,
      asOf: "2026-11-18",
      ecosystems: ["npm", "pypi"],
      partial: true,
    },
    files: [
      { path: "package-lock.json", format: "package-lock.json", formatVersion: "3", packages: 1102, warnings: [] },
      {
        path: "services/api/uv.lock",
        format: "uv.lock",
        formatVersion: "1",
        packages: 102,
        warnings: ["line 40: the package has no version and was not vetted"],
      },
    ],
    counts: { packages: 1204, allow: 1197, ask: 3, deny: 4, excepted: 1, observed: 1 },
    rows: [
      sampleRow({
        code: "malware.known",
        rule: "packages.deny.malware (nanoguard.yaml:3:5)",
        subject: "pkg:npm/event-stream@3.3.6",
        reason: "An advisory says that this version is malware.",
        evidence: [{ kind: "advisory", id: "MAL-2025-20690", aliases: ["GHSA-mh6f-8j2x-4483"] }],
        correction: {
          action: "downgrade",
          target: "pkg:npm/event-stream@3.3.5",
          command: "npm install event-stream@3.3.5",
        },
        also: [{ code: "vulnerability.severity", effect: "deny", rule: "packages.deny.severity (nanoguard.yaml:4:5)" }],
      }),
      sampleRow({
        correction: { action: "upgrade", target: "pkg:npm/minimist@1.2.8", command: "npm update minimist" },
      }),
      sampleRow({}, { line: 2044, paths: [["acme-app", "gulp@4.0.2", "minimist@1.2.5"]], morePaths: -1 }),
      sampleRow(
        {
          code: "license.denied",
          rule: "packages.deny.licenses (nanoguard.yaml:6:5)",
          subject: "pkg:pypi/pymupdf@1.24.0",
          reason: "Its licence, AGPL-3.0-only, is denied.",
          evidence: [{ kind: "license", declared: "AGPL-3.0-only" }],
          correction: { action: "remove" },
        },
        { file: "services/api/uv.lock", line: 77, paths: [["api", "pymupdf@1.24.0"]], morePaths: 0 },
      ),
      sampleRow({
        effect: "ask",
        code: "script.unapproved",
        rule: "packages.ask.install-scripts (nanoguard.yaml:9:5)",
        subject: "pkg:npm/%40acme/native@2.0.0",
        reason: "Its install would run scripts: postinstall.",
        evidence: [{ kind: "scripts", names: ["postinstall"] }],
        correction: { action: "request-approval" },
      }),
      sampleRow(
        {
          effect: "ask",
          code: "evidence.missing",
          rule: "packages.unknown (nanoguard.yaml:12:3)",
          subject: "pkg:npm/left-pad@1.3.0",
          reason: "A fact that the policy needs is missing.",
          evidence: [{ kind: "missing", fact: "published", reason: "offline" }],
        },
        { line: 90, paths: [] },
      ),
      sampleRow(
        {
          effect: "ask",
          code: "evidence.missing",
          rule: "packages.unknown (nanoguard.yaml:12:3)",
          subject: "pkg:npm/right-pad@1.0.1",
          reason: "A fact that the policy needs is missing.",
          evidence: [{ kind: "missing", fact: "published", reason: "offline" }],
        },
        { line: 120, paths: [] },
      ),
      sampleRow(
        {
          code: "release.deprecated",
          rule: "packages.deny.deprecated (nanoguard.yaml:7:5)",
          subject: "pkg:npm/request@2.88.2",
          reason: "Its maintainers deprecated this version.",
          evidence: [],
          mode: "observe",
        },
        { line: 3000, paths: [["acme-app", "request@2.88.2"]], morePaths: 0 },
      ),
    ],
    missing: [
      {
        fact: "published",
        reason: "offline",
        packages: 412,
        examples: ["pkg:npm/left-pad@1.3.0", "pkg:npm/right-pad@1.0.1"],
      },
      { fact: "license", reason: "unreachable", packages: 1, examples: ["pkg:npm/left-pad@1.3.0"] },
    ],
    exceptions: [
      exception("used", "pkg:npm/esbuild", 1),
      exception("unused", "pkg:npm/sharp", 0),
      exception("expired", "pkg:npm/canvas", 0),
    ],
    components: [
      component("pkg:npm/minimist@1.2.5", "MIT", [
        "sha512-FM9nNUYrRBAELZQT3xeZQ7fmMOBg6nWNmJKTcgsJeaLstP/UODVpGsr5OhXhhXg6f+qtJ8uiZ+PUxkDWcgIXLw==",
      ]),
      component("pkg:npm/event-stream@3.3.6", "", []),
      component("pkg:pypi/pymupdf@1.24.0", "AGPL-3.0-only OR LicenseRef-Artifex", ["sha256-3f1c"]),
      component("pkg:npm/%40acme/native@2.0.0", undefined, []),
      component("pkg:npm/esbuild@0.25.1", "see LICENSE", []),
    ],
  }
}

function exception(
  state: "used" | "unused" | "expired",
  subject: string,
  count: number,
): VetReport["exceptions"][number] {
  const expires = state === "expired" ? "2026-01-31" : "2027-01-31"
  const rule = "packages.exceptions[0] (nanoguard.yaml:20:5)"
  return { rule, subject, of: "script.unapproved", owner: "ana@acme.example", expires, state, count }
}

function component(purl: string, license: string | undefined, integrity: string[]): VetReport["components"][number] {
  const match = /^pkg:([^/]+)\/(.+)@([^@]+)$/.exec(purl)!
  const base = { purl, name: decodeURIComponent(match[2]!), version: match[3]!, ecosystem: match[1]! }
  return { ...base, ...(license !== undefined && { license }), integrity, dev: false, optional: false }
}

/** A report in which every string that could come from outside holds `text`. */
export function poisonedReport(text: string): VetReport {
  const report = sampleReport()
  const purl = `pkg:npm/${text}@1.0.0`
  for (const file of report.files) {
    file.path = text
    file.warnings = [text]
  }
  for (const row of report.rows) {
    row.file = text
    row.paths = [[text, text]]
    row.dependency.purl = purl
    row.dependency.name = text
    row.dependency.version = text
    row.dependency.alias = text
    const { verdict } = row
    verdict.subject = purl
    verdict.rule = text
    if (verdict.code !== "evidence.missing") verdict.reason = text
    verdict.evidence = [{ kind: text, id: text, list: [text, text], [text]: text }]
    verdict.correction = { action: "upgrade", target: text, command: text }
    verdict.also = [{ code: text, effect: "deny", rule: text }]
  }
  report.rows.push(sampleRow({ code: text, subject: purl, rule: text, reason: text }, { file: text }))
  report.policy.path = text
  report.changedSince = text
  report.advisories.asOf = text
  report.advisories.ecosystems = [text]
  for (const missing of report.missing) missing.examples = [text, text]
  for (const exception of report.exceptions)
    Object.assign(exception, { rule: text, subject: text, of: text, owner: text, expires: text })
  for (const item of report.components)
    Object.assign(item, { purl, name: text, version: text, ecosystem: text, license: text, integrity: [text] })
  return report
}
