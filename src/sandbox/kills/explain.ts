// Why somebody is stopped, for a person: asked after a start was refused, or a run has ended. The gate itself decides by `KillWatch`.
import type { Kysely } from "kysely"
import { cleanText } from "../../render/clean.ts"
import type { Tables } from "../../store/schema.ts"
import { readKills } from "./chain.ts"
import { readWaiting } from "./sticky.ts"
import { formatTarget, type Kill, type KillSubject, killsOn } from "./types.ts"

/** A kill in words: who ordered it, why, and how it is lifted. Safe for a terminal, and personal: never for an agent. */
export interface ExplainedKill {
  message: string
  hint: string
}

/**
 * The kill that is on somebody, in the store or in what waits in the state directory (`stateHome`); undefined where there is none.
 * Errors: environment (store).
 */
export async function explainKill(
  db: Kysely<Tables>,
  stateDirectory: string,
  who: KillSubject,
): Promise<ExplainedKill | undefined> {
  const [kill] = [
    ...killsOn((await readKills(db, stateDirectory)).standing, who),
    ...killsOn(readWaiting(stateDirectory), who),
  ]
  return kill && describeKill(kill)
}

function describeKill({ target, time, by, reason }: Kill): ExplainedKill {
  const what = target.kind === "all" ? "everything is" : `${target.kind} ${target.name} is`
  const since = time === 0 ? "" : ` since ${new Date(time).toISOString().slice(0, 16).replace("T", " ")} UTC`
  return {
    message: `${what} stopped${since}, by ${cleanText(by, 100)}: ${cleanText(reason, 300)}`,
    hint: `an approver lifts it: nanoguard resume ${target.kind === "all" ? "--all" : formatTarget(target)}`,
  }
}
