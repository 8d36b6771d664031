// What a box may ask the gate about itself: `http://nanoguard.internal/v1/...` through the proxy, or `/-/nanoguard/v1/...` at the gate's
// own address. Its own run only: whoever asks is known by the socket.
import type { IncomingMessage, ServerResponse } from "node:http"
import { readApproval } from "../../approvals/list.ts"
import { readBody as readRecord } from "../../audit/sealing/record-shape.ts"
import { NanoguardError } from "../../errors.ts"
import { parseForeignJson } from "../../foreign-json.ts"
import { cleanText } from "../../render/clean.ts"
import type { Store } from "../../store/types.ts"
import { type Answer, errorAnswer, unavailableAnswer } from "../answer.ts"
import { PATIENCE, readStart } from "../egress/body.ts"
import { OWN_NAME } from "../egress/open.ts"
import { requestException } from "../front/exception.ts"
import type { Front } from "../front/types.ts"
import { sendAnswer } from "../send.ts"
import type { Attribution, Refusal } from "../types.ts"

export interface InternalOptions {
  front: Front
  store: Pick<Store, "db">
  who: Attribution
  /** Milliseconds since the epoch. */
  started: number
}

const PREFIXES = [`http://${OWN_NAME}/`, `http://${OWN_NAME}:80/`, "/-/nanoguard/"]
const ID = /^ng-([1-9]\d{0,14})$/
/** Questions a minute, and requests to people a minute. */
const MOST = { asked: 240, requested: 6 }
const MINUTE = 60_000
const MAX_BODY = 16_384
const MAX_REASON = 500
const MAX_TOLD = 5
const STALL = 30_000

/** Answers what is asked of the gate itself; false for any other request. */
export function createInternal(
  options: InternalOptions,
): (request: IncomingMessage, response: ServerResponse) => boolean {
  const { now } = options.front
  const rate = { minute: 0, asked: 0, requested: 0 }
  const spend = (what: "asked" | "requested") => {
    const minute = Math.floor(now() / MINUTE)
    if (rate.minute !== minute) Object.assign(rate, { minute, asked: 0, requested: 0 })
    rate[what] += 1
    return rate[what] <= MOST[what]
  }
  const answer = async (request: IncomingMessage, path: string): Promise<Answer> => {
    if (!spend("asked")) return slower()
    const [route = "", query = ""] = path.split("?", 2)
    const { method } = request
    if (method === "GET" && route === "v1/run") return json(describeRun(options))
    if (method === "GET" && route === "v1/refusals")
      return refusalsSince(options, Number(new URLSearchParams(query).get("since")))
    const [, verb, name = ""] = /^v1\/(why|request)\/([\w-]{1,20})$/.exec(route) ?? []
    if (verb === "why" && method === "GET") return why(options, name)
    if (verb !== "request" || method !== "POST") return errorAnswer(404, "there is nothing by that name")
    return spend("requested") ? askPeople(options, name, request) : slower()
  }
  return (request, response) => {
    const prefix = PREFIXES.find((one) => request.url?.startsWith(one))
    if (prefix === undefined) return false
    answer(request, request.url!.slice(prefix.length))
      .catch(failed)
      .then((sent) => sendAnswer(request, response, sent, STALL))
    return true
  }
}

const slower = () => errorAnswer(429, "that was asked too often; come again in a minute", { "retry-after": "60" })

function failed(error: unknown): Answer {
  if (error instanceof NanoguardError) return errorAnswer(409, error.message)
  return unavailableAnswer("the gateway cannot answer at the moment")
}

function json(value: unknown): Answer {
  return {
    status: 200,
    headers: { "content-type": "application/json", "cache-control": "no-store" },
    body: JSON.stringify(value),
  }
}

function describeRun({ front, who, started }: InternalOptions) {
  const { policy } = front.law()
  const refusals = refusalsOf(front, who)
  return {
    ...{ schema: "nanoguard.own-run/1", run: who.run, agent: who.agent, started },
    ...{ policy: { hash: policy.hash, mode: policy.mode }, refusals: refusals.length },
    ...(refusals.length > 0 && { last: refusals.at(-1)!.requestId }),
  }
}

/** Refusals of this run, the last one at the end. */
function refusalsOf({ runs }: Front, { visit = "" }: Attribution): Refusal[] {
  const found = runs.summary(visit)?.summary.refusals ?? []
  return [...found].sort((a, b) => sequenceOf(a.requestId) - sequenceOf(b.requestId))
}

const sequenceOf = (requestId: string) => Number(ID.exec(requestId)?.[1] ?? 0)

/** What the wrappers print after a command that failed: a line for each refusal since then, each once. */
async function refusalsSince({ front, store, who }: InternalOptions, since: number): Promise<Answer> {
  const headers = { "content-type": "text/plain; charset=utf-8", "cache-control": "no-store" }
  const lines: string[] = []
  for (const { requestId, error } of refusalsOf(front, who).slice(-MAX_TOLD)) {
    const record = await recordOf(store, requestId)
    if (record !== undefined && Date.parse(record.time) >= since) lines.push(`nanoguard: ${cleanText(error, 500)}\n`)
  }
  return { status: 200, headers, body: lines.join("") }
}

/** A decision about this run. What is another's is as unknown as what was never asked. */
async function ownRecord({ front, store, who }: InternalOptions, name: string) {
  const id = name === "last" ? refusalsOf(front, who).at(-1)?.requestId : name
  const record = id === undefined ? undefined : await recordOf(store, id)
  return record?.verdict === undefined || record.run !== who.run
    ? undefined
    : { ...record, id: id!, verdict: record.verdict }
}

async function recordOf({ db }: Pick<Store, "db">, id: string) {
  const seq = sequenceOf(id)
  const row =
    seq === 0 ? undefined : await db.selectFrom("events").select("body").where("seq", "=", seq).executeTakeFirst()
  return row && readRecord(row.body)
}

async function why(options: InternalOptions, name: string): Promise<Answer> {
  const { front, store, who } = options
  const found = await ownRecord(options, name)
  if (found === undefined) return errorAnswer(404, "nothing by that id was decided for this run")
  const { id, verdict, time, outcome, approval } = found
  const asked = approval === undefined ? undefined : await readApproval(store.db, approval, front.now())
  const note = asked?.decisions.find(({ answer }) => answer === "deny")?.terms.note
  // The record has the verdict without its way out where that was found later.
  const told = refusalsOf(front, who).find(({ requestId }) => requestId === id)?.verdict ?? verdict
  return json({
    ...{ schema: "nanoguard.why/1", request: id, time, agent: who.agent, run: who.run, verdict: told },
    ...(outcome !== undefined && { outcome }),
    ...(approval !== undefined && { approval }),
    ...(asked && { approvalState: asked.state }),
    ...(asked?.state === "denied" && note !== undefined && { approvalNote: note }),
  })
}

async function askPeople(options: InternalOptions, name: string, request: IncomingMessage): Promise<Answer> {
  const { front, who } = options
  if (front.killed?.(who)) return errorAnswer(403, "agent.killed: the agent is under a kill and may do nothing")
  const { bytes, whole } = await readStart(request, MAX_BODY, PATIENCE, () => {})
  const reason = whole ? readReason(bytes) : undefined
  if (reason === undefined) return errorAnswer(400, `say why: {"reason": "..."}, at most ${MAX_REASON} characters`)
  const found = await ownRecord(options, name)
  if (found === undefined || found.verdict.effect === "allow")
    return errorAnswer(404, "nothing by that id was refused for this run")
  if (!found.verdict.subject.startsWith("pkg:"))
    return errorAnswer(409, "exceptions are for packages; a person may change what the policy says of this host")
  const { agent, run, operator } = who
  const asked = await requestException(front, { who: { agent, run, operator }, verdict: found.verdict, reason })
  return asked === undefined ? errorAnswer(429, "too much waits for people already") : json(asked)
}

function readReason(bytes: Buffer): string | undefined {
  try {
    const { reason } = parseForeignJson(bytes.toString("utf8")) as { reason?: unknown }
    return typeof reason === "string" && reason.trim() !== "" && reason.length <= MAX_REASON ? reason : undefined
  } catch {
    return undefined
  }
}
