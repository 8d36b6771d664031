// What somebody asks the control API to open as a box, checked.
import { EXIT, NanoguardError } from "../../errors.ts"
import type { ScopeBudget } from "../../policy/types.ts"
import type { EngineName } from "../../sandbox/types.ts"
import { isName, isProject, MAX_OPERATOR } from "../new-run.ts"
import type { BoxEnd, BoxRequest } from "./types.ts"

const ENGINES: ReadonlySet<unknown> = new Set<EngineName>(["docker", "podman", "container", "bubblewrap"])
const WORKSPACES: ReadonlySet<unknown> = new Set<BoxRequest["workspace"]>(["direct", "copy", "worktree", "none"])
const RUN = /^run-[0-9a-f]{12}$/
const MAX_IMAGE = 500
const MAX_PORTS = 50

const isRun = (value: unknown) => typeof value === "string" && RUN.test(value)
const isPort = (value: unknown) => Number.isInteger(value) && (value as number) > 0 && (value as number) < 65_536
const isList = (value: unknown, most: number, member: (one: unknown) => boolean) =>
  Array.isArray(value) && value.length <= most && value.every(member)
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
    ENGINES.has(engine) &&
    orAbsent(image, (one) => typeof one === "string" && one.length <= MAX_IMAGE) &&
    WORKSPACES.has(workspace) &&
    orAbsent(project, isProject) &&
    isList(command, 100_000, (word) => typeof word === "string") &&
    orAbsent(scope, isScope) &&
    orAbsent(publish, (all) => isList(all, MAX_PORTS, isMapping))
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

/** Nothing that is misspelt may leave a right as wide as it was. */
function isScope(value: unknown): boolean {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return false
  const { rules, credentials, packages, budgets, ...more } = value as Record<string, unknown>
  const isNames = (names: unknown) => isList(names, MAX_NAMES, (one) => typeof one === "string")
  return (
    Object.keys(more).length === 0 &&
    orAbsent(rules, isNames) &&
    orAbsent(credentials, isNames) &&
    orAbsent(packages, (one) => one === false) &&
    orAbsent(budgets, (all) => isList(all, UNITS.size, isBudget))
  )
}

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
