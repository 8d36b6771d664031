// The shape of nanoguard.yaml, version 1. Shape only: what needs more than one field is checked while compiling.
// It is built when a policy has an error to explain (see shape.ts), and for the JSON Schema.
import * as z from "zod/mini"
import { ENGINES, WORKSPACE_MODES } from "./sandbox-names.ts"
import { credentialRule, mcpRule, mountRule, networkRule, skillRule } from "./schema-lists.ts"
import { type conditionsSchema, packagesSchema } from "./schema-packages.ts"
import { described, duration, effect, effects, id, optional, patterned, text, texts } from "./schema-parts.ts"

const time = () => patterned(/^(?:[01]\d|2[0-3]):[0-5]\d$/, "a time of day such as 22:00")

const approvers = () =>
  z.strictObject({
    people: described(
      z
        .array(z.string().check(z.regex(/^[A-Za-z0-9][A-Za-z0-9._@+-]{0,99}$/, "wants a name or an address")))
        .check(z.minLength(1)),
      "Who may agree.",
    ),
    quorum: optional(z.int().check(z.minimum(1)), "How many of them must agree; 1 where absent."),
    expire: optional(duration(), "How long an answer is waited for; 15m where absent."),
    quiet: optional(
      z.strictObject({
        from: described(time(), "First minute of it: 22:00."),
        to: described(time(), "First minute after it: 07:00."),
        zone: described(text(64), "Time zone by its IANA name: UTC, Europe/Berlin."),
      }),
      "Nobody is asked in these hours: what asks is refused at once.",
    ),
    operator: optional(z.literal(false), "The operator of an agent may not decide what that agent asks."),
  })

const riskLevel = () =>
  z.strictObject({
    quorum: optional(z.int().check(z.minimum(1)), "How many different people must agree at least."),
    groups: optional(
      z.array(id()).check(z.minLength(1)),
      "Approvers whose people decide: where a rule names nobody, these; else those of them whom the rule names, too.",
    ),
    expire: optional(duration(), "Longest that an answer is waited for."),
    alike: optional(
      z.boolean(),
      "Whether people may agree to more than the one request; false at critical, else true.",
    ),
    quiet: optional(z.boolean(), "Whether quiet hours hold for it; true where absent."),
    operator: optional(z.boolean(), "Whether the operator of an agent may decide what it asks; true where absent."),
  })

const approvals = () =>
  z.strictObject({
    risk: optional(
      z.strictObject({
        low: z.optional(riskLevel()),
        medium: z.optional(riskLevel()),
        high: z.optional(riskLevel()),
        critical: z.optional(riskLevel()),
      }),
      "What each level demands, beside what the approvers of a rule say; of both, the stricter counts.",
    ),
  })

const amount = () => z.string().check(z.regex(/^[1-9]\d{0,5}[mg]$/, "wants an amount such as 512m or 4g"))

const messenger = () => patterned(/^(?:\*|[A-Za-z0-9][A-Za-z0-9_-]{0,31})$/, "the name of an agent, or *")

const sandbox = () =>
  z.strictObject({
    engine: optional(z.enum(["auto", ...ENGINES]), "What runs the box."),
    runtime: optional(
      patterned(/^[a-z0-9][a-z0-9._-]{0,63}$/, "the name of a runtime such as runsc"),
      "OCI runtime that the engine is to use: runsc, kata; its default where absent.",
    ),
    image: optional(text(512), "Container image, by digest where it is to stay the same: name@sha256:..."),
    memory: optional(amount(), "Memory limit; 4g where absent."),
    cpus: optional(z.number().check(z.positive(), z.maximum(1024)), "Processor limit; all where absent."),
    pids: optional(z.int().check(z.minimum(16), z.maximum(65536)), "Processes and threads; 512 where absent."),
    disk: optional(amount(), "Home and temporary files of the box, each; 2g where absent."),
    "file-size": optional(
      amount(),
      "Largest file that a process of the box writes, also in the workspace; 16g where absent.",
    ),
    timeout: optional(duration(), "How long a run may take at most."),
    workspace: optional(
      z.enum(WORKSPACE_MODES),
      "How the working directory enters the box; direct where absent. Changes of a copy or a worktree are reviewed before they are applied.",
    ),
    mask: optional(texts(512), "Further files of the workspace that the box does not see, as path patterns below it."),
    protect: optional(texts(512), "Further paths of the workspace that the box may read and not write."),
    mounts: optional(
      z.array(
        z.strictObject({
          path: described(text(1024), "Path on the host."),
          target: optional(text(1024), "Path in the box; the same where absent."),
          write: optional(z.boolean(), "Writable."),
        }),
      ),
      "Further mounts; each is decided by `mounts`.",
    ),
    messages: optional(
      z.array(z.strictObject({ from: messenger(), to: messenger() })).check(z.minLength(1)),
      "Agents of a swarm that may leave files for another; * is any.",
    ),
    env: optional(
      z.array(patterned(/^[A-Za-z_][A-Za-z0-9_]{0,127}$/, "the name of a variable")).check(z.minLength(1)),
      "Variables of the person's environment that enter the box; nothing else does.",
    ),
    "pause-when": optional(
      z.array(z.enum(["gate-gone", "log-failing", "approvers-gone"])).check(z.minLength(1)),
      "The box stands still while this is so; gate-gone where absent.",
    ),
  })

const build = () =>
  z.strictObject({
    version: described(z.literal(1), "Version of the policy language."),
    mode: optional(z.enum(["enforce", "observe"]), "observe reports what enforce would stop, except for the floor."),
    default: optional(
      z.union([effect(), effects(["packages", "mounts", "mcp", "skills"])]),
      "Effect where no rule matches; the network and credentials are always deny.",
    ),
    packages: optional(packagesSchema(), "Packages: conditions on evidence, rules by name, exceptions."),
    network: optional(z.array(networkRule()), "Requests that leave the box; what no rule allows is denied."),
    credentials: optional(z.array(credentialRule()), "Which credential may go where; what no rule allows is denied."),
    mounts: optional(z.array(mountRule()), "Paths of the host that enter the box."),
    mcp: optional(z.array(mcpRule()), "MCP servers and their tools."),
    skills: optional(z.array(skillRule()), "Skills."),
    approvers: optional(z.record(id(), approvers()), "Who may agree to what is asked."),
    approvals: optional(approvals(), "What people's answers are worth, by risk."),
    sandbox: optional(sandbox(), "How an agent's box is built."),
  })

let built: ReturnType<typeof build> | undefined

/** The schema of the whole file. */
export function policySchema(): ReturnType<typeof build> {
  built ??= build()
  return built
}

export type PolicyDocument = z.infer<ReturnType<typeof build>>
export type Conditions = z.infer<ReturnType<typeof conditionsSchema>>
