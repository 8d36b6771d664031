// The shape of nanoguard.yaml, version 1. Shape only: what needs more than one field is checked while compiling.
// zod/mini, because every start of nanoguard pays for it: bundled it costs a sixth of zod itself.
import * as z from "zod/mini"
import { EXCEPTABLE } from "./codes.ts"
import { DURATION } from "./duration.ts"

/** Objects of which exactly one of allow, ask and deny is required; for the JSON Schema. */
export const oneVerb = new Set<unknown>()

/** What editors show for each field; kept aside, because a description inside the schema copies it at every start. */
export const descriptions: (readonly [z.core.$ZodType, string])[] = []

const described = <T extends z.ZodMiniType>(schema: T, description: string): T => {
  descriptions.push([schema, description])
  return schema
}

/** Ids and reasons are shown to agents and approvers, so their alphabet is closed. */
const idPattern = /^[a-z0-9][a-z0-9_-]{0,63}$/
const proseSchema = z
  .string()
  .check(
    z.regex(/^[A-Za-z0-9][A-Za-z0-9 .,:;'()/@+%=_#-]{0,199}$/, "wants one line of plain text, at most 200 characters"),
  )
const nameSchema = z
  .string()
  .check(z.regex(/^[A-Za-z0-9][A-Za-z0-9._@/-]{0,127}$/, "wants a name of letters, digits and . _ @ / -"))
const text = (limit: number) => z.string().check(z.minLength(1), z.maxLength(limit))

const effectSchema = z.enum(["allow", "ask", "deny"])
const yes = z.literal(true)
const duration = z.string().check(z.regex(DURATION, "wants a duration such as 12h, 3d, 4w or 2y"))
const severity = z.enum(["low", "medium", "high", "critical"])
const httpUrl = z
  .string()
  .check(
    z.maxLength(2048),
    z.regex(/^https?:\/\/[^\s@?#]+$/, "wants an http(s) address without credentials, query or fragment"),
  )
const optional = <T extends z.ZodMiniType>(schema: T, description: string) => described(z.optional(schema), description)

const conditions = z.strictObject({
  malware: optional(yes, "Versions reported as malware. Also a floor: they are denied whatever the policy says."),
  severity: optional(severity, "A known vulnerability at least this severe applies."),
  cvss: optional(
    z.number().check(z.minimum(0), z.maximum(10)),
    "A known vulnerability with at least this CVSS base score applies.",
  ),
  age: optional(duration, "Published less than this ago."),
  unmaintained: optional(duration, "No release of the package for longer than this."),
  deprecated: optional(yes, "Marked as deprecated by its publisher."),
  yanked: optional(yes, "Withdrawn by its publisher."),
  licenses: optional(
    z.array(text(120)).check(z.minLength(1)),
    "SPDX ids; `unknown` stands for no readable licence. Matches where no choice of the licence expression avoids all of them.",
  ),
  "licenses-except": optional(
    z.array(text(120)).check(z.minLength(1)),
    "SPDX ids. Matches where no choice of the licence expression stays within them.",
  ),
  "install-scripts": optional(yes, "An install would run scripts of the package."),
  sources: optional(
    z.array(z.enum(["git", "url", "file", "other-registry"])).check(z.minLength(1)),
    "Where packages may not come from; `other-registry` is one that is neither the default nor listed under `registries`.",
  ),
  integrity: optional(z.literal("missing"), "The lockfile holds no hash."),
  provenance: optional(
    z.enum(["required", "no-downgrade"]),
    "`required`: no build attestation. `no-downgrade`: weaker provenance than an earlier version.",
  ),
  "publisher-changed": optional(yes, "Nobody who published an earlier version published this one."),
  lookalikes: optional(yes, "The name may be mistaken for a well-known one."),
  nonexistent: optional(yes, "The registry has no such name or version."),
  score: optional(z.number().check(z.minimum(0), z.maximum(100)), "Trust score below this."),
})

const FACTS = [
  "exists",
  "published",
  "lastRelease",
  "license",
  "installScripts",
  "deprecated",
  "yanked",
  "provenance",
  "provenanceBefore",
  "publisherChanged",
  "integrity",
  "advisories",
  "lookalike",
  "score",
] as const
const REASONS = ["offline", "unreachable", "unsupported", "unstated", "invalid", "not-collected"] as const
const effectMap = (keys: readonly string[]) =>
  z.strictObject(Object.fromEntries(keys.map((key) => [key, z.optional(effectSchema)])))

const examples = z.strictObject({
  match: z.optional(z.array(text(2048))),
  noMatch: z.optional(z.array(text(2048))),
})

/** What every rule of a list may say, with the verbs; `subject` is what their value names. */
const ruleFields = (subject: string) => ({
  id: described(
    z.string().check(z.regex(idPattern, "wants lower-case letters, digits, - and _, at most 64")),
    "Name of the rule in verdicts, logs and approvals; unique in the policy.",
  ),
  allow: optional(text(512), `Let pass: ${subject}.`),
  ask: optional(text(512), `Let pass once a person agrees: ${subject}.`),
  deny: optional(text(512), `Refuse: ${subject}.`),
  mode: optional(z.literal("observe"), "Only report what this rule would have stopped."),
  reason: optional(proseSchema, "Why, shown to whoever is refused or asked."),
  instead: optional(proseSchema, "What to use instead; a purl for packages."),
  approvers: optional(nameSchema, "Name of the approvers who may agree."),
  examples: optional(examples, "Actions that the rule must and must not match; checked at every load."),
})
const rule = <T extends z.core.$ZodLooseShape>(subject: string, fields: T) => {
  const schema = z.strictObject({ ...ruleFields(subject), ...fields })
  oneVerb.add(schema)
  return schema
}

const methods = optional(
  z.array(z.string().check(z.regex(/^[A-Z]{1,20}$/, "wants an upper-case method"))).check(z.minLength(1)),
  "HTTP methods; all where absent.",
)
const paths = optional(z.array(text(512)).check(z.minLength(1)), "Path patterns: * is within a segment, ** any depth.")
const version = optional(text(200), "Version range: semver's syntax, PEP 440 for pkg:pypi.")

const packageRule = rule("a purl without version, * at its end for any ending", { versions: version })
const networkRule = rule("a host, *.example.com (one label) or **.example.com (any depth)", {
  methods,
  paths,
  ports: optional(
    z.array(z.int().check(z.minimum(1), z.maximum(65535))).check(z.minLength(1)),
    "Ports. Where absent: 443 for allow, every port for ask and deny.",
  ),
  credential: optional(nameSchema, "Credential that the gate puts into the request."),
  budget: optional(
    z.partialRecord(
      z.enum(["requests", "tokens", "bytes", "usd"]),
      z
        .string()
        .check(
          z.regex(/^\d{1,12}(\.\d{1,4})?[kMG]?\/(minute|hour|day|run)$/, "wants an amount such as 500/hour or 2M/day"),
        ),
    ),
    "Limits by unit, such as tokens: 2M/day.",
  ),
})
const credentialRule = rule("the name of a credential", {
  hosts: optional(z.array(text(255)).check(z.minLength(1)), "Host patterns it may be sent to."),
  methods,
  paths,
})
const mountRule = rule("an absolute path pattern of the host", {
  write: optional(z.boolean(), "allow: true covers writing too. ask, deny: true covers only writing."),
})

const scalar = z.union([text(1024), z.number(), z.boolean()])
const clauseFields = {
  equals: z.optional(scalar),
  in: z.optional(z.array(scalar).check(z.minLength(1))),
  prefix: z.optional(text(1024)),
  suffix: z.optional(text(1024)),
  contains: z.optional(text(1024)),
  matches: z.optional(text(512)),
  min: z.optional(z.number()),
  max: z.optional(z.number()),
  present: z.optional(z.boolean()),
}
const clause = z.strictObject({ ...clauseFields, not: z.optional(z.strictObject(clauseFields)) })
const mcpRule = rule("a server, server/tool, server/* (every tool) or **", {
  arguments: optional(z.record(text(128), clause), "Conditions on arguments by dotted name; all must hold."),
})
const skillRule = rule("the name of a skill, * at its end for any ending", {
  versions: version,
  sources: optional(z.array(text(512)).check(z.minLength(1)), "Beginnings of acceptable sources."),
})

const exception = z.strictObject({
  allow: described(text(512), "purl without version, * at its end for any ending."),
  versions: version,
  of: described(z.enum(EXCEPTABLE as [string, ...string[]]), "The one code that it lifts."),
  advisories: optional(
    z.array(z.string().check(z.regex(/^[A-Za-z0-9._:-]{1,80}$/, "wants advisory ids"))).check(z.minLength(1)),
    "Lift only these advisories, by id or alias.",
  ),
  owner: described(
    z.string().check(z.regex(/^[A-Za-z0-9][A-Za-z0-9._@+ -]{0,99}$/, "wants a name or an address")),
    "Who answers for it.",
  ),
  reason: described(proseSchema, "Why it is acceptable."),
  expires: described(
    z.string().check(z.regex(/^\d{4}-\d{2}-\d{2}$/, "wants a date such as 2027-01-31")),
    "Last day on which it holds (UTC).",
  ),
})

const packages = z.strictObject({
  deny: optional(conditions, "Each key is one rule that denies."),
  ask: optional(conditions, "Each key is one rule that wants a person."),
  unknown: optional(
    z.union([effectSchema, effectMap(["default", ...REASONS, ...FACTS])]),
    "Effect of evidence that a rule needs and that is missing.",
  ),
  "unknown-severity": optional(severity, "What an advisory without a severity counts as; high where absent."),
  registries: optional(
    z.array(
      z.strictObject({
        scope: optional(
          text(256),
          'Packages of this scope come from `upstream` or not at all: "@acme/*" or a purl ending in *.',
        ),
        upstream: described(httpUrl, "Base address of the registry."),
      }),
    ),
    "Registries besides each ecosystem's default.",
  ),
  rules: optional(z.array(packageRule), "Rules on packages by name and version."),
  exceptions: optional(z.array(exception), "What is let through although a rule matches, until a day."),
})

const approvers = z.strictObject({
  people: described(
    z
      .array(z.string().check(z.regex(/^[A-Za-z0-9][A-Za-z0-9._@+-]{0,99}$/, "wants a name or an address")))
      .check(z.minLength(1)),
    "Who may agree.",
  ),
  quorum: optional(z.int().check(z.minimum(1)), "How many of them must agree; 1 where absent."),
  expire: optional(duration, "How long an answer is waited for; 15m where absent."),
})

const sandbox = z.strictObject({
  engine: optional(z.enum(["auto", "docker", "podman", "container", "bubblewrap"]), "What runs the box."),
  memory: optional(
    z.string().check(z.regex(/^[1-9]\d{0,5}[mg]$/, "wants an amount such as 512m or 4g")),
    "Memory limit.",
  ),
  cpus: optional(z.number().check(z.positive(), z.maximum(1024)), "Processor limit."),
  image: optional(text(512), "Container image."),
  workspace: optional(z.enum(["direct", "copy", "none"]), "How the working directory enters the box."),
  mounts: optional(
    z.array(
      z.strictObject({
        path: described(text(1024), "Path on the host."),
        target: optional(text(1024), "Path in the box."),
        write: optional(z.boolean(), "Writable."),
      }),
    ),
    "Further mounts; each is decided by `mounts`.",
  ),
})

/** The whole file. */
export const policySchema = z.strictObject({
  version: described(z.literal(1), "Version of the policy language."),
  mode: optional(z.enum(["enforce", "observe"]), "observe reports what enforce would stop, except for the floor."),
  default: optional(
    z.union([effectSchema, effectMap(["packages", "mounts", "mcp", "skills"])]),
    "Effect where no rule matches; the network and credentials are always deny.",
  ),
  packages: optional(packages, "Packages: conditions on evidence, rules by name, exceptions."),
  network: optional(z.array(networkRule), "Requests that leave the box; what no rule allows is denied."),
  credentials: optional(z.array(credentialRule), "Which credential may go where; what no rule allows is denied."),
  mounts: optional(z.array(mountRule), "Paths of the host that enter the box."),
  mcp: optional(z.array(mcpRule), "MCP servers and their tools."),
  skills: optional(z.array(skillRule), "Skills."),
  approvers: optional(
    z.record(z.string().check(z.regex(idPattern, "wants lower-case letters, digits, - and _")), approvers),
    "Who may agree to what is asked.",
  ),
  sandbox: optional(sandbox, "How an agent's box is built."),
})

export type PolicyDocument = z.infer<typeof policySchema>
export type Conditions = z.infer<typeof conditions>
export type ListRule = z.infer<typeof packageRule>
