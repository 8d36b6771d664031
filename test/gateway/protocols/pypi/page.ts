// Pages and plans that the tests of the PyPI protocol share.
import { pypiProtocol } from "../../../../src/gateway/protocols/pypi/index.ts"
import type { Plan, Withheld } from "../../../../src/gateway/types.ts"
import type { Verdict } from "../../../../src/policy/types.ts"

export const SHA = "58cd2187c01e70e6e26505bca751777aa9f2ee0b7f4300988b709f44e013003e"
export const SRI = `sha256-${Buffer.from(SHA, "hex").toString("base64")}`
export const PAGE = "https://registry.example/simple/left-pad/"

/** A file as PyPI lists it. */
export function file(filename: string, more: object = {}): Record<string, unknown> {
  return {
    ...{ filename, url: `https://files.registry.example/packages/${filename}`, hashes: { sha256: SHA } },
    ...{ "requires-python": ">=3.8", size: 1234, "upload-time": "2023-05-22T15:12:42.313790Z", yanked: false },
    ...{ "core-metadata": { sha256: SHA }, "dist-info-metadata": { sha256: SHA }, provenance: null },
    ...more,
  }
}

export function parseJson(files: unknown, more: object = {}) {
  const page = { meta: { "api-version": "1.3" }, name: "left-pad", files, ...more }
  return pypiProtocol.parse(Buffer.from(JSON.stringify(page)), "left-pad", PAGE)
}

export function parseHtml(html: string, url = PAGE) {
  return pypiProtocol.parse(Buffer.from(html), "left-pad", url)
}

const VERDICT: Verdict = {
  ...{
    effect: "deny",
    code: "malware.known",
    rule: "floor",
    subject: "pkg:pypi/left-pad@2.0",
    reason: "It is malware.",
  },
  ...{ evidence: [], mode: "enforce", policyHash: "0".repeat(64) },
}

export function planOf(withheld: Record<string, Withheld["presentation"]> = {}, more: Partial<Plan> = {}): Plan {
  return {
    base: "http://127.0.0.1:4873/pypi",
    client: "pip",
    withheld: new Map(
      Object.entries(withheld).map(([version, presentation]) => [version, { presentation, verdict: VERDICT }]),
    ),
    replacement: "1.0",
    blockedPath: (name, version, file) =>
      `/-/blocked/malware.known/use-1.0/${name}/${encodeURIComponent(version)}/${encodeURIComponent(file)}`,
    ...more,
  }
}

export function render(project: ReturnType<typeof parseJson>, form: string, plan = planOf()): string {
  return String(pypiProtocol.render(project, { kind: "listing", name: "left-pad", form }, plan).body)
}
