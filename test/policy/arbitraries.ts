// Policies, actions and facts from a small world, so that rules and actions meet often.
import fc from "fast-check"
import type { Action, NetworkAction, PackageFacts } from "../../src/policy/types.ts"
import { DAY, NOW } from "./support.ts"

const verb = fc.constantFrom("allow", "ask", "deny")
const effect = fc.constantFrom("allow", "ask", "deny")
const names = fc.constantFrom("a", "b", "ab", "@s/a", "@s/b")
const some = <T>(value: fc.Arbitrary<T>) => fc.option(value, { nil: undefined })
const list = <T>(value: fc.Arbitrary<T>) => fc.uniqueArray(value, { minLength: 1, maxLength: 3 })

const conditions = fc.record(
  {
    malware: fc.constant(true),
    severity: fc.constantFrom("low", "medium", "high", "critical"),
    cvss: fc.constantFrom(3, 7, 9),
    age: fc.constantFrom("1d", "3d", "1w"),
    licenses: list(fc.constantFrom("MIT", "GPL-3.0-only", "unknown")),
    "install-scripts": fc.constant(true),
    integrity: fc.constant("missing"),
    provenance: fc.constantFrom("required", "no-downgrade"),
    score: fc.constantFrom(20, 60),
    deprecated: fc.constant(true),
    sources: list(fc.constantFrom("git", "url", "file", "other-registry")),
  },
  { requiredKeys: [] },
)

const codes = fc.constantFrom(
  "package.denied",
  "package.approval",
  "vulnerability.severity",
  "vulnerability.cvss",
  "release.too-new",
  "license.denied",
  "license.unknown",
  "script.unapproved",
  "integrity.missing",
  "evidence.missing",
  "trust.score",
  "source.unverified",
)

type Rule = Record<string, unknown> & { id: string }
const named = (subject: fc.Arbitrary<string>, extra: Record<string, fc.Arbitrary<unknown>>): fc.Arbitrary<Rule> =>
  fc
    .record({ verb, subject, extra: fc.record(extra, { requiredKeys: [] }), observe: fc.boolean() })
    .map(({ verb: key, subject: value, extra: more, observe }) => ({
      id: "",
      [key]: value,
      ...more,
      ...(observe && key !== "allow" && { mode: "observe" }),
    }))

const packageRule = named(fc.constantFrom("pkg:npm/a", "pkg:npm/b", "pkg:npm/a*", "pkg:npm/@s/*", "pkg:npm/*"), {
  versions: fc.constantFrom(">=1 <2", "<1.5", "*", "2.x"),
})
const networkRule = named(fc.constantFrom("x.example", "*.example", "**.example", "**", "a.x.example"), {
  methods: list(fc.constantFrom("GET", "POST")),
  paths: list(fc.constantFrom("/**", "/a/*", "/a/b")),
  ports: list(fc.constantFrom(443, 8443)),
  access: fc.constantFrom("read", "write"),
  operations: list(fc.constantFrom("git:push", "git:*", "github:pulls.merge", "github:pulls.*")),
  where: fc.dictionary(
    fc.constantFrom("query.q", "header.x-a", "json:/n", "form.f"),
    fc.constantFrom<unknown>(
      { equals: "a" },
      { equals: 5 },
      { in: ["a", 5] },
      { max: 5 },
      { min: 5, not: { equals: 7 } },
      { present: false },
      { prefix: "a", not: { suffix: "b" } },
    ),
    { minKeys: 1, maxKeys: 2 },
  ),
})
const mcpRule = named(fc.constantFrom("s", "s/t", "s/*", "**", "*/t"), {
  arguments: fc.constant({ k: { equals: "v" } }),
})
const exception = fc.record({
  allow: fc.constantFrom("pkg:npm/a", "pkg:npm/*", "pkg:npm/@s/*"),
  of: codes,
  owner: fc.constant("ana"),
  reason: fc.constant("because"),
  expires: fc.constantFrom("2026-11-20", "2026-11-21", "2027-01-01"),
})

export interface PolicyData {
  version: 1
  mode?: string | undefined
  default?: unknown
  packages: Record<string, unknown> & { rules: Rule[]; exceptions: unknown[] }
  network: Rule[]
  mcp: Rule[]
}

/** A policy as data; ids are given afterwards, with a prefix that keeps layers apart. */
export function policyData(prefix: string): fc.Arbitrary<PolicyData> {
  return fc
    .record({
      mode: some(fc.constantFrom("enforce", "observe")),
      default: some(fc.oneof(effect, fc.record({ packages: effect, mcp: effect }, { requiredKeys: [] }))),
      deny: some(conditions),
      ask: some(conditions),
      unknown: some(
        fc.oneof(effect, fc.record({ default: effect, offline: effect, advisories: effect }, { requiredKeys: [] })),
      ),
      "unknown-severity": some(fc.constantFrom("low", "medium", "high", "critical")),
      rules: fc.array(packageRule, { maxLength: 4 }),
      exceptions: fc.array(exception, { maxLength: 3 }),
      network: fc.array(networkRule, { maxLength: 5 }),
      mcp: fc.array(mcpRule, { maxLength: 4 }),
    })
    .map(({ mode, default: fallback, network, mcp, ...packages }) => {
      let next = 0
      const withIds = (rules: Rule[]) => rules.map((rule) => ({ ...rule, id: `${prefix}${next++}` }))
      return clean({
        version: 1 as const,
        mode,
        default: fallback,
        packages: { ...packages, rules: withIds(packages.rules) },
        network: withIds(network),
        mcp: withIds(mcp),
      })
    })
}

function clean<T>(value: T): T {
  return JSON.parse(JSON.stringify(value)) as T
}

const source = fc.constantFrom<
  { kind: "registry"; origin: string } | { kind: "git"; url: string } | { kind: "workspace"; path: string }
>(
  { kind: "registry", origin: "default" },
  { kind: "registry", origin: "https://other.example" },
  { kind: "git", url: "https://git.example/a" },
  { kind: "workspace", path: "a" },
)
const version = fc.constantFrom("1.0.0", "1.4.0", "1.5.0-rc.1", "2.0.0", "", "junk")

const scalars = fc.constantFrom("a", "ab", "5", "7", "5e0", " 5", "", 5, 7, true, null)

/** Requests with and without what rules look at. */
export const requests: fc.Arbitrary<NetworkAction> = fc
  .record({
    kind: fc.constant("network" as const),
    method: fc.constantFrom("GET", "POST"),
    scheme: fc.constant("https"),
    host: fc.constantFrom("x.example", "y.example", "a.x.example", "10.0.0.1", "8.8.8.8", "localhost"),
    port: fc.constantFrom(443, 8443),
    path: fc.constantFrom("/", "/a/b", "/a/b/c", "/a/../b"),
    operation: some(fc.constantFrom("git:push", "git:fetch", "github:pulls.merge")),
    access: some(fc.constantFrom("read" as const, "write" as const)),
    fields: some(
      fc.dictionary(
        fc.constantFrom("query.q", "header.x-a", "json:/n", "form.f"),
        fc.oneof(scalars, fc.array(fc.oneof(scalars, fc.array(scalars, { maxLength: 2 })), { maxLength: 2 })),
      ),
    ),
    unread: fc.option(fc.constantFrom("too-large" as const, "ambiguous" as const, "stream" as const), {
      nil: undefined,
      freq: 4,
    }),
  })
  .map(({ operation, access, fields, unread, ...rest }) => ({
    ...rest,
    ...(operation && { operation }),
    ...(access && { access }),
    ...(fields && { fields }),
    ...(unread && { unread }),
  }))

export const actions: fc.Arbitrary<Action> = fc.oneof(
  fc.record({ name: names, version, source }).map(
    ({ name, version: at, source: from }): Action => ({
      kind: "package",
      purl: `pkg:npm/${name}@${at}`,
      ecosystem: "npm",
      name,
      version: at,
      source: from,
    }),
  ),
  requests,
  fc
    .record({
      server: fc.constantFrom("s", "u"),
      tool: some(fc.constantFrom("t", "w")),
      key: some(fc.constantFrom("v", "x")),
    })
    .map(
      ({ server, tool, key }): Action => ({
        kind: "mcp",
        server,
        ...(tool && { tool }),
        ...(key && { arguments: { k: key } }),
      }),
    ),
)

const advisory = fc.record({
  id: fc.constantFrom("GHSA-1", "GHSA-2"),
  aliases: fc.constant([]),
  kind: fc.constantFrom("vulnerability" as const, "vulnerability" as const, "malware" as const),
  severity: fc.constantFrom("low" as const, "medium" as const, "high" as const, "critical" as const),
  cvss: fc.constantFrom(2, 7, 9.5),
  fixed: fc.constant([]),
})

export const facts: fc.Arbitrary<PackageFacts> = fc.record(
  {
    absent: fc.constantFrom("offline" as const, "unreachable" as const),
    exists: fc.boolean(),
    published: fc.constantFrom(NOW, NOW - 2 * DAY, NOW - 90 * DAY),
    license: fc.constantFrom("MIT", "GPL-3.0-only", "MIT OR GPL-3.0-only", "", "junk license"),
    installScripts: fc.constantFrom([], ["install"]),
    deprecated: fc.boolean(),
    provenance: fc.constantFrom("none" as const, "signed" as const, "attested" as const),
    provenanceBefore: fc.constantFrom("none" as const, "attested" as const),
    integrity: fc.constantFrom("match" as const, "none" as const, "mismatch" as const),
    advisories: fc.array(advisory, { maxLength: 2 }),
    score: fc.constantFrom(10, 50, 90),
  },
  { requiredKeys: [] },
)
