// How `nanoguard audit checkpoint` looks.
import { shortTime } from "./audit-tail.ts"
import { cleanText, countOf, safeJson } from "./clean.ts"

export interface CheckpointReport {
  schema: "nanoguard.audit-checkpoint/1"
  origin: string
  /** Records under it. */
  size: number
  /** base64. */
  root: string
  /** When it was signed: earlier than now where nothing has come since. */
  time: string
  /** The whole signed note (C2SP tlog-checkpoint). */
  note: string
  /** What it is verified with, for others to keep: a C2SP verifier key; null where the log's key is not here. */
  key: string | null
  /** Where it was to be published. */
  places: { anchor: string; state: "confirmed" | "failed" | "split"; reason?: string }[]
}

const STATES = { confirmed: "confirmed", failed: "NOT CONFIRMED", split: "CONTRADICTS THE LOG" } as const

/** Size and root, and what became of it at each place. */
export function renderCheckpoint(report: CheckpointReport, format: "text" | "json", asked: boolean): string {
  if (format === "json") return safeJson(report)
  const { origin, size, root, time, key, places } = report
  const lines = [
    `Checkpoint of ${countOf(size, "record")}, signed ${shortTime(time)}`,
    `  log   ${cleanText(origin)}`,
    `  root  ${cleanText(root)}`,
    ...(key === null ? [] : [`  key   ${cleanText(key)}`]),
    ...places.map(
      ({ anchor, state, reason }) =>
        `  ${STATES[state]}  ${cleanText(anchor)}${reason === undefined ? "" : `: ${cleanText(withoutName(reason, anchor))}`}`,
    ),
  ]
  if (places.some(({ state }) => state === "failed"))
    lines.push("A place that did not confirm gets it from the next that writes to the log, or by this command again.")
  if (places.some(({ state }) => state === "split"))
    lines.push(
      "Nothing was published over it. `nanoguard audit verify` says from which record on the two differ: keep both.",
    )
  if (!asked) lines.push("Not published: --publish brings it to the places of NANOGUARD_ANCHORS.")
  return `${lines.join("\n")}\n`
}

/** An error of a place begins with its name, which the line already has. */
function withoutName(reason: string, anchor: string): string {
  const start = `the anchor ${anchor} `
  return reason.startsWith(start) ? reason.slice(start.length) : reason
}
