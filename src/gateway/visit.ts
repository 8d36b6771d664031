// A visit, summed up and ended.
import type { Front } from "./front/types.ts"
import { explainHeldBack } from "./front/why.ts"
import type { RunSummary } from "./runs.ts"

/** Sums a visit up; `ends` makes its token worth nothing. Undefined where there is none. */
export async function summariseVisit(front: Front, visit: string, ends: boolean): Promise<RunSummary | undefined> {
  const found = front.runs.summary(visit)
  try {
    return found && (await explainHeldBack(front, found.who, found.summary))
  } finally {
    // Whatever fails while it is explained: its token is worth nothing from now on.
    if (ends) front.runs.close(visit)
  }
}
