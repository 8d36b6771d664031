// Which options of `nanoguard run` go together. What would be ignored is refused before anything starts: whoever gave it relies on it.
import { EXIT, NanoguardError } from "../errors.ts"
import type { RunOptions } from "./run.ts"

type Option = keyof RunOptions

/** What counts for a look at what was kept, beside a run's id. */
const OF_REVIEW: readonly Option[] = ["review", "apply", "discard", "quiet", "format", "color"]

/** What counts for every agent of a swarm, or for all of it. */
const OF_SWARM: readonly Option[] = [
  ...(["swarm", "operator", "engine", "runtime", "image", "timeout", "apply", "discard", "summary"] as const),
  ...(["quiet", "project", "offline", "format", "color"] as const),
]

/** What a swarm's file says for each agent. */
const OF_ITS_FILE: readonly Option[] = ["agent", "workspace"]

/** Throws `NanoguardError` (usage) for what `--review` or `--swarm` would ignore, and for `--format` where nothing is listed. */
export function checkOptions(command: readonly string[], options: RunOptions): void {
  const { review, swarm, format } = options
  if (review !== undefined) checkReview(command, options)
  else if (swarm !== undefined) checkSwarm(options)
  // `text` is there where nobody says anything.
  if (format === "json" && !isList(options)) throw refused("--format is for the list that --review prints", LEAVE_OUT)
}

const isList = ({ review }: RunOptions) => review === true || review === "list"

function checkReview(command: readonly string[], options: RunOptions): void {
  const others = given(options, OF_REVIEW)
  if (others.length > 0)
    throw refused(`--review looks at what was kept: ${others.join(" and ")} would say nothing`, LEAVE_OUT)
  if (command.length > 0) throw refused("--review looks at what was kept, and runs no command", LEAVE_OUT)
  if (isList(options) && (options.apply ?? options.discard) !== undefined)
    throw refused("--apply and --discard want to know of which run", "name it: --review run-0123456789ab")
}

function checkSwarm(options: RunOptions): void {
  const others = given(options, OF_SWARM)
  const first = others.find((name) => OF_ITS_FILE.some((one) => name === `--${one}`))
  if (first !== undefined)
    throw refused(`${first} is one agent's, and a swarm has several`, "say it for each in the swarm's file")
  if (others.length > 0)
    throw refused(
      `${others.join(" and ")} ${others.length === 1 ? "is" : "are"} for one box, and not for a swarm`,
      "leave them out, or run the agent that wants them on its own",
    )
}

const LEAVE_OUT = "leave it out"

const refused = (message: string, hint: string) => new NanoguardError(message, { exit: EXIT.usage, hint })

/** Options that are there and are none of these, as they are written. */
const given = (options: RunOptions, known: readonly Option[]) =>
  Object.entries(options).flatMap(([name, value]) =>
    value === undefined || known.some((one) => one === name) ? [] : [`--${name}`],
  )
