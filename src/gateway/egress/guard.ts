// What looks through the body of a request on its way, where that is too long to be read before it is decided.
import { findIn } from "../../vault/find.ts"
import { type BodyFinder, createBodyFinder } from "../../vault/find-body.ts"
import { isOfRun } from "../../vault/placeholder.ts"
import type { Credential, FoundPlaceholder } from "../../vault/types.ts"
import type { Attribution } from "../types.ts"
import type { Guard } from "./body.ts"
import { reaches } from "./credentials.ts"
import type { EgressDeps } from "./deps.ts"
import { AnswerRefused } from "./forward.ts"
import type { Piece } from "./frames.ts"
import type { Judged } from "./judge.ts"
import { isHidden } from "./secrets.ts"

/** A body in which a placeholder turned up where it must not be: the request is cut off. The message is a code, as that of an answer is. */
export class PlaceholderFound extends AnswerRefused {
  override name = "PlaceholderFound"
}

const NOTHING = Buffer.alloc(0)

/** Bytes that are held back, behind what may be the beginning of a placeholder, before it counts as hidden. */
const MAX_BEHIND = 65_536

type Check = (found: readonly FoundPlaceholder[]) => Promise<void>

/** Throws `PlaceholderFound` where one of them must not be where it is, once that is recorded; `belongs` says of a run's own where it may be. */
function createCheck(
  { vault, traffic, resealer }: Pick<EgressDeps, "vault" | "traffic" | "resealer">,
  who: Attribution,
  { action, evidence, verdict, carried: { elsewhere } }: Judged,
  belongs: (credentials: readonly Credential[]) => boolean = () => false,
): Check {
  return async (found) => {
    for (const one of found) {
      const token = resealer.find(one.text)
      const credential = token?.origin ?? vault?.identify(one.text)?.credential
      if (vault === undefined || credential === undefined) continue
      const kept = vault.list().filter(({ name }) => name === credential)
      const canary = kept[0]?.canary === true
      const own =
        token === undefined ? isOfRun(one.text, vault.placeholder(credential, who.run)) : token.run === who.run
      if (own && !canary && (elsewhere === "inert" || belongs(token?.credentials ?? kept))) continue
      // There is nothing that could be taken out of it any more.
      if (own && !canary && elsewhere === "redact") throw new PlaceholderFound("body.unread")
      const detail = { credential, canary, where: one.where, encoding: one.encoding, cut: true }
      await traffic.exfiltration(who, { action, evidence, verdict }, detail)
      throw new PlaceholderFound("credential.unbound-placeholder")
    }
  }
}

/**
 * Looks through a body that streams by, and holds back what is not decided yet: no body with a placeholder in it is ever whole on the
 * other side. Throws `PlaceholderFound`, once that is recorded.
 */
export function guardBody(
  { vault, traffic, resealer }: Pick<EgressDeps, "vault" | "traffic" | "resealer">,
  who: Attribution,
  judged: Judged,
  encoding: string,
): Guard & { check: Check } {
  if (vault === undefined || vault.locked || vault.list().length === 0)
    return { look: async (chunk) => chunk, end: async () => NOTHING, check: async () => {} }
  const { elsewhere } = judged.carried
  const finder = createBodyFinder("body", encoding)
  let held: Buffer[] = []
  let behind = 0
  const check = createCheck({ vault, traffic, resealer }, who, judged)
  const release = (kept: Buffer[]): Buffer => {
    const free = held
    held = kept
    behind = 0
    return free.length === 1 ? free[0]! : Buffer.concat(free)
  }
  return {
    check,
    look: async (chunk) => {
      await check(await finder.push(chunk))
      if (held.length > 0) behind += chunk.length
      // What is compressed is known to be sound at its end alone.
      if (encoding !== "" && !finder.waiting) return release([chunk])
      held.push(chunk)
      if (!finder.waiting) return release([])
      if (behind > MAX_BEHIND) throw new PlaceholderFound("body.unread")
      return NOTHING
    },
    end: async () => {
      await check(await finder.end())
      if (isHidden(finder.unread) && elsewhere !== "inert") throw new PlaceholderFound("body.unread")
      return release([])
    },
  }
}

/** What looks through the messages of one side as they pass. */
export interface MessageGuard {
  /** Rejects with `PlaceholderFound`, once that is recorded. */
  look: (piece: Piece) => Promise<void>
  /** Something began that may be a placeholder: nothing from there on may go until the next bytes say. */
  readonly waiting: boolean
}

/**
 * Looks through what a client says on a WebSocket, undefined where there is nothing to look for. Frames have no slot: to a host that a
 * credential is bound to its placeholder passes as it is, and is worth nothing there; to any other it is refused as in a body.
 */
export function guardMessages(
  deps: Pick<EgressDeps, "vault" | "traffic" | "resealer">,
  who: Attribution,
  judged: Judged,
): MessageGuard | undefined {
  const { vault } = deps
  if (vault === undefined || vault.locked || vault.list().length === 0) return undefined
  const check = createCheck(deps, who, judged, (bound) => bound.some((one) => reaches(one, who, judged.action)))
  let finder: BodyFinder | undefined
  const isUnread = () => isHidden(finder?.unread) && judged.carried.elsewhere !== "inert"
  return {
    look: async ({ opcode, bytes, ends }) => {
      if (opcode > 2) return check(findIn(bytes, "message"))
      finder ??= createBodyFinder("message")
      await check(await finder.push(bytes))
      if (!ends) return
      await check(await finder.end())
      if (isUnread()) throw new PlaceholderFound("body.unread")
      finder = undefined
    },
    get waiting() {
      return finder?.waiting === true
    },
  }
}
