import type { Plan, Presentation } from "../../../src/gateway/types.ts"
import type { Verdict } from "../../../src/policy/types.ts"

const verdict: Verdict = {
  effect: "deny",
  code: "malware.known",
  rule: "packages.deny.malware (nanoguard.yaml:1:1)",
  subject: "pkg:cargo/left@1.0.0",
  reason: "It is malware.",
  evidence: [],
  mode: "enforce",
  policyHash: "00",
}

/** A plan that holds back the given versions. */
export function planWith(
  held: Record<string, Exclude<Presentation, "served">>,
  base = "http://127.0.0.1:1/cargo",
): Plan {
  return {
    base,
    client: "cargo",
    withheld: new Map(Object.entries(held).map(([version, presentation]) => [version, { presentation, verdict }])),
    replacement: undefined,
    blockedPath: (name, version, file) =>
      `/-/blocked/malware.known/use-1.1.0/${name}/${encodeURIComponent(version)}/${file}`,
  }
}
