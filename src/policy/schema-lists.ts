// The lists of rules on requests, credentials, mounts, MCP servers and skills.
import * as z from "zod/mini"
import { name, optional, patterned, rule, text, texts, yes } from "./schema-parts.ts"
import { SERVICES } from "./service-names.ts"

const methods = () =>
  optional(
    z.array(z.string().check(z.regex(/^[A-Z]{1,20}$/, "wants an upper-case method"))).check(z.minLength(1)),
    "HTTP methods; all where absent.",
  )
const paths = () => optional(texts(512), "Path patterns: * is within a segment, ** any depth.")

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

const ports = (absent: string) =>
  optional(
    z.array(z.int().check(z.minimum(1), z.maximum(65535))).check(z.minLength(1)),
    `Ports. Where absent: ${absent}`,
  )

export const networkRule = () =>
  rule("a host, *.example.com (one label) or **.example.com (any depth)", {
    methods: methods(),
    paths: paths(),
    ports: ports("443 for allow, every port for ask and deny."),
    service: optional(z.enum(SERVICES), "The service that a host of your own is: what operations of it are called."),
    operations: optional(
      z
        .array(
          patterned(
            /^[a-z]{2,20}:[A-Za-z0-9*][A-Za-z0-9._:/*-]{0,127}$/,
            "an operation such as github:pulls.merge or git:*",
          ),
        )
        .check(z.minLength(1)),
      "What a known service calls the request; * is any characters.",
    ),
    access: optional(z.enum(["read", "write"]), "Only what reads, or only what changes something."),
    where: optional(
      z.record(text(256), clause()),
      "Conditions by selector: query.NAME, header.name, json:/pointer, form.NAME, graphql.type, graphql.name, graphql.fields, mcp.method, mcp.tool; all must hold.",
    ),
    inspect: optional(
      z.literal(false),
      "Do not look inside: the bytes pass as they are. Only with ports and addresses.",
    ),
    raw: optional(
      yes(),
      "Raw TCP that need not be TLS: nothing is looked at, only counted. For one host by name, with ports named.",
    ),
    http2: optional(yes(), "Speak HTTP/2 with this host where both sides can."),
    addresses: optional(
      texts(64),
      "Private addresses and CIDR ranges that the host may resolve to; never link-local and metadata addresses.",
    ),
    bind: optional(
      z.array(patterned(/^[a-z0-9!#$%&'*+.^_`|~-]{1,64}$/, "a header's name in lower case")).check(z.minLength(1)),
      "Headers that are part of what a person approves.",
    ),
    placeholders: optional(
      z.enum(["inert", "redact", "refuse"]),
      "What becomes of placeholders elsewhere than in their slot. Where absent: inert for a model's host, refuse for others.",
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
    ports: ports("every port."),
  })
export const mountRule = () =>
  rule("an absolute path pattern of the host", {
    write: optional(z.boolean(), "allow: true covers writing too. ask, deny: true covers only writing."),
  })

export const mcpRule = () =>
  rule("a server, server/tool, server/* (every tool) or **", {
    arguments: optional(z.record(text(128), clause()), "Conditions on arguments by dotted name; all must hold."),
  })
export const skillRule = () =>
  rule("the name of a skill, * at its end for any ending", {
    versions: optional(text(200), "Version range in semver's syntax."),
    sources: optional(texts(512), "Beginnings of acceptable sources."),
  })
