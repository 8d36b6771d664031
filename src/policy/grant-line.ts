// The one line of the policy that lets a refused request through: complete, or none at all.
import { parseAddressRange } from "./address-ranges.ts"
import { isPrivateAddress } from "./addresses.ts"
import { allowing } from "./allowed.ts"
import { formatAllow, slugOf } from "./flow.ts"
import { NAME } from "./names.ts"
import type { NetworkAction, Verdict } from "./types.ts"

/** What of a request, beside itself, a rule has to name. */
export interface Needed {
  /** Names of the credentials that go onto it. */
  credentials?: readonly string[]
  /** What its host resolved to; public addresses need no word. */
  addresses?: readonly string[]
  /** Whether a rule of this id is there already. */
  isTaken?: (id: string) => boolean
}

/** Most addresses that a line names. */
const MOST = 8

/**
 * The line under `network` that would allow a request, for the person; undefined where no line should, or where one line could not: private
 * hosts, paths out of normal form, several credentials, addresses that no rule may name. It outweighs no rule that asks or denies.
 */
export function grantLine(action: NetworkAction, needed: Needed = {}): string | undefined {
  const { credentials = [], addresses = [], isTaken = () => false } = needed
  const allowed = allowing(action)
  const near = [...new Set(addresses.filter(isPrivateAddress))]
  if (allowed === undefined || credentials.length > 1 || near.length > MOST) return undefined
  if (!credentials.every((name) => NAME.test(name))) return undefined
  if (near.some((address) => typeof parseAddressRange(address) === "string")) return undefined
  return formatAllow({
    ...{ id: freeId(`allow-${slugOf(action.host)}`, isTaken), ...allowed },
    ...(credentials[0] !== undefined && { credential: credentials[0] }),
    ...(near.length > 0 && { addresses: near }),
  })
}

function freeId(id: string, isTaken: (id: string) => boolean): string {
  if (!isTaken(id)) return id
  for (let number = 2; ; number++) if (!isTaken(`${id}-${number}`) || number > 1_000) return `${id}-${number}`
}

/** Refusals that a rule which allows does away with, by code and the beginning of the rule that says so. */
const LIFTED: Readonly<Record<string, string>> = {
  "network.host-denied": "network.default ",
  "credential.denied": "credentials.default ",
  "network.private-address": "floor.private-address ",
}

/** The line for a request that was refused; undefined also where another rule, or another floor, would refuse it still, or ask. */
export function lineForRefusal(action: NetworkAction, verdict: Verdict, needed: Needed): string | undefined {
  if (verdict.effect !== "deny" || verdict.mode !== "enforce") return undefined
  const stands = [verdict, ...(verdict.also ?? [])].some(({ code, rule }) => {
    const start = Object.hasOwn(LIFTED, code) ? LIFTED[code] : undefined
    return start === undefined || !rule.startsWith(start)
  })
  const isNear = [verdict, ...(verdict.also ?? [])].some(({ code }) => code === "network.private-address")
  if (stands || (isNear && !needed.addresses?.some(isPrivateAddress))) return undefined
  return grantLine(action, needed)
}
