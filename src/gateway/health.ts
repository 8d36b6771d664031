// Whether the gate can do its work, for whoever watches it. Says which part is ill and nothing more: anybody on its address may ask.

export type Health = "pass" | "warn" | "fail"

export interface HealthParts {
  /** Milliseconds since the epoch. */
  now: number
  /** Whether the last record could be written: without records nothing is released. */
  recording: boolean
  /** The adopted policy did not load, so that the one before is still in force. */
  policyKept: boolean
  /** Milliseconds since the epoch at which the advisories were current; undefined where nobody knows. */
  advisoriesAsOf: number | undefined
  /** The gate was told to stop. */
  closing: boolean
}

export interface HealthAnswer {
  /** 503 where a load balancer should go elsewhere. */
  httpStatus: 200 | 503
  status: Health
  checks: Readonly<Record<"record" | "policy" | "advisories" | "gateway", Health>>
}

/** Advisories of this age miss what was reported since. */
const OLD = 7 * 86_400_000

/** The worst of its parts. A gate whose policy is an old one, or whose advisories are, still does its work. */
export function judgeHealth({ now, recording, policyKept, advisoriesAsOf, closing }: HealthParts): HealthAnswer {
  const checks = {
    record: recording ? "pass" : "fail",
    policy: policyKept ? "warn" : "pass",
    advisories: advisoriesAsOf !== undefined && now - advisoriesAsOf <= OLD ? "pass" : "warn",
    gateway: closing ? "fail" : "pass",
  } as const
  const all: readonly Health[] = Object.values(checks)
  const status = all.includes("fail") ? "fail" : all.includes("warn") ? "warn" : "pass"
  return { httpStatus: status === "fail" ? 503 : 200, status, checks }
}
