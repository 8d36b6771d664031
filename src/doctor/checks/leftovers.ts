// What runs that were killed themselves left on this machine; the next start cleans it up.
import { listBoxFiles } from "../../sandbox/boxes.ts"
import { isOwnerAlive } from "../../sandbox/owner.ts"
import type { Check } from "../types.ts"

/** Boxes whose owner is gone. Looks at files alone: what still runs of them `ps` says. */
export const leftoversCheck: Check = {
  id: "leftovers",
  title: "Left-overs",
  run: async ({ ctx }) => {
    const { boxes, problems } = listBoxFiles(ctx)
    const lost = boxes.filter(({ owner }) => !isOwnerAlive(owner)).map(({ run }) => run)
    const facts = { running: boxes.length - lost.length, lost, problems }
    const [problem] = problems
    if (problem !== undefined) return { state: "warn", facts, why: problem, fix: "nanoguard ps" }
    if (lost.length > 0)
      return {
        ...{ state: "warn", facts, fix: "nanoguard ps" },
        why: `${lost.length === 1 ? "a box has" : `${lost.length} boxes have`} no owner any more; the next run cleans up`,
      }
    return { state: "ok", facts, why: boxes.length === 0 ? "none" : `none; ${boxes.length} in use` }
  },
}
