// A request that waits for people: the client stays on the line, and what becomes of the question becomes of the request.
import type { ServerResponse } from "node:http"
import type { Duplex } from "node:stream"
import type { CompiledPolicy } from "../../policy/compiled.ts"
import type { Verdict } from "../../policy/types.ts"
import type { HeldItem } from "../hold/types.ts"
import type { Attribution, Refusal } from "../types.ts"
import type { EgressDeps } from "./deps.ts"
import type { Judged } from "./judge.ts"
import { ownVerdict } from "./refuse.ts"

export type Answered =
  /** Decide again: people agreed, or another policy is in force. */
  | { again: HeldItem }
  /** The client left; the question stays until its time is up. */
  | "left"
  /** The gate stops; the question stays. */
  | "stopping"
  | { verdict: Verdict; approval?: NonNullable<Refusal["approval"]> }

/** What a request was decided by: a policy, and how often others had been recalled when it was read. */
interface Basis {
  policy: CompiledPolicy
  recalls: number
}

/** Asks people about a request and waits for them. Rejects where the store or the vault is out of order. */
export async function waitForPeople(
  { holds, stopping, onHeld }: Pick<EgressDeps, "holds" | "stopping" | "onHeld">,
  who: Attribution,
  left: AbortSignal,
  { policy, recalls }: Basis,
  { action, evidence, verdict, args }: Judged,
  body: Buffer,
): Promise<Answered> {
  if (args === undefined) return { verdict: ownVerdict(verdict, "hold.flooded") }
  const bytes = body.length > 0 ? body : undefined
  const held = await holds.hold(who, policy, verdict, args, bytes, { action, evidence, verdict })
  if (held.state === "flooded") return { verdict: ownVerdict(verdict, "hold.flooded") }
  if (held.state === "quiet") {
    const evidence = [{ kind: "quiet", hours: held.note }]
    return { verdict: { ...ownVerdict(verdict, "hold.quiet"), evidence } }
  }
  const { id, expires } = held
  const told = (state: string, note: string | undefined) => ({
    ...{ verdict, approval: { id, state, expires, ...(note !== undefined && { note }) } },
  })
  if (held.state === "denied") return told(held.state, held.note)
  // Another policy came into force, or the agent was stopped, while the question was put: those who waited have been told.
  if (holds.recalls !== recalls) return { again: held }
  const onSettled = onHeld?.(who, id, verdict.subject)
  const { state, note } = await held.settled(AbortSignal.any([left, stopping]))
  onSettled?.(state)
  if (state === "granted" || state === "recalled") return { again: held }
  if (state === "left") return left.aborted ? "left" : "stopping"
  return told(state, note)
}

/** What aborts when a client leaves before it was answered: made when it is asked for, since few requests wait. `release` ends the watch. */
export function watchClient(client: ServerResponse | Duplex): {
  left: () => AbortSignal
  release: () => void
} {
  let gone: AbortController | undefined
  let isGone = client.destroyed
  const onClose = () => {
    isGone = true
    gone?.abort()
  }
  client.on("close", onClose)
  const left = () => {
    gone ??= new AbortController()
    if (isGone) gone.abort()
    return gone.signal
  }
  return { left, release: () => void client.off("close", onClose) }
}
