// One request through the proxy: read, decided, held where people are asked, recorded, sent, and its answer passed on.

import { networkNeeds } from "../../policy/network.ts"
import type { Verdict } from "../../policy/types.ts"
import { Conflict } from "../../store/conflict.ts"
import { type Answer, unavailableAnswer } from "../answer.ts"
import { isRefused } from "../front/decide.ts"
import { refusalOf } from "../refusal.ts"
import { sendAnswer } from "../send.ts"
import { needsBody } from "../services/index.ts"
import type { SeenRequest } from "../services/types.ts"
import type { Refusal } from "../types.ts"
import { type BodyStart, hasBody, readStart } from "./body.ts"
import { carriedBy } from "./credentials.ts"
import type { EgressDeps } from "./deps.ts"
import { HostNotFound, type Judged, judge } from "./judge.ts"
import { absentAnswer, brokenAnswer, lockedAnswer, ownVerdict, refusedAnswer } from "./refuse.ts"
import { answerRegistry, registryRequest } from "./registry.ts"
import { release } from "./release.ts"
import { findPlaceholders, inOwnSlot } from "./secrets.ts"
import { MAX_LOOKED_INTO, seenHead, withBody } from "./seen.ts"
import type { Arrived } from "./types.ts"
import { waitForPeople, watchClient } from "./wait.ts"

/** Bytes of a body that are read before its request is decided, whether a rule looks into it or not: a refusal is then a clean one. */
const SMALL = 65_536
/** Bytes of a body that are kept while people are asked. */
const MAX_HELD = 8 * 1024 * 1024
/** Milliseconds without a byte after which a body is taken for one that does not end. */
const IDLE = 10_000
/** How often one request is decided: each time, a person's answer came between. */
const MAX_ROUNDS = 20

/** Answers one request. Rejects only where the record, the store or the vault is out of order; nothing was sent then. */
export async function answerRequest(deps: EgressDeps, arrived: Arrived): Promise<void> {
  const { who, target, request, response, url } = arrived
  const answer = (given: Answer) => sendAnswer(request, response, given, deps.stall)
  const method = request.method ?? "GET"
  const awaits = request.headers.expect !== undefined
  const proceed = () => {
    if (awaits && !response.headersSent && !response.destroyed) response.writeContinue()
  }
  const asked = registryRequest(deps.law().registries, target, method, url)
  if (asked !== undefined) {
    const readBody = async (limit: number) => {
      proceed()
      const { bytes, whole } = await readStart(request, limit, IDLE)
      return whole ? bytes : undefined
    }
    await answer(await answerRegistry(deps.front, who, request, asked, readBody))
    return
  }
  const head = seenHead(target, method, url, request.headers)
  let start: BodyStart | undefined
  for (let round = 0; round < MAX_ROUNDS; round++) {
    const { policy } = deps.law()
    const needs = networkNeeds(policy, target.host, target.port)
    const limit = firstLimit(head, needs.selectors, needs.service)
    if (start === undefined && limit > 0 && hasBody(request)) proceed()
    start ??= hasBody(request) && limit === 0 ? NOT_READ : await readStart(request, limit, IDLE)
    const seen = await withBody(head, start)
    const found = findPlaceholders(url, request, start.whole ? start.bytes : undefined)
    const whole = start.whole ? start.bytes : undefined
    const judged = await judge(
      {
        policy,
        ...{ now: deps.now, budgets: deps.budgets, resolve: deps.resolve },
        grantsFor: (args) => deps.holds.grantsFor(who, policy, args),
      },
      {
        ...{ who, seen, needs, body: whole },
        carried: async (action, rules, { model }) =>
          carriedBy(deps.vault, {
            ...{ who, action, rules, found, inSlot: inOwnSlot },
            elsewhere: needs.placeholders ?? (model === true ? "inert" : "refuse"),
          }),
      },
    ).catch((error: unknown) => {
      if (error instanceof HostNotFound) return undefined
      throw error
    })
    if (judged === undefined) {
      await answer(brokenAnswer(target.host, "the name has no address"))
      return
    }
    const { carried, verdict, reserved } = judged
    deps.front.metrics.decided(verdict)
    const giveBack = () => reserved?.settle({})
    if (!isRefused(verdict)) {
      if (carried.locked === true || carried.absent !== undefined) {
        giveBack()
        await answer(carried.locked ? lockedAnswer() : absentAnswer(carried.absent ?? ""))
        return
      }
      try {
        return await release(deps, { ...arrived, start, proceed, judged, needs })
      } catch (error) {
        giveBack()
        // What people agreed to was used up meanwhile: they are asked again.
        if (error instanceof Conflict) continue
        throw error
      }
    }
    giveBack()
    if (verdict.effect === "deny") {
      await answer(await refuse(deps, arrived, judged, verdict))
      return
    }
    if (!start.whole) {
      proceed()
      start = await readStart(request, MAX_HELD, IDLE, start)
      if (start.whole) continue
      await answer(await refuse(deps, arrived, judged, ownVerdict(verdict, "hold.body-unbounded")))
      return
    }
    const { left, release: unwatch } = watchClient(response)
    const answered = await waitForPeople(deps, who, left, policy, judged, start.bytes).finally(unwatch)
    if (answered === "granted") continue
    if (answered === "left") return
    if (answered === "stopping") {
      await answer(unavailableAnswer("the gate stops; the request waits for a person and may be repeated", 5))
      return
    }
    await answer(await refuse(deps, arrived, judged, answered.verdict, answered.approval))
    return
  }
  await answer(unavailableAnswer("the request was decided too often; repeat it", 5))
}

const NOT_READ: BodyStart = { bytes: Buffer.alloc(0), whole: false }

/** How much of a body is read before its request is decided. */
function firstLimit(head: SeenRequest, selectors: readonly string[], service: string | undefined): number {
  const stated = head.headers["content-length"]
  const length = stated === undefined ? undefined : Number(stated)
  if (needsBody(head, selectors, service)) return length !== undefined && length > MAX_LOOKED_INTO ? 0 : MAX_LOOKED_INTO
  return length !== undefined && length <= SMALL ? SMALL : 0
}

/** Records a refusal, and words it. */
export async function refuse(
  deps: EgressDeps,
  { who }: Pick<Arrived, "who">,
  { action, evidence, carried }: Judged,
  verdict: Verdict,
  approval?: Refusal["approval"],
): Promise<Answer> {
  const decision = { action, evidence, verdict }
  const seq =
    verdict.code === "credential.unbound-placeholder" && carried.where !== undefined
      ? await deps.traffic.exfiltration(who, decision, { credential: carried.unbound ?? "", ...carried.where })
      : await deps.traffic.refused(who, decision, approval === undefined ? {} : { approval: approval.id })
  deps.front.runs.refused(who, refusalOf(verdict, seq, approval))
  return refusedAnswer(verdict, seq, approval)
}
