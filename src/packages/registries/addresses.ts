// Which registry answers for which package: the policy's pins, then the person's own package manager configuration, then
// the ecosystem's default. What the vetted repository says about registries is not asked.
import type { Context } from "../../context.ts"
import { EXIT, NanoguardError } from "../../errors.ts"
import type { Ecosystem } from "../../policy/types.ts"
import type { Registry } from "../types.ts"
import { parseBase } from "./config-files.ts"
import { defaultBase } from "./defaults.ts"
import type { Services } from "./fetch-document.ts"
import { createNpmRegistry } from "./npm.ts"
import { readNpmConfig } from "./npm-config.ts"

type Edge = Pick<Context, "cwd" | "env">
type Pin = { scope: string; upstream: string }

export interface Addresses {
  registries: ReadonlyMap<Ecosystem, (services: Services) => Registry>
  /** PEM texts to trust beside Node's own. */
  ca: readonly string[]
}

/** Resolves every ecosystem's registry. Throws `NanoguardError` where a pin of the policy is not an address. */
export async function resolveAddresses(edge: Edge, pins: readonly Pin[]): Promise<Addresses> {
  const registries = new Map<Ecosystem, (services: Services) => Registry>()
  const npm = readNpmConfig(edge)
  const baseUrl = npm.registry ?? (await defaultBase("npm"))
  if (baseUrl !== undefined) {
    const pinned = pins.map(({ scope, upstream }) => ({ matches: matcherOf(scope), base: upstreamOf(upstream) }))
    const baseOf = (name: string) =>
      pinned.find(({ matches }) => matches(name))?.base ?? npm.scopes.get(name.split("/", 1)[0]!) ?? baseUrl
    registries.set("npm", (services) => createNpmRegistry(services, { baseUrl, baseOf, authorize: npm.authorize }))
  }
  return { registries, ca: npm.ca }
}

/** "@acme/*" or "@acme" is a scope, "acme-*" a prefix, anything else one name. */
function matcherOf(scope: string): (name: string) => boolean {
  const prefix = scope.endsWith("*") ? scope.slice(0, -1) : /^@[^/]+$/.test(scope) ? `${scope}/` : undefined
  return prefix === undefined ? (name) => name === scope : (name) => name.startsWith(prefix)
}

function upstreamOf(upstream: string): string {
  const base = parseBase(upstream)
  if (base !== undefined) return base.baseUrl
  throw new NanoguardError("a registry's upstream in the policy is not an http(s) address", {
    exit: EXIT.configuration,
    hint: "write it as https://host/path",
  })
}
