// What somebody asks the control API to open as a box, checked.
import { EXIT, NanoguardError } from "../../errors.ts"
import { isList } from "../../packages/registries/values.ts"
import { parseHostPattern } from "../../policy/hosts.ts"
import { parseScope } from "../../policy/purl-pattern.ts"
import { ENGINES, WORKSPACE_MODES } from "../../policy/sandbox-names.ts"
import { MAX_PATTERNS } from "../../policy/scope-patterns.ts"
import type { ScopeBudget } from "../../policy/scope-types.ts"
import { COMMAND_LIMIT, isShort } from "../../sandbox/command.ts"
import { RUN_NAME } from "../../sandbox/run-name.ts"
import { isName, isProject, MAX_OPERATOR } from "../new-run.ts"
import type { BoxEnd, BoxRequest } from "./types.ts"

const ENGINE_NAMES: ReadonlySet<unknown> = new Set(ENGINES)
const MODES: ReadonlySet<unknown> = new Set(WORKSPACE_MODES)
const MAX_IMAGE = 500
const MAX_PORTS = 50

const isRun = (value: unknown) => typeof value === "string" && RUN_NAME.test(value)
const isPort = (value: unknown) => Number.isInteger(value) && (value as number) > 0 && (value as number) < 65_536
const isWords = (value: unknown): value is string[] =>
  Array.isArray(value) && value.every((word) => typeof word === "string")
const orAbsent = (value: unknown, test: (value: unknown) => boolean) => value === undefined || test(value)

/** A box to open; throws `NanoguardError` (usage) for what is none. */
export function readBoxRequest(body: Readonly<Record<string, unknown>>): BoxRequest {
  const { agent, operator, run, parent, engine, image, workspace, project, command, publish, scope } = body
  const isSound =
    isName(agent) &&
    typeof operator === "string" &&
    operator.length <= MAX_OPERATOR &&
    orAbsent(run, isRun) &&
    orAbsent(parent, isRun) &&
    ENGINE_NAMES.has(engine) &&
    orAbsent(image, (one) => typeof one === "string" && one.length <= MAX_IMAGE) &&
    MODES.has(workspace) &&
    orAbsent(project, isProject) &&
    isWords(command) &&
    orAbsent(scope, isScope) &&
    orAbsent(publish, (all) => isList(all, MAX_PORTS, isMapping))
  if (isWords(command) && !isShort(command))
    throw new NanoguardError("the command is too long", {
      exit: EXIT.usage,
      hint: `${COMMAND_LIMIT}; put it into a file`,
    })
  if (isSound) return body as unknown as BoxRequest
  throw new NanoguardError("that is no box", { exit: EXIT.usage, hint: "start one by `nanoguard run`" })
}

function isMapping(value: unknown): boolean {
  const { host, box } = (value ?? {}) as { host?: unknown; box?: unknown }
  return isPort(host) && isPort(box)
}

const UNITS: ReadonlySet<unknown> = new Set<ScopeBudget["unit"]>(["requests", "tokens", "bytes", "usd"])
const WINDOWS: ReadonlySet<unknown> = new Set<ScopeBudget["window"]>(["minute", "hour", "day", "run"])
const MAX_NAMES = 1_000
/** Characters: a name of a host has at most 253, and npm's have 214. */
const MAX_PATTERN = 300

/** Nothing that is misspelt may leave a right as wide as it was. */
function isScope(value: unknown): boolean {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return false
  const { rules, credentials, hosts, packages, budgets, ...more } = value as Record<string, unknown>
  const isNames = (names: unknown) => isList(names, MAX_NAMES, (one) => typeof one === "string")
  return (
    Object.keys(more).length === 0 &&
    orAbsent(rules, isNames) &&
    orAbsent(credentials, isNames) &&
    orAbsent(hosts, (all) => isPatterns(all, parseHostPattern)) &&
    orAbsent(packages, (all) => all === false || isPatterns(all, parseScope)) &&
    orAbsent(budgets, (all) => isList(all, UNITS.size, isBudget))
  )
}

const isPatterns = (value: unknown, parse: (text: string) => unknown) =>
  isList(value, MAX_PATTERNS, (one) => typeof one === "string" && one.length <= MAX_PATTERN && parse(one) !== undefined)

function isBudget(value: unknown): boolean {
  const { unit, limit, window, ...more } = (value ?? {}) as Record<string, unknown>
  const isAmount = typeof limit === "number" && limit >= 0 && limit <= 1e18
  return UNITS.has(unit) && isAmount && WINDOWS.has(window) && Object.keys(more).length === 0
}

/** How a box ended; throws `NanoguardError` (usage). */
export function readBoxEnd({ exit }: Readonly<Record<string, unknown>>): BoxEnd {
  if (exit === undefined) return {}
  if (Number.isInteger(exit) && (exit as number) >= 0 && (exit as number) <= 255) return { exit: exit as number }
  throw new NanoguardError("that is no exit code", { exit: EXIT.usage, hint: "0 to 255" })
}
