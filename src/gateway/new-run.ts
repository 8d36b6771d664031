// What somebody asks the control API to open, checked: names end in the record, and a project is gone through with every refusal.
import { EXIT, NanoguardError } from "../errors.ts"
import { isRecord } from "../packages/registries/values.ts"
import type { NewRun, Project } from "./runs.ts"

/** Names of agents and runs, as the commands take them. */
const NAME = /^[A-Za-z0-9][A-Za-z0-9._@-]{0,63}$/
/** Characters. */
export const MAX_OPERATOR = 200
/** Milliseconds: a token for longer than a year is a mistake. */
const LONGEST = 366 * 86_400_000

/** A run to open; throws `NanoguardError` (usage) for what is none. */
export function readNewRun(body: Readonly<Record<string, unknown>>): NewRun {
  const { agent, run, operator, boxed, lasts, project } = body
  const isSound =
    isName(agent) &&
    (run === undefined || isName(run)) &&
    typeof operator === "string" &&
    operator.length <= MAX_OPERATOR &&
    typeof boxed === "boolean" &&
    typeof lasts === "number" &&
    lasts > 0 &&
    lasts <= LONGEST &&
    (project === undefined || isProject(project))
  if (!isSound) throw new NanoguardError("that is no run", { exit: EXIT.usage, hint: "ask by `nanoguard gateway env`" })
  return {
    ...{ agent, operator, boxed, lasts },
    ...(run !== undefined && { run }),
    ...(project !== undefined && { project }),
  }
}

/** Whether something may name an agent or a run. */
export function isName(value: unknown): value is string {
  return typeof value === "string" && NAME.test(value)
}

/** Whether something is what a command knows of its project. Its lists are lists; what is in them was read from lockfiles by the command that sends it. */
export function isProject(value: unknown): value is Project {
  if (!isRecord(value)) return false
  const { lockfiles = [], direct = {} } = value
  const lists = (of: unknown, names: readonly string[]) =>
    isRecord(of) && names.every((name) => Array.isArray(of[name]) && (of[name] as unknown[]).every(isEntry))
  return (
    Array.isArray(lockfiles) &&
    lockfiles.every((lockfile) => lists(lockfile, ["dependencies", "edges", "roots"])) &&
    isRecord(direct) &&
    Object.values(direct).every((names) => Array.isArray(names) && names.every((name) => typeof name === "string"))
  )
}

const isEntry = (value: unknown) => typeof value === "object" && value !== null
