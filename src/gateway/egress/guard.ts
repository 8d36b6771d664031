// What looks through the body of a request on its way, where that is too long to be read before it is decided.
import { createBodyFinder } from "../../vault/find-body.ts"
import { isOfRun } from "../../vault/placeholder.ts"
import type { FoundPlaceholder } from "../../vault/types.ts"
import type { Attribution } from "../types.ts"
import type { Guard } from "./body.ts"
import type { EgressDeps } from "./deps.ts"
import { AnswerRefused } from "./forward.ts"
import type { Judged } from "./judge.ts"
import { isHidden } from "./secrets.ts"

/** A body in which a placeholder turned up where it must not be: the request is cut off. The message is a code, as that of an answer is. */
export class PlaceholderFound extends AnswerRefused {
  override name = "PlaceholderFound"
}

const NOTHING = Buffer.alloc(0)

/** Bytes that are held back, behind what may be the beginning of a placeholder, before it counts as hidden. */
const MAX_BEHIND = 65_536

/**
 * Looks through a body that streams by, and holds back what is not decided yet: no body with a placeholder in it is ever whole on the
 * other side. Throws `PlaceholderFound`, once that is recorded.
 */
export function guardBody(
  { vault, traffic, resealer }: Pick<EgressDeps, "vault" | "traffic" | "resealer">,
  who: Attribution,
  { action, evidence, verdict, carried }: Judged,
  encoding: string,
): Guard {
  if (vault === undefined || vault.locked || vault.list().length === 0)
    return { look: async (chunk) => chunk, end: async () => NOTHING }
  const { elsewhere } = carried
  const finder = createBodyFinder("body", encoding)
  let held: Buffer[] = []
  let behind = 0
  const check = async (found: readonly FoundPlaceholder[]) => {
    for (const one of found) {
      const token = resealer.find(one.text)
      const credential = token?.origin ?? vault.identify(one.text)?.credential
      if (credential === undefined) continue
      const canary = vault.list().find(({ name }) => name === credential)?.canary === true
      const own =
        token === undefined ? isOfRun(one.text, vault.placeholder(credential, who.run)) : token.run === who.run
      if (own && !canary && elsewhere === "inert") continue
      // There is nothing that could be taken out of it any more.
      if (own && !canary && elsewhere === "redact") throw new PlaceholderFound("body.unread")
      const detail = { credential, canary, where: one.where, encoding: one.encoding, cut: true }
      await traffic.exfiltration(who, { action, evidence, verdict }, detail)
      throw new PlaceholderFound("credential.unbound-placeholder")
    }
  }
  const release = (kept: Buffer[]): Buffer => {
    const free = held
    held = kept
    behind = 0
    return free.length === 1 ? free[0]! : Buffer.concat(free)
  }
  return {
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
