// Packuments and plans for the tests of npm's protocol.
import { presentVersions } from "../../../../src/gateway/present.ts"
import { npmProtocol } from "../../../../src/gateway/protocols/npm/index.ts"
import type { Packument } from "../../../../src/gateway/protocols/npm/packument.ts"
import { blockedPath } from "../../../../src/gateway/refusal.ts"
import type { Client, Plan } from "../../../../src/gateway/types.ts"
import type { Verdict } from "../../../../src/policy/types.ts"

export const BASE = "http://127.0.0.1:4873/npm"
export const UPSTREAM = "https://registry.example/foo"

/** A manifest as registries state it; `fields` replace or add members. */
export function manifestOf(name: string, version: string, fields: Record<string, unknown> = {}) {
  const file = `${name.replace(/^.*\//, "")}-${version}.tgz`
  return {
    name,
    version,
    description: "says what it is",
    main: "index.js",
    license: "MIT",
    scripts: { test: "node --test" },
    dependencies: { "left-pad": "^1.0.0" },
    _npmUser: { name: "ana", email: "ana@registry.example" },
    ...fields,
    dist: {
      shasum: "a".repeat(40),
      integrity: `sha512-${Buffer.alloc(64, version).toString("base64")}`,
      tarball: `https://registry.example/${name}/-/${file}`,
      fileCount: 3,
      signatures: [{ keyid: "SHA256:key", sig: "c2ln" }],
      ...(fields["dist"] as object | undefined),
    },
  }
}

/** A full document with those versions; the last one is `latest`. */
export function packumentOf(name: string, versions: readonly string[], fields: Record<string, unknown> = {}) {
  const time = Object.fromEntries(
    versions.map((version, index) => [version, `2026-01-${10 + (index % 20)}T00:00:00.000Z`]),
  )
  return {
    _id: name,
    _rev: "3-abc",
    name,
    "dist-tags": { latest: versions.at(-1) },
    versions: Object.fromEntries(versions.map((version) => [version, manifestOf(name, version)])),
    time: { created: "2026-01-01T00:00:00.000Z", modified: "2026-02-01T00:00:00.000Z", ...time },
    maintainers: [{ name: "ana", email: "ana@registry.example" }],
    readme: "# read me",
    ...fields,
  }
}

export const parse = (document: unknown, name = "foo"): Packument =>
  npmProtocol.parse(Buffer.from(typeof document === "string" ? document : JSON.stringify(document)), name, UPSTREAM)

export function verdictOf(name: string, version: string, fields: Partial<Verdict> = {}): Verdict {
  return {
    effect: "deny",
    code: "vulnerability.severity",
    rule: "packages.deny.severity (nanoguard.yaml:3:12)",
    subject: `pkg:npm/${name}@${version}`,
    reason: "It has a known vulnerability of severity critical.",
    evidence: [],
    mode: "enforce",
    policyHash: "sha256-x",
    ...fields,
  }
}

/** A plan as the core makes it, with `refused` versions presented for that client. */
export function planOf(
  document: Packument,
  client: Client,
  refused: readonly string[],
  fields: Partial<Verdict> = {},
): Plan {
  const verdicts = new Map(refused.map((version) => [version, verdictOf(document.name, version, fields)]))
  const versions = npmProtocol.versions(document)
  const presented = presentVersions({ ecosystem: "npm", client, versions, refused: verdicts, tags: document.tags })
  return {
    ...presented,
    base: BASE,
    client,
    blockedPath: (name, version, file) =>
      blockedPath(verdicts.get(version), presented.replacement, name, version, file),
  }
}

/** What a client reads: the document, and the headers beside it. */
export function rendered(document: Packument, plan: Plan, form = "full") {
  const { body, headers, contentType } = npmProtocol.render(
    document,
    { kind: "listing", name: document.name, form },
    plan,
  )
  return { document: JSON.parse(body.toString()), headers, contentType }
}
