// Which registry answers for which ecosystem: the policy's pins, then the person's own package manager configuration, then
// the ecosystem's default. What the vetted repository says about registries is not asked.
import type { Context } from "../../context.ts"
import type { Ecosystem } from "../../policy/types.ts"
import type { Registry } from "../types.ts"
import { createCargoRegistry } from "./cargo.ts"
import { readCargoIndex } from "./cargo-config.ts"
import { readCargoToken } from "./cargo-credentials.ts"
import { boundTo } from "./config-files.ts"
import { defaultBase } from "./defaults.ts"
import type { Services } from "./fetch-document.ts"
import { readGoConfig } from "./go-config.ts"
import { createGoRegistry } from "./golang.ts"
import { readNetrc } from "./netrc.ts"
import { createNpmRegistry, type Endpoints } from "./npm.ts"
import { readNpmConfig } from "./npm-config.ts"
import { readIndexConfig } from "./pip-config.ts"
import { createPypiRegistry } from "./pypi.ts"
import { createBaseOf, type Pin } from "./upstreams.ts"

type Edge = Pick<Context, "cwd" | "env">
type Create = (services: Services) => Registry

export interface Addresses {
  registries: ReadonlyMap<Ecosystem, Create>
  /** Which base answers for a name, and what to say there, by ecosystem: for who asks for more than documents. */
  endpoints: ReadonlyMap<Ecosystem, Endpoints>
  /** Origins of every address that is configured, by whomever. */
  origins: ReadonlySet<string>
  /** PEM texts to trust beside Node's own. */
  ca: readonly string[]
  /** Proxy settings for where the environment has none. */
  proxy: Readonly<Record<string, string>>
}

/** Resolves every ecosystem's registry. Throws `NanoguardError` where a pin of the policy is not an address. */
export async function resolveAddresses(edge: Edge, pins: readonly Pin[]): Promise<Addresses> {
  const registries = new Map<Ecosystem, Create>()
  const endpoints = new Map<Ecosystem, Endpoints>()
  const npm = readNpmConfig(edge)
  const python = readIndexConfig(edge)
  const netrc = readNetrc(edge)

  const npmBase = npm.registry ?? (await defaultBase("npm"))
  if (npmBase !== undefined) {
    const baseOf = createBaseOf("npm", pins, (name) => npm.scopes.get(name.split("/", 1)[0]!) ?? npmBase)
    const own = { baseUrl: npmBase, baseOf, authorize: npm.authorize }
    endpoints.set("npm", own)
    registries.set("npm", (services) => createNpmRegistry(services, own))
  }

  const index = python.index ?? withSimple(await defaultBase("pypi"))
  if (index !== undefined) {
    const baseOf = createBaseOf("pypi", pins, () => index)
    const authorize = (url: URL) => python.authorize(url) ?? netrc(url)
    const own = { baseUrl: index, baseOf, authorize }
    endpoints.set("pypi", own)
    registries.set("pypi", (services) => createPypiRegistry(services, own))
  }

  const crates = await readCargoIndex(edge, await defaultBase("cargo"))
  if (crates !== undefined) {
    const baseOf = createBaseOf("cargo", pins, () => crates)
    const own = { baseUrl: crates, baseOf, authorize: await readCargoToken(edge, crates) }
    endpoints.set("cargo", own)
    registries.set("cargo", (services) => createCargoRegistry(services, own))
  }

  const go = await goEndpoints(edge, pins, netrc)
  if (go !== undefined) {
    endpoints.set("golang", go)
    registries.set("golang", (services) => createGoRegistry(services, go))
  }
  const configured = [
    ...[...endpoints.values()].map(({ baseUrl }) => baseUrl),
    ...(go?.fallbacks ?? []),
    ...npm.scopes.values(),
    ...pins.map(({ upstream }) => upstream),
  ]
  const origins = new Set(configured.flatMap((address) => URL.parse(address)?.origin ?? []))
  return { registries, endpoints, origins, ca: [...npm.ca, ...python.ca], proxy: npm.proxy }
}

async function goEndpoints(edge: Edge, pins: readonly Pin[], netrc: (url: URL) => string | undefined) {
  const { proxies, isPrivate } = readGoConfig(edge)
  const fallback = proxies === undefined ? await defaultBase("golang") : undefined
  const [first, ...others] = proxies ?? (fallback === undefined ? [] : [{ baseUrl: fallback }])
  if (first === undefined) return undefined
  const bound = [...[first, ...others].map(({ baseUrl, basic }) => boundTo(baseUrl, basic)), netrc]
  return {
    baseUrl: first.baseUrl,
    baseOf: createBaseOf("golang", pins, (name) => (isPrivate(name) ? undefined : first.baseUrl)),
    authorize: (url: URL) => bound.map((authorize) => authorize(url)).find((header) => header !== undefined),
    fallbacks: others.map(({ baseUrl }) => baseUrl),
  }
}

function withSimple(base: string | undefined): string | undefined {
  return base === undefined ? undefined : `${base}/simple`
}
