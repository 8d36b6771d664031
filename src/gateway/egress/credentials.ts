// What a request carries of the vault's: placeholders in their slots, placeholders where they do not belong, and slots to be filled.
import type { ListRule } from "../../policy/compiled.ts"
import { compileGlob, isNormalPath } from "../../policy/glob.ts"
import { matchesHost, parseHostPattern } from "../../policy/hosts.ts"
import type { NetworkAction } from "../../policy/types.ts"
import type { Credential, FoundPlaceholder, Vault } from "../../vault/types.ts"
import type { Attribution } from "../types.ts"

/** What is to be done about credentials, should the request be let through. */
export interface Carried {
  /** To be put into the request: by its own placeholder there, or because a rule names it. */
  inject: readonly { credential: string; placeholder: string; named: boolean }[]
  /** A credential whose placeholder stands where it must not. */
  unbound?: string
  /** Where that was found, and how it was written. */
  where?: { where: string; encoding: string; stolen: boolean; canary: boolean }
  /** Credentials whose placeholders stay what they are: in what is said to a model. */
  inert: readonly string[]
  /** What becomes of those that turn up in a body that streams by. */
  elsewhere: "inert" | "redact" | "refuse"
  /** A credential that a rule names, and the vault does not have. */
  absent?: string
  /** The vault is locked, and something of it is needed. */
  locked?: true
}

export const NOTHING: Carried = { inject: [], inert: [], elsewhere: "refuse" }

export interface CarriedInput {
  who: Attribution
  action: NetworkAction
  rules: readonly ListRule<NetworkAction>[]
  found: readonly FoundPlaceholder[]
  /** Whether a placeholder stands in its credential's own slot. */
  inSlot: (found: FoundPlaceholder, credential: Credential) => boolean
  /** What becomes of those elsewhere. */
  elsewhere: "inert" | "redact" | "refuse"
}

/** Looks through what was found. A placeholder of another run is a stolen one wherever it stands. */
export function carriedBy(vault: Vault | undefined, input: CarriedInput): Carried {
  const { who, action, rules, found, inSlot, elsewhere } = input
  const nothing = { ...NOTHING, elsewhere }
  const named = [...new Set(rules.flatMap((rule) => (rule.effect === "deny" ? [] : (rule.credential ?? []))))]
  if (found.length === 0 && named.length === 0) return nothing
  if (vault === undefined) return named.length === 0 ? nothing : { ...nothing, absent: named[0]! }
  if (vault.locked) return { ...nothing, locked: true }
  const credentials = new Map(vault.list().map((credential) => [credential.name, credential]))
  const inject = new Map<string, { credential: string; placeholder: string; named: boolean }>()
  const inert = new Set<string>()
  for (const one of found) {
    const identified = vault.identify(one.text)
    if (identified === undefined) continue
    const name = identified.credential
    const credential = credentials.get(name)
    // What was found may be the heart of a placeholder, without what makes it look like a key.
    const mine = credential === undefined ? undefined : vault.placeholder(name, who.run)
    const own = mine !== undefined && vault.identify(mine)?.runTag === identified.runTag
    const fits =
      own &&
      credential !== undefined &&
      credential.canary !== true &&
      reaches(credential, who, action) &&
      inSlot(one, credential)
    if (fits) inject.set(name, { credential: name, placeholder: mine, named: named.includes(name) })
    else if (own && credential?.canary !== true && elsewhere !== "refuse") inert.add(name)
    else {
      const where = { where: one.where, encoding: one.encoding, stolen: !own, canary: credential?.canary === true }
      return { ...nothing, unbound: name, where }
    }
  }
  for (const name of named) {
    const credential = credentials.get(name)
    if (credential === undefined || credential.canary === true) return { ...nothing, absent: name }
    if (inject.has(name) || !reaches(credential, who, action)) continue
    inject.set(name, { credential: name, placeholder: vault.placeholder(name, who.run), named: true })
  }
  return { inject: [...inject.values()], inert: [...inert], elsewhere }
}

/** Whether a credential may go where a request goes, by what was said when it was set; never where nothing is encrypted. */
export function reaches({ reach }: Credential, { agent }: Attribution, action: NetworkAction): boolean {
  const { scheme, host, method, path } = action
  const { hosts, methods, paths, agents } = reach
  if (scheme !== "https" && scheme !== "wss") return false
  const isHost = hosts.some((text) => {
    const pattern = parseHostPattern(text)
    return pattern !== undefined && matchesHost(pattern, host)
  })
  return (
    isHost &&
    (agents === undefined || agents.includes(agent)) &&
    (methods === undefined || methods.includes(method)) &&
    (paths === undefined || (isNormalPath(path) && paths.some((text) => compileGlob(text)?.test(path) === true)))
  )
}
