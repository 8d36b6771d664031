// The queue as the approver's terminal needs it, read anew whenever something was committed.
import type { Kysely } from "kysely"
import type { Tables } from "../../store/schema.ts"
import { readApprovers } from "../approvers.ts"
import { type Background, readBackground } from "../background.ts"
import { tallyDecisions } from "../decision.ts"
import { listApprovals, readApproval } from "../list.ts"
import { isOperator, mayDecide } from "../panel.ts"
import type { Approval, Approver } from "../types.ts"
import type { Waiting } from "./types.ts"

/** Reads the queue for one person; `wanted` are the cards that they look at, the one that is shown first. */
export type LoadQueue = (
  now: number,
  wanted: readonly string[],
) => Promise<{ queue: Waiting[]; gone: Readonly<Record<string, string>> }>

/** Milliseconds for which what stands around a request is not read again, and how long where something of it is still missing. */
const FRESH = 30_000
const INCOMPLETE = 1_000

/** Most that are told of by name when they wait no more. */
const MAX_GONE = 20

/** A loader that knows what it read before: what is gone, and what stands around the cards at hand. */
export function createLoader(db: Kysely<Tables>, signer: string): LoadQueue {
  const backgrounds = new Map<string, { at: number; background: Background }>()
  let known: readonly string[] = []
  return async (now, wanted) => {
    const approvers = await readApprovers(db)
    const found = await listApprovals(db, now)
    const ids = found.map(({ id }) => id)
    const gone = await readGone(db, now, known.filter((id) => !ids.includes(id)).slice(0, MAX_GONE), approvers)
    known = ids
    for (const id of backgrounds.keys()) if (!ids.includes(id)) backgrounds.delete(id)
    const at = Math.max(0, ids.indexOf(wanted[0] ?? ""))
    // What is looked at, and what one key leads to.
    const near = new Set([...wanted, ids[at], ids[(at + 1) % ids.length], ids.at(at - 1)])
    for (const approval of found) {
      if (!near.has(approval.id)) continue
      const read = backgrounds.get(approval.id)
      if (read !== undefined && now - read.at < (isComplete(read.background, approval) ? FRESH : INCOMPLETE)) continue
      backgrounds.set(approval.id, { at: now, background: await readBackground(db, approval, approvers) })
    }
    const queue = found.map((approval): Waiting => {
      const background = backgrounds.get(approval.id)?.background
      return { ...describe(approval, approvers, signer), ...(background !== undefined && { background }) }
    })
    return { queue, gone }
  }
}

function describe(
  approval: Approval,
  approvers: ReadonlyMap<string, Approver>,
  signer: string,
): Omit<Waiting, "background"> {
  const panel = approval.binding.approvers
  const { by } = tallyDecisions(approval, panel, approvers)
  const mine =
    mayDecide(panel, signer, approval.binding) && !approval.decisions.some((decision) => decision.by === signer)
  const own = isOperator(signer, approval.binding) ? ({ own: true } as const) : {}
  return { approval, agreed: by, missing: Math.max(0, panel.quorum - by.length), mine, ...own }
}

/** The index follows the log: what it does not say yet, it may say in a moment. */
function isComplete({ boxed, decided }: Background, { binding: { kind } }: Approval): boolean {
  return boxed !== undefined && (decided !== undefined || kind === "network")
}

async function readGone(
  db: Kysely<Tables>,
  now: number,
  ids: readonly string[],
  approvers: ReadonlyMap<string, Approver>,
): Promise<Record<string, string>> {
  const gone: Record<string, string> = {}
  for (const id of ids) {
    const approval = await readApproval(db, id, now)
    if (approval === undefined) gone[id] = "is in the queue no more"
    else if (approval.state === "expired" && approval.decisions.every(({ answer }) => answer !== "deny"))
      gone[id] = "expired: it is refused"
    else {
      const { denied, by } = tallyDecisions(approval, approval.binding.approvers, approvers)
      const no = approval.decisions.find(({ answer }) => answer === "deny")?.by
      gone[id] = denied ? `was denied by ${no}` : `was approved by ${by.join(", ")}`
    }
  }
  return gone
}
