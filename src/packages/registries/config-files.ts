// Reads the package managers' own configuration files, as the person who runs nanoguard left them. Files inside the vetted
// directory are the repository's, which an agent may have written: they are never read here.
import { readFileSync, realpathSync, statSync } from "node:fs"
import { delimiter, isAbsolute, join, relative, sep } from "node:path"
import type { Context } from "../../context.ts"
import { homeDirectory } from "../../home.ts"

type Edge = Pick<Context, "cwd" | "env">

const MAX_FILE = 1024 * 1024

/**
 * The text of a file of at most 1 MB that is not the repository's, else undefined. Where the working directory holds the
 * person's whole home, it is no repository.
 */
export function readUserFile(edge: Edge, path: string | undefined): string | undefined {
  return path && isAbsolute(path) && !isRepositorys(edge, path) ? readSmallFile(path) : undefined
}

/** The text of a regular file of at most 1 MB, else undefined. */
export function readSmallFile(path: string): string | undefined {
  try {
    const stat = statSync(path)
    return stat.isFile() && stat.size <= MAX_FILE ? readFileSync(path, "utf8") : undefined
  } catch {
    return undefined
  }
}

/** Whether a path belongs to the vetted directory, where an agent may have written it. */
export function isRepositorys(edge: Edge, path: string): boolean {
  const cwd = realOf(edge.cwd)
  return isInside(cwd, realOf(path)) && !isInside(cwd, realOf(homeDirectory(edge.env)))
}

function realOf(path: string): string {
  try {
    return realpathSync(path)
  } catch {
    return path
  }
}

/** Where `program` lies on PATH, links resolved; directories of the repository do not count. */
export function findProgram(edge: Edge, program: string): { found: string; real: string } | undefined {
  for (const directory of (edge.env.PATH ?? "").split(delimiter)) {
    if (!isAbsolute(directory) || isRepositorys(edge, directory)) continue
    const found = join(directory, program)
    try {
      const real = realpathSync(found)
      if (statSync(real).isFile()) return { found, real }
    } catch {
      // Not in this directory.
    }
  }
  return undefined
}

function isInside(directory: string, path: string): boolean {
  const way = relative(directory, path)
  return way === "" || (way !== ".." && !way.startsWith(`..${sep}`) && !isAbsolute(way))
}

/**
 * Key and value lines of an ini file by section ("" before the first), later ones last. Comments and quotes as npm,
 * pip and Go's environment file have them.
 */
export function parseIni(text: string): Map<string, Map<string, string>> {
  const sections = new Map<string, Map<string, string>>([["", new Map()]])
  let section = sections.get("")!
  for (const raw of text.split(/\r?\n/)) {
    const line = raw.trim()
    if (line === "" || line.startsWith(";") || line.startsWith("#")) continue
    const header = /^\[([^\]]*)\]$/.exec(line)?.[1]
    if (header !== undefined) {
      section = sections.get(header) ?? new Map()
      sections.set(header, section)
      continue
    }
    const equals = line.indexOf("=")
    if (equals === -1) continue
    const value = line.slice(equals + 1).trim()
    section.set(line.slice(0, equals).trim(), /^(["']).*\1$/.test(value) ? value.slice(1, -1) : value)
  }
  return sections
}

/** An http(s) address without credentials, query and trailing slash, and its credentials as a Basic header value. */
export function parseBase(address: string | undefined): { baseUrl: string; basic?: string } | undefined {
  const url = address === undefined ? null : URL.parse(address)
  if (url === null || (url.protocol !== "https:" && url.protocol !== "http:")) return undefined
  const { username, password } = url
  url.username = ""
  url.password = ""
  url.search = ""
  url.hash = ""
  const baseUrl = url.href.replace(/\/+$/, "")
  if (username === "" && password === "") return { baseUrl }
  try {
    const pair = `${decodeURIComponent(username)}:${decodeURIComponent(password)}`
    return { baseUrl, basic: `Basic ${Buffer.from(pair).toString("base64")}` }
  } catch {
    return undefined
  }
}

/** A header value for URLs below `baseUrl` only: same origin, path below it segment by segment. */
export function boundTo(baseUrl: string, header: string | undefined): (url: URL) => string | undefined {
  const base = new URL(baseUrl)
  const path = base.pathname.replace(/\/*$/, "/")
  return (url) => (url.origin === base.origin && `${url.pathname}/`.startsWith(path) ? header : undefined)
}
