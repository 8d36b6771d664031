// Placeholders in a request's head, each with the place where it stands: slots are told apart by it.
import { findIn } from "./find.ts"
import type { FoundPlaceholder } from "./types.ts"

/** As Node has them, or one value a name. */
export type HeaderValues = Readonly<Record<string, string | readonly string[] | undefined>>

/** Names of parameters and cookies that are part of a place; others are not named, since an agent chose them. */
const NAME = /^[A-Za-z0-9_.[\]-]{1,64}$/
/** Is in no form of a marker, so that none reaches over it. */
const BETWEEN = "\u0001"

const named = (place: string, name: string) => (NAME.test(name) ? `${place}:${name}` : place)
const bytesOf = (text: string) => Buffer.from(text, "latin1")

/**
 * What looks like a placeholder in path, query and headers (names as well). `url` is in origin form. Places: `path`;
 * `query:<name>`, `query`; `cookie:<name>`, `cookie`; `authorization`; `header:<name>`, `header-name`.
 */
export function findInHead(url: string, headers: HeaderValues): FoundPlaceholder[] {
  const lines = Object.entries(headers).flatMap(([name, value]): [string, string][] =>
    typeof value === "string" ? [[name, value]] : (value ?? []).map((one) => [name, one]),
  )
  // Nearly all heads have none: one look over all of it says so.
  if (findIn(bytesOf([url, ...lines.flat()].join(BETWEEN)), "").length === 0) return []
  const found = [...findIn(bytesOf(pathOf(url)), "path"), ...findInQuery(queryOf(url))]
  for (const [given, value] of lines) {
    const name = given.toLowerCase()
    found.push(...findIn(bytesOf(given), "header-name"))
    if (name === "cookie") found.push(...findInCookies(value))
    else found.push(...findIn(bytesOf(value), name === "authorization" ? name : `header:${name}`))
  }
  return found
}

const pathOf = (url: string) => (url.includes("?") ? url.slice(0, url.indexOf("?")) : url)
const queryOf = (url: string) => (url.includes("?") ? url.slice(url.indexOf("?") + 1) : "")

function findInQuery(query: string): FoundPlaceholder[] {
  if (query === "") return []
  const parts = query.split("&").flatMap((part) => {
    const equals = part.indexOf("=")
    const name = equals < 0 ? "" : part.slice(0, equals)
    return equals < 0 || findIn(bytesOf(name), "").length > 0
      ? findIn(bytesOf(part), "query")
      : findIn(bytesOf(part.slice(equals + 1)), named("query", name))
  })
  // One that `&` stands in, as it does in a character reference.
  return parts.length > 0 ? parts : findIn(bytesOf(query), "query")
}

function findInCookies(value: string): FoundPlaceholder[] {
  const parts = value.split(";").flatMap((part) => {
    const [name = "", ...rest] = part.split("=")
    return findIn(bytesOf(name), "").length > 0
      ? findIn(bytesOf(part), "cookie")
      : findIn(bytesOf(rest.join("=")), named("cookie", name.trim()))
  })
  return parts.length > 0 ? parts : findIn(bytesOf(value), "cookie")
}
