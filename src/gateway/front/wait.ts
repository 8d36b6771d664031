// Waiting for a person, a little: the client sits at its request meanwhile, and most clients give up or ask again after a minute.
import { setTimeout as sleep } from "node:timers/promises"
import { type Decided, decideVersion, integrityOf, isRefused } from "./decide.ts"
import type { Known } from "./open.ts"
import type { Asked, Front, Law } from "./types.ts"

/** Milliseconds between looks at the queue. */
const LOOK = 500

/**
 * Asks people about a version that the law wants them for, and waits as long as the gate was told to. Once for a version and visit,
 * and never on HEAD: a client that asks five times would wait five times.
 */
export async function waitForPeople(
  front: Front,
  law: Law,
  asked: Asked,
  opened: Known,
  version: string,
  decided: Decided,
): Promise<Decided> {
  if (front.wait === 0 || decided.verdict.effect !== "ask" || asked.raw.method === "HEAD") return decided
  if (!front.runs.waits(asked.who, decided.action.purl)) return decided
  const approval = await front.desk.request(asked.who, law.policy, decided.verdict, integrityOf(opened, version))
  if (approval?.state !== "pending") return decided
  const end = performance.now() + front.wait
  let latest = decided
  while (performance.now() < end && isRefused(latest.verdict)) {
    await sleep(LOOK)
    latest = await decideVersion(front, law, asked, opened, version)
  }
  return latest
}
