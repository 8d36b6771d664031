// The checksum database behind a module proxy (go.dev/ref/mod: checksum database; go.dev/design/25530-sumdb).
import { isModulePath, isModuleVersion, unescapeCase } from "./names.ts"

/** A request to a checksum database. */
export interface SumdbRequest {
  /** The database's name, as in GOSUMDB. */
  name: string
  operation: "supported" | "latest" | "lookup" | "tile"
  /** Below the database's own address. */
  path: string
  /** Of a lookup. Nobody but its own registry may hear of a private module. */
  module?: { name: string; version: string }
}

/** A checksum database that the host trusts. */
export interface Sumdb {
  name: string
  /** Without a trailing slash. */
  url: string
  /** The key as a note's verifier line, where the setting has one. */
  key?: string
}

const HOST = "[a-z0-9](?:[a-z0-9-]*[a-z0-9])?"
const NAME = new RegExp(`^${HOST}(?:\\.${HOST})+(?:/[a-z0-9][a-z0-9._-]*)*$`)
const REQUEST = /^([^@!]{1,253}?)\/((supported|latest)|lookup\/([^@]+)@([^@/]+)|tile\/.+)$/
const TILE = /^tile\/([0-9]{1,2})\/(?:data|[0-9]{1,2})\/(?:x[0-9]{3}\/){0,5}[0-9]{3}(?:\.p\/([0-9]{1,5}))?$/

/** Reads the path after `/sumdb/`; undefined where a database knows no such request. */
export function readSumdbPath(rest: string): SumdbRequest | undefined {
  const [, name = "", path = "", plain, escapedName = "", escapedVersion = ""] = REQUEST.exec(rest) ?? []
  if (!NAME.test(name)) return undefined
  if (plain !== undefined) return { name, operation: plain as "supported" | "latest", path }
  if (path.startsWith("tile/")) return isTile(path) ? { name, operation: "tile", path } : undefined
  const module = unescapeCase(escapedName)
  const version = unescapeCase(escapedVersion)
  if (module === undefined || version === undefined) return undefined
  if (!isModulePath(module) || !isModuleVersion(module, version)) return undefined
  return { name, operation: "lookup", path, module: { name: module, version } }
}

/** `tile/height/level/index`, of which the last may be a part: less wide than 2 to the power of its height. */
function isTile(path: string): boolean {
  const [, height = "", width] = TILE.exec(path) ?? []
  const most = 2 ** Number(height)
  return Number(height) >= 1 && (width === undefined || (Number(width) >= 1 && Number(width) < most))
}

/**
 * The database by the host's own GOSUMDB, which is a name or a verifier key, and an address if it is not the name's; undefined
 * where it is switched off, or is none.
 */
export function parseSumdb(setting: string | undefined): Sumdb | undefined {
  const [key = "", address, ...more] = setting?.trim().split(/\s+/) ?? []
  const name = key.split("+", 1)[0]!
  if (more.length > 0 || !NAME.test(name)) return undefined
  const url = address ?? `https://${name}`
  const parsed = URL.parse(url)
  if (parsed === null || !/^https?:$/.test(parsed.protocol) || parsed.username !== "") return undefined
  return { name, url: url.replace(/\/+$/, ""), ...(key !== name && { key }) }
}

/** Where a module proxy passes a database's answers on, if it does so at all: `supported` tells. */
export function proxiedSumdb({ name, path }: SumdbRequest, base: string): string {
  return `${base}/sumdb/${name}/${path}`
}

/** Where the database itself answers. It has no `supported`: that is a proxy's to say. */
export function directSumdb({ operation, path }: SumdbRequest, database: Sumdb): string | undefined {
  return operation === "supported" ? undefined : `${database.url}/${path}`
}
