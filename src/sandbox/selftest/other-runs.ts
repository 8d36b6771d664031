// What is other people's, for a box to try: runs that it is not, their sockets, and a request that waits for a person.
import { existsSync, readdirSync } from "node:fs"
import type { Context } from "../../context.ts"
import { mountedDirectory, socketOf } from "../../gateway/boxes/directory.ts"
import type { ListedApproval } from "../../gateway/control/approvals.ts"
import type { OpenedRun } from "../../gateway/control.ts"
import { askGate } from "../../gateway/control-client.ts"
import { operatorOf } from "../../gateway/operator.ts"
import { boxesDirectory } from "../box-directory.ts"
import { RUN_NAME } from "../run-name.ts"

/** What other runs have: sockets, and tokens by what each is. */
export interface OfOthers {
  sockets: readonly string[]
  tokens: Readonly<Record<string, string>>
  /** Of a run that goes on: to end it would be to end another's. */
  visit?: string
  /** A request that waits for a person; none where nothing waits. */
  approval?: string
  /** Addresses that something of others listens at. */
  neighbours?: readonly { host: string; port: number }[]
}

/** Milliseconds that a token of another run is good for, at most. */
const TOKENS_LAST = 30 * 60_000

/** Most sockets that one box tries. */
const MOST_SOCKETS = 20

/**
 * Opens a run that has no box and one that is over at once: their tokens are as good as any that an agent could come by. `close` ends
 * them. Errors: as `askGate`; none of them is left open then.
 */
export async function openOthers(ctx: Context): Promise<OfOthers & { close: () => Promise<void> }> {
  // First, for nothing is open yet that a failure would leave.
  const waiting = await askGate<{ approvals: readonly ListedApproval[] }>(ctx, "GET", "/v1/approvals")
  const approval = waiting?.approvals[0]?.id
  const opened: OpenedRun[] = []
  const open = async () => {
    const asked = { agent: "selftest", operator: operatorOf(ctx), boxed: false, lasts: TOKENS_LAST }
    const run = (await askGate<OpenedRun>(ctx, "POST", "/v1/runs", asked))!
    opened.push(run)
    return run
  }
  const end = ({ visit }: OpenedRun) => askGate(ctx, "DELETE", `/v1/runs/${visit}`)
  try {
    const live = await open()
    const dead = await open()
    await end(dead)
    return {
      tokens: { "another run's": live.token, "of a run that is over": dead.token },
      ...{ sockets: otherSockets(ctx), visit: live.visit },
      ...(approval !== undefined && { approval }),
      close: async () => {
        await end(live).catch(() => {})
      },
    }
  } catch (error) {
    // Their tokens are good for half an hour otherwise.
    await Promise.allSettled(opened.map(end))
    throw error
  }
}

/** The gate's sockets of the boxes that are open now, as the host has them. */
export function otherSockets(ctx: Pick<Context, "env">): string[] {
  const boxes = boxesDirectory(ctx)
  if (!existsSync(boxes)) return []
  return readdirSync(boxes)
    .filter((name) => RUN_NAME.test(name))
    .map((run) => socketOf(mountedDirectory(ctx, run)))
    .filter((path) => existsSync(path))
    .slice(0, MOST_SOCKETS)
}
