// What a service's own module tells about itself, and what services share.
import type { Route, Routes } from "./routes.ts"
import type { Classified, SeenRequest } from "./types.ts"

/** A classification without the service's name; `service` where it is another one's (a git push to GitLab's host). */
export interface Found extends Omit<Classified, "service"> {
  service?: string
}

export interface Service {
  name: string
  /** Canonical hosts; `*.example.com` is any depth below it. Empty for a service that only a rule can name. */
  hosts: readonly string[]
  /** Known requests by method and path, where that is how the service tells them apart. */
  routes?: Routes
  /** The row of its tables that a request is, for what people are shown. */
  route?: (seen: SeenRequest) => Route | undefined
  /** Where its classification rests on the body. */
  needsBody?: (head: SeenRequest) => boolean
  /** Where it takes a request for another method by a field of its body: one that cannot be read may be any then. */
  mayOverride?: (head: SeenRequest) => boolean
  classify: (seen: SeenRequest) => Found | Promise<Found>
}

export const isRead = (method: string): boolean => method === "GET" || method === "HEAD" || method === "OPTIONS"

/** Nothing is known but the method (RFC 9110, section 9.2.1). What is said on a WebSocket is not seen. */
export const byMethod = (seen: SeenRequest): Found => ({
  operation: "",
  access: isRead(seen.method) && !seen.scheme.startsWith("ws") ? "read" : "write",
})

/** What a table says of a request; by the method where it says nothing. */
export const byRoute = (name: string, route: Route | undefined, seen: SeenRequest): Found => {
  if (!route) return byMethod(seen)
  const operation = `${name}:${route.operation}`
  return route.exact ? { operation, access: route.access } : { operation, access: "write", unread: "ambiguous" }
}

/** The strictest that a request may be. */
export const strictest = (unread: Classified["unread"] = "ambiguous"): Found => ({
  operation: "",
  access: "write",
  ...(unread && { unread }),
})

/** A path without the first of these prefixes that it has. */
export function withoutPrefix(path: string, prefixes: readonly string[]): string {
  const prefix = prefixes.find((one) => path === one || path.startsWith(`${one}/`))
  return prefix === undefined ? path : path.slice(prefix.length) || "/"
}
