// Requests below `/-/`: what is answered from our own data, addresses that spell a refusal, and what is not offered.
import type { FrontRequest } from "../../types.ts"
import { archiveName, readArchive, readVersion, takeName } from "./names.ts"

const ACCOUNT =
  "The gate knows agents by their own tokens; nobody logs in to it. Log in to the registry itself, outside of the gate."
const PERSON = "Ask the registry itself, outside of the gate."
const AUDIT = "Use `nanoguard vet`, or a package manager that asks for advisories in bulk, as npm 7 and later do."
const SEARCH = "Name the package: `npm view <name>` shows what there is of it, and which versions are approved."

/** First words of paths that are known and not offered: what they are for, and what to do instead. */
const UNSUPPORTED: readonly (readonly [words: string, what: string, hint: string])[] = [
  ["v1/search", "search", SEARCH],
  ["all", "search", SEARCH],
  ["v1/login", "login", ACCOUNT],
  ["v1/done", "login", ACCOUNT],
  ["user", "login", ACCOUNT],
  ["whoami", "whoami", ACCOUNT],
  ["npm/v1/user", "profile", ACCOUNT],
  ["npm/v1/tokens", "tokens", ACCOUNT],
  ["npm/v1/oidc", "login", ACCOUNT],
  ["npm/v1/hooks", "hooks", PERSON],
  ["npm/v1/security/audits", "audit", AUDIT],
  ["_view", "stars", PERSON],
  ["org", "organizations", PERSON],
  ["team", "teams", PERSON],
]

/** Reads the segments that follow `/-`; undefined for what is not known. */
export function readService(method: string, segments: readonly string[]): FrontRequest | undefined {
  const path = segments.join("/")
  const reads = method === "GET" || method === "HEAD"
  if (method === "POST" && path === "npm/v1/security/advisories/bulk") return { kind: "service", service: "advisories" }
  if (reads && path === "ping") return { kind: "service", service: "ping" }
  if (reads && path === "npm/v1/keys") return { kind: "service", service: "keys" }
  if (reads && path.startsWith("npm/v1/attestations/")) return attestations(segments.slice(3))
  if (segments[0] === "blocked") return reads ? blocked(segments.slice(1)) : undefined
  if (segments[0] === "package") return aboutPackage(method, segments.slice(1))
  const known = UNSUPPORTED.find(([words]) => path === words || path.startsWith(`${words}/`))
  return known && { kind: "unsupported", what: known[1], hint: known[2] }
}

/** `<name>@<version>`, the name in any of its spellings. `rest` is the same in ours. */
function attestations(segments: readonly string[]): FrontRequest | undefined {
  const last = segments.at(-1) ?? ""
  const at = Math.max(last.lastIndexOf("@"), last.lastIndexOf("%40"))
  if (at < 1) return undefined
  const taken = takeName([...segments.slice(0, -1), last.slice(0, at)])
  const version = readVersion(last.slice(at).replace(/^(?:@|%40)/, ""))
  if (taken === undefined || taken.rest.length > 0 || version === undefined) return undefined
  return { kind: "service", service: "attestations", rest: `${taken.name}@${version}` }
}

/** `<code>/<use>/<name>/<version>/<file>`: the first two are for a reader's eyes, and what is decided now may differ from them. */
function blocked(segments: readonly string[]): FrontRequest | undefined {
  const taken = takeName(segments.slice(2))
  if (taken === undefined || taken.rest.length !== 2) return undefined
  const { name, rest } = taken
  const version = readVersion(rest[0]!)
  if (version === undefined || readArchive(name, rest[1]!) !== version) return undefined
  return { kind: "artifact", name, version, file: archiveName(name, version) }
}

function aboutPackage(method: string, segments: readonly string[]): FrontRequest | undefined {
  const taken = takeName(segments)
  const what = taken?.rest[0]
  if (taken === undefined || what === undefined) return undefined
  if (what === "dist-tags" && taken.rest.length === 1 && (method === "GET" || method === "HEAD"))
    return { kind: "listing", name: taken.name, form: "dist-tags" }
  if (!["dist-tags", "access", "collaborators", "visibility", "trust"].includes(what)) return undefined
  return { kind: "unsupported", what: what === "dist-tags" ? "tags" : "access", hint: PERSON }
}
