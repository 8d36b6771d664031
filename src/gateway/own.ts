// What the gate answers about itself to whoever can reach it: health and metrics.
import type { Answer } from "./answer.ts"
import { judgeHealth } from "./health.ts"
import type { Metrics } from "./metrics.ts"

export interface Own {
  health: () => Answer
  /** By path; undefined for what is no answer about itself. */
  answer: (path: string) => Answer | undefined
}

/** Answers from `state`, as it is when somebody asks. */
export function createOwn(
  state: () => Parameters<typeof judgeHealth>[0],
  metrics: Pick<Metrics, "contentType" | "text">,
): Own {
  const health = (): Answer => {
    const { httpStatus, ...judged } = judgeHealth(state())
    return { ...text("application/json", JSON.stringify(judged)), status: httpStatus }
  }
  return {
    health,
    answer: (path) => {
      if (path === "/-/health") return health()
      return path === "/-/metrics" ? text(metrics.contentType, metrics.text()) : undefined
    },
  }
}

const text = (contentType: string, body: string): Answer => ({
  status: 200,
  headers: { "content-type": contentType, "cache-control": "no-store" },
  body,
})
