// What a run has made, on the host and with the gate, undone in the reverse of its order.
import type { Context } from "../context.ts"
import type { BoxSummary } from "../gateway/boxes/types.ts"
import { askGate } from "../gateway/control-client.ts"
import { createUndo, type Undo } from "../undo.ts"
import { removeBoxDirectory, removeBoxFile } from "./boxes.ts"
import type { Look } from "./neighbours/look.ts"
import type { Answering } from "./neighbours/still.ts"

export interface RunUndo {
  push: Undo<boolean>["push"]
  /** Undoes everything. With `keep` what was not applied stays, for `reviewKept`. */
  close: (keep?: boolean) => Promise<void>
  /** Tells the gate that the box is over, once, whoever asks: every call has the answer to the first. */
  endBox: (exit?: number) => Promise<BoxSummary | undefined>
  /** What could not be ended now is the next sweep's: its file stays. */
  isLeft: boolean
  /** What answers other starts, once there is a box to have stand still. */
  answering: Answering | undefined
}

/** For a run that the gate has opened: the gate is told of its end, its directory is removed, and its look is closed. */
export function createRunUndo(ctx: Context, run: string, look: Pick<Look, "close"> | undefined): RunUndo {
  const { push, close } = createUndo<boolean>()
  let ended: Promise<BoxSummary | undefined> | undefined
  const undo: RunUndo = {
    push,
    close: (keep = false) => close(keep),
    endBox: (exit) => {
      ended ??= askGate<BoxSummary>(ctx, "DELETE", `/v1/boxes/${run}`, exit === undefined ? {} : { exit })
      return ended
    },
    isLeft: false,
    answering: undefined,
  }
  push(() => look?.close())
  // Whoever asks a box that is left, and that nothing runs of, is told so as long as this process is there.
  push(() => undo.isLeft || undo.answering?.close())
  push((keep) => undo.isLeft || (keep ? removeBoxFile(ctx, run) : removeBoxDirectory(ctx, run)))
  // Whatever becomes of it, the gate is told that it is over.
  push(() => undo.endBox().catch(() => undefined))
  return undo
}
