// A gate that holds requests, without a network: decides by a real policy, asks real grants, and writes real batches.
import { createHash } from "node:crypto"
import { answerApproval } from "../../../src/approvals/answer.ts"
import { askingRules } from "../../../src/approvals/requests.ts"
import type { ActiveGrant, Flooded, NetworkArguments, Signer, Terms } from "../../../src/approvals/types.ts"
import { createHolds } from "../../../src/gateway/hold/holds.ts"
import { nameProcess } from "../../../src/gateway/hold/process.ts"
import { insertHeld, readMark, readMarks } from "../../../src/gateway/hold/rows.ts"
import type { HeldItem, HoldOptions, Holds } from "../../../src/gateway/hold/types.ts"
import type { Attribution } from "../../../src/gateway/types.ts"
import type { CompiledPolicy } from "../../../src/policy/compiled.ts"
import { decide } from "../../../src/policy/decide.ts"
import { loadPolicy } from "../../../src/policy/load.ts"
import type { NetworkAction, Verdict } from "../../../src/policy/types.ts"
import { ownIdentity } from "../../../src/sandbox/owner.ts"
import type { Store } from "../../../src/store/types.ts"
import { NOW } from "../../context.ts"
import { deadOwner } from "../../sandbox/process-engine.ts"
import { createSealer } from "./sealer.ts"

export const policyOf = (text: string) => loadPolicy(`version: 1\n${text}`, "nanoguard.yaml")

export const POLICY = policyOf(`network:
  - { id: writes, ask: api.example.com, methods: [POST, DELETE] }
  - { id: admin, ask: api.example.com, paths: ["/admin/**"] }
  - { id: pay, ask: pay.example.com, approvers: two }
  - { id: never, deny: evil.example.com }
approvers:
  default: { people: [ana, ben, cy], expire: 15m }
  two: { people: [ana, ben], quorum: 2, expire: 15m }
`)

export const WHO: Attribution = { agent: "claude-1", run: "r1", operator: "olga", boxed: true }

/** What the pipeline makes of `POST https://api.example.com/v1/mail` and such. */
export function asking(line: string, body?: string, policy: CompiledPolicy = POLICY) {
  const [method, address] = line.split(" ") as [string, string]
  const { hostname: host, port, pathname: path, search } = new URL(address)
  const action: NetworkAction = { kind: "network", method, scheme: "https", host, port: Number(port || 443), path }
  const bytes = body === undefined ? undefined : Buffer.from(body)
  const verdict = decide(policy, action, { now: NOW })
  const request: NetworkArguments = {
    ...{ method, scheme: "https", host, port: action.port, path, query: search.slice(1), headers: {} },
    ...(bytes && { body: { sha256: sha256(bytes), size: bytes.length, type: "text/plain" } }),
    ...askingRules(verdict),
    ...{ codes: [verdict.code], reason: verdict.reason, shown: { verb: "send" } },
  }
  return { action, verdict, request, bytes }
}

const sha256 = (bytes: Buffer) => createHash("sha256").update(bytes).digest("hex")

export interface Gate {
  store: Store
  holds: Holds
  /** As the pipeline does: decided with what people agreed to. */
  judge: (line: string, more?: Judging) => Promise<{ verdict: Verdict; grants: readonly ActiveGrant[] }>
  hold: (line: string, more?: Judging) => Promise<Exclude<Awaited<ReturnType<Holds["hold"]>>, Flooded>>
  /** Holds, and expects that it waits. */
  held: (line: string, more?: Judging) => Promise<HeldItem>
  /** Uses what was granted in one batch with the record of it: where this resolves, the request may be sent. */
  release: (line: string, more?: Judging) => Promise<ReturnType<Holds["consume"]>>
}

export interface Judging {
  body?: string
  who?: Partial<Attribution>
  policy?: CompiledPolicy
  item?: HeldItem
}

export function openHolds(
  store: Store,
  { gateway = "gw", now = () => NOW, vault = createSealer(), ...options }: OpenOptions = {},
): Gate {
  const holds = createHolds(store, vault, gateway, now, options)
  const judge: Gate["judge"] = async (line, { body, who, policy = POLICY } = {}) => {
    const { action, verdict, request } = asking(line, body, policy)
    if (verdict.effect !== "ask") return { verdict, grants: [] }
    const grants = await holds.grantsFor({ ...WHO, ...who }, policy, request)
    return { verdict: decide(policy, action, { now: now(), grants: grants.map(({ grant }) => grant) }), grants }
  }
  const hold: Gate["hold"] = async (line, { body, who, policy = POLICY } = {}) => {
    const { verdict, request, bytes } = asking(line, body, policy)
    const held = await holds.hold({ ...WHO, ...who }, policy, verdict, request, bytes)
    if (held.state === "flooded") throw new Error("flooded")
    return held
  }
  return {
    ...{ store, holds, judge, hold },
    held: async (line, more) => {
      const held = await hold(line, more)
      if (held.state !== "pending") throw new Error(`${held.state}: ${held.note}`)
      return held
    },
    release: async (line, more = {}) => {
      const { verdict, grants } = await judge(line, more)
      if (verdict.effect !== "allow") throw new Error(`not let through: ${verdict.effect} ${verdict.code}`)
      const consumed = holds.consume(grants, more.item)
      const event = { type: "network.released", subject: verdict.subject, gateway, outcome: "released" as const }
      await store.write({ changes: consumed, events: [{ ...event, approval: grants[0]?.grant.id ?? "none" }] })
      return consumed
    },
  }
}

interface OpenOptions extends HoldOptions {
  gateway?: string
  now?: () => number
  vault?: ReturnType<typeof createSealer>
}

/** The process that released what is not finished is dead from now on. */
export async function bereave(store: Store): Promise<void> {
  const name = nameProcess({ ...ownIdentity(), ...(await deadOwner()) })
  for (const row of await readMarks(store.db)) {
    const approval = row.approval.replace(readMark(row.approval)!.process, name)
    const remove = store.db.deleteFrom("held").where("approval", "=", row.approval).compile()
    await store.write({ changes: [remove, insertHeld(store.db, { ...row, approval, sealed: Buffer.alloc(0) })] })
  }
}

const HOUR = 3_600_000

/** A person's yes, for an hour and for the run. */
export function approve(store: Store, { id }: { id: string }, person: Signer, terms: Terms = {}, now = NOW) {
  const meant = { scope: "run" as const, expires: now + HOUR, ...terms }
  return answerApproval(store, id, { answer: "approve", terms: meant }, person, now, "person")
}

/** A person's no. */
export function deny(store: Store, { id }: { id: string }, person: Signer, note = "not today", now = NOW) {
  return answerApproval(store, id, { answer: "deny", terms: { note } }, person, now, "person")
}

export const never = () => new AbortController().signal
