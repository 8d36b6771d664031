// Which registry answers for which ecosystem: the policy's pins, then the person's own package manager configuration, then
// the ecosystem's default. What the vetted repository says about registries is not asked.
import type { Context } from "../../context.ts"
import type { Ecosystem } from "../../policy/types.ts"
import type { Registry } from "../types.ts"
import { createCargoRegistry } from "./cargo.ts"
import { readCargoIndex } from "./cargo-config.ts"
import { boundTo } from "./config-files.ts"
import { defaultBase } from "./defaults.ts"
import type { Services } from "./fetch-document.ts"
import { readGoConfig } from "./go-config.ts"
import { createGoRegistry } from "./golang.ts"
import { createNpmRegistry } from "./npm.ts"
import { readNpmConfig } from "./npm-config.ts"
import { readIndexConfig } from "./pip-config.ts"
import { createPypiRegistry } from "./pypi.ts"
import { createBaseOf, type Pin } from "./upstreams.ts"

type Edge = Pick<Context, "cwd" | "env">
type Create = (services: Services) => Registry

export interface Addresses {
  registries: ReadonlyMap<Ecosystem, Create>
  /** PEM texts to trust beside Node's own. */
  ca: readonly string[]
  /** Proxy settings for where the environment has none. */
  proxy: Readonly<Record<string, string>>
}

/** Resolves every ecosystem's registry. Throws `NanoguardError` where a pin of the policy is not an address. */
export async function resolveAddresses(edge: Edge, pins: readonly Pin[]): Promise<Addresses> {
  const registries = new Map<Ecosystem, Create>()
  const npm = readNpmConfig(edge)
  const python = readIndexConfig(edge)

  const npmBase = npm.registry ?? (await defaultBase("npm"))
  if (npmBase !== undefined) {
    const baseOf = createBaseOf("npm", pins, (name) => npm.scopes.get(name.split("/", 1)[0]!) ?? npmBase)
    registries.set("npm", (services) =>
      createNpmRegistry(services, { baseUrl: npmBase, baseOf, authorize: npm.authorize }),
    )
  }

  const index = python.index ?? withSimple(await defaultBase("pypi"))
  if (index !== undefined) {
    const baseOf = createBaseOf("pypi", pins, () => index)
    registries.set("pypi", (services) =>
      createPypiRegistry(services, { baseUrl: index, baseOf, authorize: python.authorize }),
    )
  }

  const crates = await readCargoIndex(edge, await defaultBase("cargo"))
  if (crates !== undefined) {
    const baseOf = createBaseOf("cargo", pins, () => crates)
    registries.set("cargo", (services) =>
      createCargoRegistry(services, { baseUrl: crates, baseOf, authorize: () => undefined }),
    )
  }

  await addGo(registries, edge, pins)
  return { registries, ca: [...npm.ca, ...python.ca], proxy: npm.proxy }
}

async function addGo(registries: Map<Ecosystem, Create>, edge: Edge, pins: readonly Pin[]): Promise<void> {
  const { proxies, isPrivate } = readGoConfig(edge)
  const fallback = proxies === undefined ? await defaultBase("golang") : undefined
  const [first, ...others] = proxies ?? (fallback === undefined ? [] : [{ baseUrl: fallback }])
  if (first === undefined) return
  const bound = [first, ...others].map(({ baseUrl, basic }) => boundTo(baseUrl, basic))
  const endpoints = {
    baseUrl: first.baseUrl,
    baseOf: createBaseOf("golang", pins, (name) => (isPrivate(name) ? undefined : first.baseUrl)),
    authorize: (url: URL) => bound.map((authorize) => authorize(url)).find((header) => header !== undefined),
    fallbacks: others.map(({ baseUrl }) => baseUrl),
  }
  registries.set("golang", (services) => createGoRegistry(services, endpoints))
}

function withSimple(base: string | undefined): string | undefined {
  return base === undefined ? undefined : `${base}/simple`
}
