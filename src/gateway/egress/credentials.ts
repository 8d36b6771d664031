// What a request carries of the vault's: placeholders in their slots, placeholders where they do not belong, and slots to be filled.
import type { ListRule } from "../../policy/compiled.ts"
import { compileGlob, isNormalPath } from "../../policy/glob.ts"
import { matchesHost, parseHostPattern } from "../../policy/hosts.ts"
import type { NetworkAction, Unread } from "../../policy/types.ts"
import { checkSlot } from "../../vault/inject.ts"
import { isOfRun } from "../../vault/placeholder.ts"
import type { Resealed } from "../../vault/reseal.ts"
import type { Credential, FoundPlaceholder, Vault } from "../../vault/types.ts"
import type { Attribution } from "../types.ts"
import type { Looked } from "./secrets.ts"

/** A credential that goes into a request. */
export interface Injecting {
  /** As the policy names it. */
  credential: string
  placeholder: string
  /** A token that an origin handed out, kept by the gate under this name and for this slot: it goes by its credential's rules. */
  kept?: Credential
}

/** What is to be done about credentials, should the request be let through. */
export interface Carried {
  /** To be put into the request: by its own placeholder there, or because a rule names it. */
  inject: readonly Injecting[]
  /** A credential whose placeholder stands where it must not. */
  unbound?: string
  /** Where that was found, and how it was written. */
  where?: { where: string; encoding: string; stolen: boolean; canary: boolean }
  /** Placeholders that stay what they are, in what is said to a model. */
  inert: readonly FoundPlaceholder[]
  /** What becomes of those, and of others that turn up in a body that streams by. */
  elsewhere: Elsewhere
  /** Why the body could not be looked through for placeholders. */
  unread?: Unread
  /** A credential that a rule names, and the vault does not have. */
  absent?: string
  /** The vault is locked, and something of it is needed. */
  locked?: true
}

export type Elsewhere = "inert" | "redact" | "refuse"

export const NOTHING: Carried = { inject: [], inert: [], elsewhere: "refuse" }

export interface CarriedInput {
  who: Attribution
  action: NetworkAction
  rules: readonly ListRule<NetworkAction>[]
  looked: Looked
  /** Tokens that origins handed out. */
  kept: (text: string) => Resealed | undefined
  elsewhere: Elsewhere
}

/** Looks through what was found. A placeholder of another run is a stolen one wherever it stands. */
export function carriedBy(vault: Vault | undefined, input: CarriedInput): Carried {
  const { who, action, rules, looked, elsewhere } = input
  const { found, unread, flooded } = looked
  const nothing = { ...NOTHING, elsewhere }
  const named = [...new Set(rules.flatMap((rule) => (rule.effect === "deny" ? [] : (rule.credential ?? []))))]
  if (found.length === 0 && named.length === 0 && unread === undefined) return nothing
  if (vault === undefined) return named.length === 0 ? nothing : { ...nothing, absent: named[0]! }
  if (vault.locked) return { ...nothing, locked: true }
  const credentials = new Map(vault.list().map((credential) => [credential.name, credential]))
  const inject = new Map<string, Injecting>()
  const inert: FoundPlaceholder[] = []
  for (const one of found) {
    const owned = ownerOf(vault, credentials, input, one)
    if (owned === undefined) continue
    const { name, own, fits, canary } = owned
    if (fits !== undefined) inject.set(fits.kept?.name ?? name, fits)
    else if (own && !canary && elsewhere !== "refuse") inert.push(one)
    else return { ...nothing, unbound: name, where: { where: one.where, encoding: one.encoding, stolen: !own, canary } }
  }
  for (const name of named) {
    const credential = credentials.get(name)
    if (credential === undefined || credential.canary === true) return { ...nothing, absent: name }
    if (inject.has(name) || !reaches(credential, who, action)) continue
    inject.set(name, { credential: name, placeholder: vault.placeholder(name, who.run) })
  }
  return {
    ...{ inject: [...inject.values()], inert, elsewhere },
    // What hides its content may hide a placeholder, too.
    ...(unread !== undefined && (flooded === true || elsewhere !== "inert") && { unread }),
  }
}

interface Owned {
  /** The credential that it stands for, or that it came by. */
  name: string
  /** It is this run's. */
  own: boolean
  canary: boolean
  /** It is where it belongs. */
  fits?: Injecting
}

/** Whose placeholder something is; undefined where it is nobody's. */
function ownerOf(
  vault: Vault,
  credentials: ReadonlyMap<string, Credential>,
  { who, action, kept }: CarriedInput,
  found: FoundPlaceholder,
): Owned | undefined {
  const belongs = (credential: Credential) => reaches(credential, who, action) && checkSlot(found, credential)
  const token = kept(found.text)
  if (token !== undefined) {
    const { origin, placeholder, run } = token
    const own = run === who.run
    const slot = own ? token.credentials.find(belongs) : undefined
    return { name: origin, own, canary: false, ...(slot && { fits: { credential: origin, placeholder, kept: slot } }) }
  }
  const identified = vault.identify(found.text)
  if (identified === undefined) return undefined
  const name = identified.credential
  const credential = credentials.get(name)
  if (credential === undefined) return { name, own: false, canary: false }
  const canary = credential.canary === true
  const placeholder = vault.placeholder(name, who.run)
  // What was found may be the heart of a placeholder, without what makes it look like a key, or one half of a pair.
  const own = isOfRun(found.text, placeholder)
  return {
    name,
    own,
    canary,
    ...(own && !canary && belongs(credential) && { fits: { credential: name, placeholder } }),
  }
}

/** Whether there is a credential for a host whose slot is in a body: such a body is read before it is decided, whatever rules look at. */
export function wantsBody(vault: Vault | undefined, host: string): boolean {
  return vault?.list().some(({ slot, reach }) => slot.in === "body" && leadsTo(reach, host)) === true
}

function leadsTo({ hosts }: Credential["reach"], host: string): boolean {
  return hosts.some((text) => {
    const pattern = parseHostPattern(text)
    return pattern !== undefined && matchesHost(pattern, host)
  })
}

/** Whether a credential may go where a request goes, by what was said when it was set; never where nothing is encrypted. */
export function reaches({ reach }: Credential, { agent }: Attribution, action: NetworkAction): boolean {
  const { scheme, host, method, path } = action
  const { methods, paths, agents } = reach
  if (scheme !== "https" && scheme !== "wss") return false
  return (
    leadsTo(reach, host) &&
    (agents === undefined || agents.includes(agent)) &&
    (methods === undefined || methods.includes(method)) &&
    (paths === undefined || (isNormalPath(path) && paths.some((text) => compileGlob(text)?.test(path) === true)))
  )
}
