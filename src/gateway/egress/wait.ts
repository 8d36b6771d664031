// A request that waits for people: the client stays on the line, and what becomes of the question becomes of the request.
import type { ServerResponse } from "node:http"
import type { CompiledPolicy } from "../../policy/compiled.ts"
import type { Verdict } from "../../policy/types.ts"
import type { Attribution, Refusal } from "../types.ts"
import type { EgressDeps } from "./deps.ts"
import type { Judged } from "./judge.ts"
import { ownVerdict } from "./refuse.ts"

export type Answered =
  | "granted"
  /** The client left; the question stays until its time is up. */
  | "left"
  /** The gate stops; the question stays. */
  | "stopping"
  | { verdict: Verdict; approval?: NonNullable<Refusal["approval"]> }

/** Asks people about a request and waits for them. Rejects where the store or the vault is out of order. */
export async function waitForPeople(
  { holds, stopping }: Pick<EgressDeps, "holds" | "stopping">,
  who: Attribution,
  left: AbortSignal,
  policy: CompiledPolicy,
  { verdict, args }: Judged,
  body: Buffer,
): Promise<Answered> {
  if (args === undefined) return { verdict: ownVerdict(verdict, "hold.flooded") }
  const held = await holds.hold(who, policy, verdict, args, body.length > 0 ? body : undefined)
  if (held.state === "flooded") return { verdict: ownVerdict(verdict, "hold.flooded") }
  if (held.state !== "pending") {
    const { id, state, expires, note } = held
    return { verdict, approval: { id, state, expires, ...(note !== undefined && { note }) } }
  }
  const settled = await held.settled(AbortSignal.any([left, stopping]))
  if (settled.state === "granted") return "granted"
  if (settled.state === "left") return stopping.aborted && !left.aborted ? "stopping" : "left"
  const { state, note } = settled
  return { verdict, approval: { id: held.id, state, expires: held.expires, ...(note !== undefined && { note }) } }
}

/** Aborts when a client leaves before it was answered. `release` ends the watch. */
export function watchClient(client: Pick<ServerResponse, "on" | "off" | "destroyed">): {
  left: AbortSignal
  release: () => void
} {
  const gone = new AbortController()
  const onClose = () => gone.abort()
  client.on("close", onClose)
  if (client.destroyed) gone.abort()
  return { left: gone.signal, release: () => void client.off("close", onClose) }
}
