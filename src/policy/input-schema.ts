// Actions and facts as files hold them: policy tests and `policy explain <action.json>`.
import * as z from "zod/mini"
import { FACT_NAMES, MISSING_REASONS } from "./evidence-names.ts"
import { SEVERITIES } from "./severities.ts"
import type { DecisionEvidence } from "./types.ts"

const text = z.string().check(z.maxLength(4096))
const reason = z.enum(MISSING_REASONS as ["offline", ...string[]])
const provenance = z.enum(["none", "signed", "attested", "verified"])
const date = z.union([
  z.number(),
  z.string().check(z.regex(/^\d{4}-\d{2}-\d{2}(T[\d:.]+Z)?$/, "wants a date such as 2026-11-21")),
])

const source = z.discriminatedUnion("kind", [
  z.strictObject({ kind: z.literal("registry"), origin: text }),
  z.strictObject({ kind: z.literal("git"), url: text }),
  z.strictObject({ kind: z.literal("url"), url: text }),
  z.strictObject({ kind: z.literal("file"), path: text }),
  z.strictObject({ kind: z.literal("workspace"), path: text }),
])

export const actionSchema = z.discriminatedUnion("kind", [
  z.strictObject({ kind: z.literal("package"), purl: text, ecosystem: text, name: text, version: text, source }),
  z.strictObject({
    kind: z.literal("network"),
    ...{ method: text, scheme: text, host: text, port: z.number(), path: text },
    operation: z.optional(text),
    access: z.optional(z.enum(["read", "write"])),
    fields: z.optional(z.record(text, z.json())),
    unread: z.optional(z.enum(["too-large", "encoded", "malformed", "ambiguous", "stream"])),
  }),
  z.strictObject({
    kind: z.literal("credential"),
    ...{ credential: text, method: text, host: text, port: z.optional(z.number()), path: text },
  }),
  z.strictObject({ kind: z.literal("mount"), path: text, write: z.boolean() }),
  z.strictObject({
    kind: z.literal("mcp"),
    server: text,
    tool: z.optional(text),
    arguments: z.optional(z.record(z.string(), z.unknown())),
  }),
  z.strictObject({ kind: z.literal("skill"), name: text, version: z.optional(text), source: z.optional(text) }),
])

const advisory = z.strictObject({
  id: text,
  aliases: z.optional(z.array(text)),
  kind: z.optional(z.enum(["vulnerability", "malware"])),
  severity: z.optional(z.enum(SEVERITIES)),
  cvss: z.optional(z.number()),
  fixed: z.optional(z.array(text)),
})

export const factsSchema = z.strictObject({
  absent: z.optional(reason),
  missing: z.optional(z.partialRecord(z.enum(FACT_NAMES as unknown as ["exists", ...string[]]), reason)),
  exists: z.optional(z.boolean()),
  published: z.optional(date),
  lastRelease: z.optional(date),
  license: z.optional(text),
  installScripts: z.optional(z.array(text)),
  deprecated: z.optional(z.boolean()),
  yanked: z.optional(z.boolean()),
  provenance: z.optional(provenance),
  provenanceBefore: z.optional(provenance),
  publisherChanged: z.optional(z.boolean()),
  integrity: z.optional(z.enum(["match", "mismatch", "present", "none"])),
  advisories: z.optional(z.array(advisory)),
  lookalike: z.optional(z.union([z.null(), z.strictObject({ of: text, how: text })])),
  score: z.optional(z.number()),
})

/** Rights that are narrower than the policy, as a file states them. */
export const scopeSchema = z.strictObject({
  rules: z.optional(z.array(text)),
  credentials: z.optional(z.array(text)),
  hosts: z.optional(z.array(text)),
  packages: z.optional(z.union([z.literal(false), z.array(text)])),
  budgets: z.optional(
    z.array(
      z.strictObject({
        unit: z.enum(["requests", "tokens", "bytes", "usd"]),
        limit: z.number(),
        window: z.enum(["minute", "hour", "day", "run"]),
        counter: text,
        run: z.optional(text),
      }),
    ),
  ),
})

/** Facts as people write them: dates instead of milliseconds, advisories without what is empty. */
export function toFacts(input: z.infer<typeof factsSchema>): NonNullable<DecisionEvidence["facts"]> {
  const { published, lastRelease, advisories, ...rest } = input
  const ms = (value: string | number) => (typeof value === "number" ? value : Date.parse(value))
  return {
    ...(rest as NonNullable<DecisionEvidence["facts"]>),
    ...(published !== undefined && { published: ms(published) }),
    ...(lastRelease !== undefined && { lastRelease: ms(lastRelease) }),
    ...(advisories && {
      advisories: advisories.map(
        (item) => ({ kind: "vulnerability" as const, aliases: [], fixed: [], ...item }) as never,
      ),
    }),
  }
}
