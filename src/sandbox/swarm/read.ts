// A swarm's file -> agents and the ways between them. The file takes away from what the policy gives, and adds nothing to it: it needs nobody's
// signature, whoever wrote it.
import * as z from "zod/mini"
import type { Sandbox } from "../../policy/compiled.ts"
import { parseHostPattern } from "../../policy/hosts.ts"
import { throwIssue } from "../../policy/issues.ts"
import { keysAt } from "../../policy/keys.ts"
import { parseScope } from "../../policy/purl-pattern.ts"
import { ENGINES, WORKSPACE_MODES } from "../../policy/sandbox-names.ts"
import { MAX_PATTERNS } from "../../policy/scope-patterns.ts"
import type { ScopeBudget } from "../../policy/scope-types.ts"
import { parseYaml, policyError, type YamlFile } from "../../policy/yaml.ts"
import { COMMAND_LIMIT, isShort } from "../command.ts"
import { type AskedBoxes, checkBoxes, checkChildren } from "./check-boxes.ts"
import { checkDirectories, checkShared, normalDirectory } from "./directories.ts"
import type { Swarm, SwarmAgent, SwarmMessage } from "./types.ts"

/** Also the name of a directory in the box of another. */
const name = () =>
  z.string().check(z.regex(/^[A-Za-z0-9][A-Za-z0-9_-]{0,31}$/, "wants letters, digits, - and _, at most 32"))
const names = () => z.optional(z.array(z.string().check(z.minLength(1), z.maxLength(128))))
const patterns = (parse: (text: string) => unknown, wanted: string) =>
  z
    .array(z.string().check(z.refine((text) => text.length <= 300 && parse(text) !== undefined, wanted)))
    .check(z.maxLength(MAX_PATTERNS))
const amount = () =>
  z
    .string()
    .check(z.regex(/^\d{1,12}(\.\d{1,4})?[kMG]?\/(minute|hour|day|run)$/, "wants an amount such as 500/hour or 2M/day"))

const swarmSchema = z.strictObject({
  version: z.literal(1),
  agents: z
    .array(
      z.strictObject({
        name: name(),
        command: z.array(z.string()).check(z.minLength(1), z.refine(isShort, `wants ${COMMAND_LIMIT}`)),
        parent: z.optional(name()),
        directory: z.optional(
          z
            .string()
            .check(z.regex(/^(?!.*(?:^|\/)\.\.?(?:\/|$))[^/\0\\][^\0\\]{0,999}$/, "wants a path below the project")),
        ),
        workspace: z.optional(z.enum(WORKSPACE_MODES)),
        memory: z.optional(z.boolean()),
        rules: names(),
        credentials: names(),
        hosts: z.optional(patterns(parseHostPattern, "wants a host: api.example.com, *.example.com or **.example.com")),
        packages: z.optional(
          z.union([
            z.literal(false),
            patterns(parseScope, "wants purls without a version: pkg:npm/axios, pkg:npm/@acme/*"),
          ]),
        ),
        budget: z.optional(z.partialRecord(z.enum(["requests", "tokens", "bytes", "usd"]), amount())),
        engine: z.optional(z.enum(ENGINES)),
        image: z.optional(z.string().check(z.minLength(1), z.maxLength(500))),
        timeout: z.optional(z.string().check(z.regex(/^[1-9]\d{0,5}[smhd]$/, "wants a duration such as 30m"))),
      }),
    )
    .check(z.minLength(1), z.maxLength(32)),
  messages: z.optional(z.array(z.strictObject({ from: name(), to: name() })).check(z.maxLength(256))),
})

type SwarmDocument = z.infer<typeof swarmSchema>

/** Bytes of a swarm's file at most. */
export const MAX_SWARM = 1024 * 1024

/**
 * Reads a swarm for what a person adopted (`sandbox`) and asked for (`asked`). Throws `NanoguardError` (configuration) with the place of what is
 * wrong, of what goes beyond those two or an agent's parent, and of a way between agents that `sandbox` does not name.
 */
export function readSwarm(text: string, file: string, sandbox: Sandbox, asked: AskedBoxes = {}): Swarm {
  const yaml = parseYaml(text, file)
  const parsed = z.safeParse(swarmSchema, yaml.data)
  if (!parsed.success) return throwIssue(parsed.error.issues, yaml, (path) => keysAt(swarmSchema, path))
  const { agents, messages = [] } = parsed.data
  const all = agents.map(toAgent)
  checkNames(all, yaml)
  const sorted = sortByParent(all, yaml)
  checkBoxes(all, sandbox, asked, yaml)
  checkChildren(all, sandbox, asked, yaml)
  checkDirectories(all, sandbox, yaml)
  checkShared(all, yaml)
  for (const [index, message] of messages.entries()) checkMessage(message, all, sandbox, yaml, index)
  return { agents: sorted, messages }
}

function toAgent(given: SwarmDocument["agents"][number]): SwarmAgent {
  const {
    directory = "",
    workspace = "copy",
    memory = false,
    budget,
    rules,
    credentials,
    hosts,
    packages,
    parent,
    engine,
    image,
    timeout,
    ...rest
  } = given
  const budgets = Object.entries(budget ?? {}).map(([unit, text]) => readBudget(unit as ScopeBudget["unit"], text))
  return {
    ...{ ...rest, directory: normalDirectory(directory), workspace, memory },
    scope: {
      ...(rules && { rules }),
      ...(credentials && { credentials }),
      ...(hosts && { hosts }),
      ...(packages !== undefined && { packages }),
      ...(budgets.length > 0 && { budgets }),
    },
    ...(parent !== undefined && { parent }),
    ...(engine && { engine }),
    ...(image !== undefined && { image }),
    ...(timeout !== undefined && { timeout }),
  }
}

const SCALE: Readonly<Record<string, number>> = { k: 1e3, M: 1e6, G: 1e9 }

function readBudget(unit: ScopeBudget["unit"], text: string) {
  const [, count = "0", scale = "", window = ""] = /^([\d.]+)([kMG]?)\/(\w+)$/.exec(text) ?? []
  return { unit, limit: Number(count) * (SCALE[scale] ?? 1), window: window as ScopeBudget["window"] }
}

function checkNames(agents: readonly SwarmAgent[], yaml: YamlFile): void {
  const seen = new Set<string>()
  for (const [index, agent] of agents.entries()) {
    if (seen.has(agent.name)) policyError(`two agents are called ${agent.name}`, yaml.where(["agents", index, "name"]))
    seen.add(agent.name)
  }
}

function checkMessage(
  { from, to }: SwarmMessage,
  agents: readonly SwarmAgent[],
  { messages = [] }: Sandbox,
  yaml: YamlFile,
  index: number,
): void {
  for (const [key, name] of [
    ["from", from],
    ["to", to],
  ] as const) {
    if (!agents.some((agent) => agent.name === name))
      policyError(`no agent of this swarm is called ${name}`, yaml.where(["messages", index, key]))
  }
  const matches = (wanted: string, name: string) => wanted === "*" || wanted === name
  if (from === to || !messages.some((one) => matches(one.from, from) && matches(one.to, to)))
    policyError(
      `the policy names no way from ${from} to ${to}`,
      yaml.where(["messages", index]),
      "a person adds it to sandbox.messages and adopts the policy",
    )
}

/** Parents before children. */
function sortByParent(agents: readonly SwarmAgent[], yaml: YamlFile): SwarmAgent[] {
  const sorted: SwarmAgent[] = []
  let rest = [...agents]
  while (rest.length > 0) {
    const next = rest.filter(({ parent }) => parent === undefined || sorted.some(({ name }) => name === parent))
    if (next.length === 0) {
      const [stuck] = rest as [SwarmAgent]
      policyError(
        `${stuck.name} has no parent called ${stuck.parent} above it`,
        yaml.where(["agents", agents.indexOf(stuck), "parent"]),
        "name an agent of this swarm, and not one below",
      )
    }
    sorted.push(...next)
    rest = rest.filter((agent) => !next.includes(agent))
  }
  return sorted
}
