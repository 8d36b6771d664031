// The events that the benchmarks of the record write: what a gate records of a package and of a request.
import type { NewEvent } from "../../src/audit/types.ts"

const POLICY = `sha256:${"0123456789abcdef".repeat(4)}`

/** The decision about a package, with all that it was made of: about 1,100 bytes in the log. */
export function decidedEvent(n: number): NewEvent {
  const name = `left-pad-${n % 500}`
  const version = `1.${n % 7}.${n % 11}`
  const purl = `pkg:npm/${name}@${version}`
  return {
    type: "package.decided",
    subject: purl,
    gateway: "gateway-1",
    agent: `agent-${n % 50}`,
    run: `run-${n % 200}`,
    boxed: true,
    operator: `person-${n % 20}@acme.example`,
    item: { kind: "package", name: `pkg:npm/${name}`, version, digest: `sha512-${"q0Zc".repeat(20)}` },
    outcome: "released",
    decision: {
      action: {
        kind: "package",
        purl,
        ecosystem: "npm",
        name,
        version,
        source: { kind: "registry", origin: "default" },
      },
      evidence: {
        now: 1_790_000_000_000 + n,
        facts: {
          exists: true,
          published: 1_700_000_000_000,
          license: "MIT",
          installScripts: [],
          deprecated: false,
          provenance: "none",
          integrity: "match",
          advisories: [],
        },
      },
      verdict: {
        effect: "allow",
        code: "default.allow",
        rule: "packages.default (nanoguard.yaml:4:12)",
        subject: purl,
        reason: "No rule speaks against it.",
        evidence: [],
        mode: "enforce",
        policyHash: POLICY,
      },
    },
  }
}

/** The decision about a request: about 780 bytes in the log, most of a gate's records. */
export function requestEvent(n: number): NewEvent {
  const path = `/v1/projects/${n % 900}/items`
  const subject = `GET https://api.acme.example${path}`
  return {
    type: "network.decided",
    subject,
    gateway: "gateway-1",
    agent: `agent-${n % 50}`,
    run: `run-${n % 200}`,
    boxed: true,
    operator: `person-${n % 20}@acme.example`,
    item: { kind: "host", name: "api.acme.example" },
    outcome: "released",
    decision: {
      action: { kind: "network", method: "GET", scheme: "https", host: "api.acme.example", port: 443, path },
      evidence: { now: 1_790_000_000_000 + n, addresses: ["203.0.113.7"] },
      verdict: {
        effect: "allow",
        code: "network.allowed",
        rule: "network.github-read (nanoguard.yaml:12:5)",
        subject,
        reason: "The rule allows this host.",
        evidence: [],
        mode: "enforce",
        policyHash: POLICY,
      },
    },
  }
}
