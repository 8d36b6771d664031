// The lists of rules on requests, credentials, mounts, MCP servers and skills.
import * as z from "zod/mini"
import { name, optional, rule, text, texts } from "./schema-parts.ts"

const methods = () =>
  optional(
    z.array(z.string().check(z.regex(/^[A-Z]{1,20}$/, "wants an upper-case method"))).check(z.minLength(1)),
    "HTTP methods; all where absent.",
  )
const paths = () => optional(texts(512), "Path patterns: * is within a segment, ** any depth.")

export const networkRule = () =>
  rule("a host, *.example.com (one label) or **.example.com (any depth)", {
    methods: methods(),
    paths: paths(),
    ports: optional(
      z.array(z.int().check(z.minimum(1), z.maximum(65535))).check(z.minLength(1)),
      "Ports. Where absent: 443 for allow, every port for ask and deny.",
    ),
    credential: optional(name(), "Credential that the gate puts into the request."),
    budget: optional(
      z.partialRecord(
        z.enum(["requests", "tokens", "bytes", "usd"]),
        z
          .string()
          .check(
            z.regex(
              /^\d{1,12}(\.\d{1,4})?[kMG]?\/(minute|hour|day|run)$/,
              "wants an amount such as 500/hour or 2M/day",
            ),
          ),
      ),
      "Limits by unit, such as tokens: 2M/day.",
    ),
  })

export const credentialRule = () =>
  rule("the name of a credential", {
    hosts: optional(texts(255), "Host patterns it may be sent to."),
    methods: methods(),
    paths: paths(),
  })
export const mountRule = () =>
  rule("an absolute path pattern of the host", {
    write: optional(z.boolean(), "allow: true covers writing too. ask, deny: true covers only writing."),
  })

const scalar = () => z.union([text(1024), z.number(), z.boolean()])
const operators = () => ({
  equals: z.optional(scalar()),
  in: z.optional(z.array(scalar()).check(z.minLength(1))),
  prefix: z.optional(text(1024)),
  suffix: z.optional(text(1024)),
  contains: z.optional(text(1024)),
  matches: z.optional(text(512)),
  min: z.optional(z.number()),
  max: z.optional(z.number()),
  present: z.optional(z.boolean()),
})
const clause = () => z.strictObject({ ...operators(), not: z.optional(z.strictObject(operators())) })
export const mcpRule = () =>
  rule("a server, server/tool, server/* (every tool) or **", {
    arguments: optional(z.record(text(128), clause()), "Conditions on arguments by dotted name; all must hold."),
  })
export const skillRule = () =>
  rule("the name of a skill, * at its end for any ending", {
    versions: optional(text(200), "Version range in semver's syntax."),
    sources: optional(texts(512), "Beginnings of acceptable sources."),
  })
