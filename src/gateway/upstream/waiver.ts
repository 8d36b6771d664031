// JFrog Curation's waiver requests: a header on the blocked artifact's address, answered in the 403 (jfrog-cli-security,
// `curation-audit`).
import { parseForeignJson } from "../../foreign-json.ts"

/** What became of a request for a waiver. */
export interface Waiver {
  ok: true
  /** Artifactory's own id of it; "" where it gave none. */
  id: string
  state: "pending" | "approved" | "forbidden" | "error"
}

export const WAIVER_HEADER = "x-artifactory-curation-request-waiver"

/** Whether a reason may go into the header: 5 to 300 printable ASCII characters, as Artifactory wants it. */
export function isWaiverReason(reason: string): boolean {
  return /^[\x20-\x7e]{5,300}$/.test(reason) && reason.trim().length >= 5
}

/** Reads the answer: `<id>|<state>` in the first error's message. Undefined where it is none. */
export function readWaiver(body: string): Waiver | undefined {
  for (const message of messagesOf(body)) {
    const match = /^\s*([A-Za-z0-9_-]{0,64})\s*\|\s*(pending|approved|forbidden|error)\b/i.exec(message)
    if (match) return { ok: true, id: match[1]!, state: match[2]!.toLowerCase() as Waiver["state"] }
  }
  return undefined
}

function messagesOf(body: string): string[] {
  try {
    const { errors } = parseForeignJson(body) as { errors?: unknown }
    if (!Array.isArray(errors)) return []
    return errors.slice(0, 20).flatMap((error: { message?: unknown } | null) => {
      return typeof error?.message === "string" ? [error.message.slice(0, 2_000)] : []
    })
  } catch {
    // Some answers come without their envelope.
    return [body.slice(0, 2_000)]
  }
}
