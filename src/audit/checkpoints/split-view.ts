// The one alarm that a tree can raise by itself: two heads of one log that cannot both be true.
import { EXIT, NanoguardError } from "../../errors.ts"
import { cleanText, countOf } from "../../render/clean.ts"
import type { TreeHead } from "../tree/merkle.ts"
import type { Checkpoint } from "../types.ts"

/** A head that was signed or published is not of the tree that the log has now: it was cut, rewritten, or there are two of it. */
export class SplitView extends NanoguardError {
  /** Where the other head is: an anchor's name, or "the store". */
  readonly place: string
  readonly published: Checkpoint
  readonly own: TreeHead

  constructor(place: string, published: Checkpoint, own: TreeHead) {
    const heads = `${describe(published)}, which the log, now ${describe(own)}, does not contain`
    super(`${cleanText(place)} holds a checkpoint of ${heads}`, {
      exit: EXIT.findings,
      hint: "records were changed or removed, an old copy was put back, or two logs go by one name: keep both, and run nanoguard audit verify",
    })
    this.name = "SplitView"
    this.place = place
    this.published = published
    this.own = own
  }
}

function describe({ size, root }: TreeHead): string {
  return `${countOf(size, "record")} (root ${Buffer.from(root).toString("base64")})`
}
