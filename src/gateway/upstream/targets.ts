// Where a request may go: configured addresses anywhere, addresses that an upstream named only into the public network.
import { lookup as systemLookup } from "node:dns"
import type { LookupFunction } from "node:net"
import { isAllowedUrl } from "../../packages/registries/http.ts"
import { isLearntAddress } from "../../packages/registries/upstreams.ts"
import { isPrivateAddress, isPrivateHost } from "../../policy/addresses.ts"
import type { UpstreamRequest } from "./types.ts"

/** `configured` ones are dialled wherever they are; `learnt` ones only where every address of their name is public. */
export type Target = "configured" | "learnt" | undefined

const PRIVATE = "ERR_NANOGUARD_PRIVATE_ADDRESS"

/** An address of no registry: what is learnt "below" it is judged as on a foreign host. */
const NOWHERE = "https://nowhere.invalid"

/**
 * Judges one address of a request, the first or one that it is redirected to; undefined: it may not be asked. With `trusted`
 * origins, a request to any other is learnt, whoever makes it; while that set is empty, requests are trusted to know.
 */
export function judgeTarget(
  url: URL,
  request: UpstreamRequest,
  isArtifact: boolean,
  trusted: ReadonlySet<string>,
): Target {
  if (!isAllowedUrl(url)) return undefined
  const { origin } = new URL(request.base ?? request.url)
  const isOwn = url.origin === origin
  if (request.origins?.has(url.origin)) return "configured"
  if (isOwn && (trusted.size === 0 || trusted.has(origin))) return "configured"
  const isPublic = isLearntAddress(url.href, NOWHERE) && !isPrivateHost(url.hostname)
  return (isOwn || isArtifact) && isPublic ? "learnt" : undefined
}

/** This machine itself, its link, and what cloud machines find their credentials at: no registry's, whatever a name server says. */
const NEVER = /^(?:127\.|0\.|169\.254\.|::1?$|fe[89ab]|::ffff:)/i

/**
 * A lookup that fails where any address of a name is private, reserved or a metadata service's, unless all of them are addresses of a
 * `trusted` origin: a mirror answers for several hosts. Node dials what it gives, so that a second answer of the same name server
 * changes nothing. Addresses are not looked up: `judgeTarget` lets none through.
 */
export function createPublicLookup(
  resolve: LookupFunction = systemLookup as LookupFunction,
  trusted: ReadonlySet<string> = new Set(),
): LookupFunction {
  return (hostname, options, callback) =>
    resolve(hostname, { ...options, all: true }, (error, found) => {
      const addresses = Array.isArray(found) ? found : []
      const first = addresses[0]
      if (error !== null) return callback(error, [])
      const give = () => (options.all ? callback(null, addresses) : callback(null, first!.address, first!.family))
      const refuse = () => callback(Object.assign(new Error("a private address"), { code: PRIVATE }), [])
      if (first === undefined || addresses.some(({ address }) => NEVER.test(address))) return refuse()
      const closed = addresses.filter(({ address }) => isPrivateAddress(address))
      if (closed.length === 0) return give()
      addressesOf(resolve, trusted).then((known) =>
        closed.every(({ address }) => known.has(address)) ? give() : refuse(),
      )
    })
}

/** What the names of https origins resolve to now; nothing for those that do not. */
async function addressesOf(resolve: LookupFunction, origins: ReadonlySet<string>): Promise<Set<string>> {
  const names = [...origins].map((origin) => new URL(origin)).filter(({ protocol }) => protocol === "https:")
  const found = names.map(
    ({ hostname }) =>
      new Promise<string[]>((done) =>
        resolve(hostname, { all: true }, (error, all) =>
          done(error === null && Array.isArray(all) ? all.map(({ address }) => address) : []),
        ),
      ),
  )
  return new Set((await Promise.all(found)).flat())
}

/** Whether an error is that lookup's. */
export function isPrivateTarget(error: unknown): boolean {
  return (error as { code?: unknown } | undefined)?.code === PRIVATE
}
