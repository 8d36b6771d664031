// Requests for a public registry that come through the proxy: whoever ignores its settings gets the package gate's own answer there.
import type { IncomingMessage } from "node:http"
import type { Addresses } from "../../packages/registries/addresses.ts"
import { defaultBase } from "../../packages/registries/defaults.ts"
import type { Ecosystem } from "../../policy/types.ts"
import { type Answer, errorAnswer } from "../answer.ts"
import { clientOf } from "../client.ts"
import { answerFront } from "../front/index.ts"
import type { Front } from "../front/types.ts"
import type { Attribution } from "../types.ts"
import { spellHost } from "./authority.ts"
import type { Target } from "./types.ts"

/** Where a registry is, as package managers address it. */
export interface RegistryPlace {
  ecosystem: Ecosystem
  /** `https://host[:port]`. */
  origin: string
  /** What its protocol's mount stands for: no slash at its end. */
  path: string
}

/** A request that a registry's protocol is to read. */
export interface RegistryRequest {
  ecosystem: Ecosystem
  /** Below the protocol's mount. */
  path: string
  query: string
  /** The mount, as the client reached it. */
  base: string
}

const ECOSYSTEMS: readonly Ecosystem[] = ["npm", "pypi", "cargo", "golang"]

/** Every address at which registries are asked here: the person's own, and each ecosystem's default whatever that is. */
export async function registryPlaces(addresses: Pick<Addresses, "endpoints">): Promise<RegistryPlace[]> {
  const found = await Promise.all(
    ECOSYSTEMS.map(async (ecosystem) => {
      const own = addresses.endpoints.get(ecosystem)?.baseUrl
      const standard = await defaultBase(ecosystem)
      return [own, standard].flatMap((base) => (base === undefined ? [] : (placeOf(ecosystem, base) ?? [])))
    }),
  )
  return found.flat()
}

function placeOf(ecosystem: Ecosystem, base: string): RegistryPlace | undefined {
  const url = URL.parse(base.replace(/^sparse\+/, ""))
  if (url === null) return undefined
  const path = url.pathname.replace(/\/+$/, "")
  // Our mount has the index below /simple, as the default registry does.
  return { ecosystem, origin: url.origin, path: ecosystem === "pypi" ? path.replace(/\/simple$/, "") : path }
}

/** The service by which writes to a registry go: known by its host alone where no rule names one. */
export function registryService(places: readonly RegistryPlace[], target: Target): string | undefined {
  const origin = originOf(target)
  const ecosystem = places.find((one) => isSameHost(one, origin))?.ecosystem
  return ecosystem === "golang" ? undefined : ecosystem
}

/** Whether a registry is there, whatever it is asked for. */
export function isRegistry(places: readonly RegistryPlace[], target: Target): boolean {
  const origin = originOf(target)
  return places.some((one) => isSameHost(one, origin))
}

/** As `URL` spells an origin: the target's host is canonical already. */
const originOf = (target: Target) => `${target.scheme}://${spellHost(target)}`

/** What a request asks a registry for; undefined where its host is none, or where it writes to one: that is the network rules' to decide. */
export function registryRequest(
  places: readonly RegistryPlace[],
  target: Target,
  method: string,
  url: string,
): RegistryRequest | undefined {
  if (places.length === 0 || (method !== "GET" && method !== "HEAD" && method !== "POST")) return undefined
  const origin = originOf(target)
  const mark = url.indexOf("?")
  const path = mark < 0 ? url : url.slice(0, mark)
  const found = placeOfPath(places, origin, path) ?? placeOfPath(places, origin, folded(path), true)
  if (found === undefined) return undefined
  const { place, below } = found
  return {
    ecosystem: place.ecosystem,
    path: place.ecosystem === "cargo" && !/^\/(?:crates|api|-)\//.test(below) ? `/index${below}` : below,
    query: mark < 0 ? "" : url.slice(mark + 1),
    base: `${origin}${place.path}`,
  }
}

function placeOfPath(places: readonly RegistryPlace[], origin: string, path: string, fold = false) {
  const read = fold ? path.toLowerCase() : path
  const place = places.find((one) => {
    const own = fold ? one.path.toLowerCase() : one.path
    return isSameHost(one, origin) && (read === own || read.startsWith(`${own}/`))
  })
  return place && { place, below: path.slice(place.path.length) }
}

/** A path as a lenient server reads it: what is a registry's to any reader is asked of the package gate, and not let through beside it. */
const folded = (path: string) =>
  path
    .replace(/%2f/gi, "/")
    .replace(/(?:;|%3b)[^/]*/gi, "")
    .replace(/\/{2,}/g, "/")

/** A registry's host is one in plain HTTP as well. */
function isSameHost(place: RegistryPlace, origin: string): boolean {
  if (place.origin === origin) return true
  return origin.startsWith("http:") && place.origin.replace(/^https:/, "http:") === origin
}

const MAX_TARGET = 4096
const MAX_BODY = 4 * 1024 * 1024

/** The package gate's answer; `readBody` gives up to so many bytes of the request's body, or nothing where there are more. */
export async function answerRegistry(
  front: Front,
  who: Attribution,
  request: IncomingMessage,
  asked: RegistryRequest,
  readBody: (limit: number) => Promise<Buffer | undefined>,
): Promise<Answer> {
  const { ecosystem, path, query, base } = asked
  const { method = "GET", headers } = request
  if (path.length + query.length > MAX_TARGET)
    return errorAnswer(400, "the address is not one that a package manager asks for")
  const body = method === "POST" ? await readBody(MAX_BODY) : undefined
  if (method === "POST" && body === undefined) return errorAnswer(413, "the request's body is too large")
  const { accept = "", "if-none-match": etag } = headers
  return answerFront(front, {
    ...{ ecosystem, raw: { method, path, query, accept }, client: clientOf(headers), who, base },
    ...(etag !== undefined && { etag }),
    ...(body !== undefined && { body }),
  })
}
