// What a rule would have to say to allow a request: never more than its host, its kind and its path without what looks like an id.
import { isPrivateHost } from "./addresses.ts"
import type { AllowedRequests } from "./flow.ts"
import { isNormalPath } from "./glob.ts"
import { canonicalHost } from "./hosts.ts"
import { SERVICES } from "./service-names.ts"
import type { NetworkAction } from "./types.ts"

const OPERATION = /^([a-z]{2,20}):[A-Za-z0-9][A-Za-z0-9._:/-]{0,127}$/

/**
 * What allows a request; undefined where nothing should: private hosts, paths out of normal form, and what no client sends. A tunnel that
 * was refused before it was read says nothing of its requests: reading is what is proposed for it.
 */
export function allowing(action: NetworkAction): Omit<AllowedRequests, "id"> | undefined {
  const { method, host, port, operation, path } = action
  if (isPrivateHost(host) || canonicalHost(host) !== host) return undefined
  if (!Number.isInteger(port) || port < 1 || port > 65535) return undefined
  if (method === "CONNECT") return { host, port, access: "read" }
  if (!/^[A-Z]{1,20}$/.test(method) || !isNormalPath(path) || !/^[\x21-\x7e]{1,512}$/.test(path)) return undefined
  const paths = [generalisePath(path)]
  const known = action.unread === undefined && operation !== undefined && isOperation(operation)
  return known ? { host, port, operations: [operation], paths } : { host, port, methods: [method], paths }
}

function isOperation(text: string): boolean {
  const [, service = ""] = OPERATION.exec(text) ?? []
  return (SERVICES as readonly string[]).includes(service)
}

/** A path as a pattern: segments that look like ids, or that hold a `*` themselves, become `*`. */
export function generalisePath(path: string): string {
  return path
    .split("/")
    .map((segment) => (isId(segment) || segment.includes("*") ? "*" : segment))
    .join("/")
}

/** Numbers, UUIDs, hashes, and long texts of letters and digits mixed. */
function isId(segment: string): boolean {
  if (/^\d+$/.test(segment)) return true
  if (/^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i.test(segment)) return true
  if (/^[0-9a-f]{7,128}$/i.test(segment) && /\d/.test(segment)) return true
  return /^[A-Za-z0-9_-]{16,}$/.test(segment) && (segment.match(/\d/g)?.length ?? 0) >= 3 && /[A-Za-z]/.test(segment)
}
