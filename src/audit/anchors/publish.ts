// The rule of a witness, kept by the log itself: nothing is published but what extends what is there.

import { SplitView } from "../checkpoints/split-view.ts"
import { type TreeHead, verifyConsistency } from "../tree/merkle.ts"
import type { Anchor, Checkpoint } from "../types.ts"
import { AnchorMoved } from "./failure.ts"

/** Proves that the log's tree of `newer` records begins with that of `older`; undefined where the log is shorter than that. */
export type ProveConsistency = (older: number, newer: number) => Promise<readonly Uint8Array[] | undefined>

export interface Publication {
  /** False where the place already had this checkpoint or, by another process, a larger one of the same log. */
  published: boolean
  /** Records under the newest checkpoint that was there before; 0 where there was none. Less than was once confirmed: the place forgot. */
  before: number
  /** Records under the newest one that is there now. */
  size: number
}

/**
 * Publishes a checkpoint to a place, once the newest one there is proven to be of the same tree. Throws `SplitView` where it is not, and
 * publishes nothing; `NoteError` where it is malformed; `AnchorError` where the place is out of reach. What `prove` throws goes through.
 */
export async function publishTo(anchor: Anchor, checkpoint: Checkpoint, prove: ProveConsistency): Promise<Publication> {
  try {
    return await publishOnce(anchor, checkpoint, prove)
  } catch (error) {
    if (!(error instanceof AnchorMoved)) throw error
    return publishOnce(anchor, checkpoint, prove)
  }
}

async function publishOnce(anchor: Anchor, checkpoint: Checkpoint, prove: ProveConsistency): Promise<Publication> {
  const there = (await anchor.read(checkpoint.origin, true)).at(-1)
  const before = there?.size ?? 0
  if (there) {
    const [older, newer]: TreeHead[] = there.size <= checkpoint.size ? [there, checkpoint] : [checkpoint, there]
    const proof = older!.size === newer!.size ? [] : await prove(older!.size, newer!.size)
    if (!proof || !verifyConsistency(older!, newer!, proof)) throw new SplitView(anchor.name, there, checkpoint)
    if (there.size >= checkpoint.size) return { published: false, before, size: there.size }
  }
  await anchor.publish(checkpoint)
  return { published: true, before, size: checkpoint.size }
}
