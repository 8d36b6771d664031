// The 403, in as many channels as clients show: reason phrase, npm-notice, and one problem+json body whose first member
// stands alone (docs/clients.md says which client shows what). Texts are templates around names, versions and ids that were validated.
import { plainText } from "../policy/text.ts"
import type { Verdict } from "../policy/types.ts"
import type { Answer } from "./answer.ts"
import type { Refusal } from "./types.ts"

/** Clients cut long lines, and cargo the body at 512 bytes. */
const MAX_ERROR = 400
const MAX_PHRASE = 160

/** A refusal as data. `seq` is the sequence number of its record. */
export function refusalOf(verdict: Verdict, seq: number, approval?: Refusal["approval"]): Refusal {
  const requestId = requestIdOf(seq)
  return {
    error: errorLine(verdict, requestId, approval),
    requestId,
    verdict,
    retryable: approval?.state === "pending",
    ...(approval !== undefined && { approval }),
  }
}

/** The id that a refusal goes by, and what `nanoguard why` takes: its place in the log. */
export function requestIdOf(seq: number): string {
  return `ng-${seq}`
}

/** One line that stands alone: what, why, what to do, and where to ask. */
export function errorLine(verdict: Verdict, requestId: string, approval?: Refusal["approval"]): string {
  const next = nextStep(verdict, approval)
  const what = `${nameOf(verdict.subject)} ${approval?.state === "pending" ? "waits for approval" : "refused"} by policy: ${verdict.code}`
  const about = evidenceIds(verdict)
  const line = (ids: string) => `${what}${ids}.${next === "" ? "" : ` ${next}.`} [${requestId}]`
  const whole = line(about === "" ? "" : ` (${about})`)
  return plainText(whole.length <= MAX_ERROR ? whole : line(""), MAX_ERROR)
}

/** "foo@1.0.0" of a purl, as a person types it. */
export function nameOf(subject: string): string {
  const found = /^pkg:[a-z]+\/(.+)$/.exec(subject)?.[1]
  return plainText(found === undefined ? subject : found.replace(/^%40/, "@"), 120)
}

function nextStep({ correction }: Verdict, approval?: Refusal["approval"]): string {
  if (approval?.state === "pending") {
    const own = correction?.command === undefined ? "" : `Run: ${correction.command}. Or repeat`
    return `${own || "Repeat"} the command once ${approval.id} is approved`
  }
  if (approval !== undefined) return saidOf(approval)
  if (correction === undefined) return ""
  if (correction.command !== undefined) return `Run: ${correction.command}`
  if (correction.target === undefined || correction.action === "request-approval") return ""
  if (correction.action === "remove") return "Remove it"
  return `Use ${nameOf(correction.target)}`
}

/** What became of a question that waits no more. A person's own words go last: they may end in a stop of their own. */
export function saidOf({ id, state, note }: NonNullable<Refusal["approval"]>): string {
  if (state !== "denied") return `${id} is ${plainText(state, 20)}`
  return `A person denied ${id}${note === undefined ? "" : `: ${plainText(note, 100).replace(/[.\s]+$/, "")}`}`
}

/** The reason phrase: code, way out and id, none of them cut; a command that was cut would be tried all the same. */
function phraseOf({ verdict, requestId, approval }: Refusal): string {
  const short = `${nameOf(verdict.subject)}: ${verdict.code}`
  const target = verdict.correction?.target
  const ways = [nextStep(verdict, approval), target === undefined ? "" : `Use ${nameOf(target)}`, ""]
  const lines = ways.map((way) => `${short}.${way === "" ? "" : ` ${way}.`} [${requestId}]`)
  return plainText(lines.find((line) => line.length <= MAX_PHRASE) ?? `${verdict.code} [${requestId}]`, MAX_PHRASE)
}

function evidenceIds({ evidence }: Verdict): string {
  const ids = evidence.flatMap((item) =>
    item.kind === "advisory" && typeof item["id"] === "string" ? [item["id"]] : [],
  )
  return ids.length > 3 ? `${ids.slice(0, 3).join(", ")} and ${ids.length - 3} more` : ids.join(", ")
}

/** The refusal as an HTTP answer (RFC 9457 problem details; uv wants exactly that content type). Never kept by a cache. */
export function renderRefusal(refusal: Refusal): Answer {
  const { verdict, error, requestId } = refusal
  const body = {
    ...refusal,
    message: error,
    type: "about:blank",
    title: plainText(`${verdict.code} [${requestId}]`, 100),
    status: 403,
    detail: plainText(sentences(verdict.reason, nextStep(verdict, refusal.approval)), 500),
  }
  return {
    status: 403,
    phrase: phraseOf(refusal),
    headers: {
      "content-type": "application/problem+json",
      "cache-control": "no-store",
      "npm-notice": error,
      "nanoguard-request": requestId,
    },
    body: JSON.stringify(body),
  }
}

/** Two sentences in one line: a person's own reason may end without a full stop. */
function sentences(first: string, second: string): string {
  return second === "" ? first : `${first}${/[.!?]$/.test(first) ? "" : "."} ${second}`
}

/**
 * The address that spells a refusal, below a protocol's mount: some clients show nothing but the address that failed. Words that
 * are no plain path segment are left out of it; ends in name, version and file, by which the request is decided again.
 */
export function blockedPath(
  verdict: Verdict | undefined,
  replacement: string | undefined,
  name: string,
  version: string,
  file: string,
): string {
  const use =
    replacement !== undefined && /^[A-Za-z0-9.+!_-]{1,100}$/.test(replacement) ? `use-${replacement}` : "held-back"
  const path = name.split("/").map(encodeURIComponent).join("/").replace(/^%40/, "@")
  return `/-/blocked/${verdict?.code ?? "policy"}/${use}/${path}/${encodeURIComponent(version)}/${encodeURIComponent(file)}`
}
