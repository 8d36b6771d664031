// What `run` asks before it starts anything: whether a kill is on the agent.
import type { Kysely } from "kysely"
import { cleanText } from "../../render/clean.ts"
import type { Tables } from "../../store/schema.ts"
import { readKills } from "./chain.ts"
import { readWaiting } from "./sticky.ts"
import { formatTarget, type Kill, type KillSubject, killsOn } from "./types.ts"

/** Why a start is refused; `exit` is that of the command. */
export interface StartRefusal {
  exit: 137
  kill: Kill
  message: string
  hint: string
}

/**
 * Looks for a kill on somebody, in the store and in what waits in the state directory (`stateHome`); undefined where they may start.
 * Errors: environment (store): then nothing may start either.
 */
export async function checkKills(
  db: Kysely<Tables>,
  stateDirectory: string,
  who: KillSubject,
): Promise<StartRefusal | undefined> {
  const [kill] = [...killsOn((await readKills(db)).standing, who), ...killsOn(readWaiting(stateDirectory), who)]
  return kill && refusalOf(kill)
}

/** What is said of a start under a kill: who ordered it, why, and how it is lifted. */
export function refusalOf(kill: Kill): StartRefusal {
  const { target, time, by, reason } = kill
  const what = target.kind === "all" ? "everything is" : `${target.kind} ${target.name} is`
  const since = new Date(time).toISOString().slice(0, 16).replace("T", " ")
  return {
    ...{ exit: 137, kill },
    message: `${what} stopped since ${since} UTC, by ${cleanText(by, 100)}: ${cleanText(reason, 300)}`,
    hint: `an approver lifts it: nanoguard resume ${target.kind === "all" ? "--all" : formatTarget(target)}`,
  }
}
