// Which npm registry a package comes from, and with which credential, by npm's own configuration (npm's documentation: npmrc):
// environment, the user's file, the global one, the built-in one. The project's .npmrc is left out on purpose.
import { dirname, join } from "node:path"
import type { Context } from "../../context.ts"
import { homeDirectory } from "../../home.ts"
import { findProgram, parseBase, parseIni, readSmallFile, readUserFile } from "./config-files.ts"

type Edge = Pick<Context, "cwd" | "env">

export interface NpmConfig {
  /** Undefined where npm's built-in default counts. */
  registry?: string
  /** By scope with its "@". */
  scopes: ReadonlyMap<string, string>
  authorize: (url: URL) => string | undefined
  /** PEM texts. */
  ca: readonly string[]
  /** npm's own settings for a proxy, in the form of the environment's. */
  proxy: Readonly<Record<string, string>>
}

/** npm's settings for registries. Reads a few small files; what is unusable in them is left out. */
export function readNpmConfig(edge: Edge): NpmConfig {
  const layers = [environmentSettings(edge), ...fileSettings(edge)]
  const lookup = (key: string) => layers.find((layer) => layer.has(key))?.get(key)
  const scopes = new Map<string, string>()
  const credentials = new Map<string, string>()
  for (const layer of layers.toReversed())
    for (const [key, value] of layer) {
      const scope = /^(@[^:/]+):registry$/.exec(key)?.[1]
      const base = scope === undefined ? undefined : parseBase(value)?.baseUrl
      if (scope !== undefined && base !== undefined) scopes.set(scope, base)
      const bound = /^\/\/(.+?)\/?:(_authToken|_auth)$/.exec(key)
      if (bound?.[1] && /^[\x21-\x7e]+$/.test(value))
        credentials.set(bound[1], `${bound[2] === "_auth" ? "Basic" : "Bearer"} ${value}`)
    }
  const registry = parseBase(lookup("registry"))?.baseUrl
  const cafile = readUserFile(edge, lookup("cafile"))
  return {
    ...(registry !== undefined && { registry }),
    scopes,
    authorize: (url) => credentialFor(credentials, url),
    proxy: proxyOf(lookup),
    ca: cafile?.includes("-----BEGIN CERTIFICATE-----") ? [cafile] : [],
  }
}

function proxyOf(lookup: (key: string) => string | undefined): Record<string, string> {
  const proxy = lookup("https-proxy") ?? lookup("proxy")
  const around = lookup("noproxy") ?? lookup("no-proxy")
  if (proxy === undefined || !/^https?:/.test(proxy)) return {}
  return { HTTPS_PROXY: proxy, ...(around !== undefined && { NO_PROXY: around }) }
}

/** The credential bound to the longest prefix of the URL, walking its path upwards as npm does. */
function credentialFor(credentials: ReadonlyMap<string, string>, url: URL): string | undefined {
  if (credentials.size === 0) return undefined
  let prefix = `${url.host}${url.pathname}`
  for (;;) {
    const value = credentials.get(prefix)
    if (value !== undefined) return value
    const slash = prefix.lastIndexOf("/")
    if (slash === -1) return undefined
    prefix = prefix.slice(0, slash)
  }
}

/**
 * `npm_config_*` variables. Under `npm run` and `npx` npm exports the project's .npmrc this way too, so a registry that
 * says the same as the project's file counts as the project's.
 */
function environmentSettings({ cwd, env }: Edge): Map<string, string> {
  const settings = new Map<string, string>()
  for (const [name, value] of Object.entries(env)) {
    const key = /^npm_config_(.+)$/i.exec(name)?.[1]
    if (key === undefined || value === undefined || value === "") continue
    // Keys of scopes and credentials keep their spelling; npm's own names use dashes.
    settings.set(/^(@|\/\/)/.test(key) ? key : key.toLowerCase().replaceAll("_", "-"), value)
  }
  if (env.npm_execpath !== undefined || env.npm_command !== undefined)
    for (const key of ["registry", "userconfig", "globalconfig", "prefix", "cafile", "https-proxy", "proxy", "noproxy"])
      if (projectSays(cwd, env, key, settings.get(key))) settings.delete(key)
  return settings
}

function projectSays(cwd: string, env: Edge["env"], key: string, value: string | undefined): boolean {
  if (value === undefined) return false
  const roots = new Set([cwd, env.npm_config_local_prefix, env.INIT_CWD])
  return [...roots].some((root) => {
    const settings = root === undefined ? undefined : readProjectSettings(root, env)
    const said = settings?.get(key)
    return said !== undefined && said.replace(/\/+$/, "") === value.replace(/\/+$/, "")
  })
}

function readProjectSettings(root: string, env: Edge["env"]): Map<string, string> | undefined {
  const text = readSmallFile(join(root, ".npmrc"))
  return text === undefined ? undefined : settingsOf(text, env)
}

function fileSettings(edge: Edge): Map<string, string>[] {
  const set = environmentSettings(edge)
  const npm = findProgram(edge, "npm")
  const prefix = set.get("prefix") ?? edge.env.PREFIX ?? (npm === undefined ? undefined : dirname(dirname(npm.found)))
  const files = [
    set.get("userconfig") ?? join(homeDirectory(edge.env), ".npmrc"),
    set.get("globalconfig") ?? (prefix === undefined ? undefined : join(prefix, "etc", "npmrc")),
    npm === undefined ? undefined : join(dirname(dirname(npm.real)), "npmrc"),
  ]
  return files.map((file) => settingsOf(readUserFile(edge, file) ?? "", edge.env))
}

function settingsOf(text: string, env: Edge["env"]): Map<string, string> {
  const settings = new Map<string, string>()
  for (const [key, value] of parseIni(text).get("")!) settings.set(expand(key, env), expand(value, env))
  return settings
}

/** `${NAME}` stays as it is where the variable is not set, `${NAME?}` becomes empty (npm: npmrc, environment variables). */
function expand(text: string, env: Edge["env"]): string {
  return text.replace(/(?<!\\)\$\{([^${}]+?)(\?)?\}/g, (whole, name: string, optional?: string) => {
    return env[name] ?? (optional === undefined ? whole : "")
  })
}
