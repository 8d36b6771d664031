// What happens to keys on their way: placeholders found in a request, values put in their place, and kept out of the answer.
import { EXIT, NanoguardError } from "../../errors.ts"
import type { Unread } from "../../policy/types.ts"
import { MAX_FOUND } from "../../vault/find.ts"
import { createBodyFinder } from "../../vault/find-body.ts"
import { findInHead } from "../../vault/find-head.ts"
import { createGrantFinder, type GrantFinder } from "../../vault/grant-finder.ts"
import { injectCredential } from "../../vault/inject.ts"
import type { OutgoingRequest, Secret } from "../../vault/outgoing.ts"
import { redactPlaceholders } from "../../vault/redact.ts"
import { MAX_TOKEN_ANSWER } from "../../vault/reseal.ts"
import { isSaid, saysForm, tokenRequest } from "../../vault/reseal-tokens.ts"
import { createScrubber, scrubHeaders } from "../../vault/scrub.ts"
import type { Credential, FoundPlaceholder } from "../../vault/types.ts"
import type { Attribution } from "../types.ts"
import type { Injecting } from "./credentials.ts"
import type { EgressDeps } from "./deps.ts"
import { AnswerRefused, type Watch } from "./forward.ts"
import type { Judged } from "./judge.ts"

/** A request that its credential does not fit into: nothing was sent. The message is a code. */
export class InjectionRefused extends Error {
  override name = "InjectionRefused"
}

/** What was found in a request, and whether a part of it could not be looked through. */
export interface Looked {
  found: readonly FoundPlaceholder[]
  unread?: Unread
  /** There was more in its head than is looked at: no conversation is there, so that it goes to no host. */
  flooded?: true
}

/** Everything in a request that looks like a placeholder; of a body only where all of it is there. */
export async function findPlaceholders(
  url: string,
  headers: readonly string[],
  body: Buffer | undefined,
): Promise<Looked> {
  // Names are the agent's: one may be that of something that every object has.
  const values: Record<string, string[]> = Object.create(null)
  let encoding = ""
  for (let at = 0; at + 1 < headers.length; at += 2) {
    const name = headers[at]!
    values[name] = [...(values[name] ?? []), headers[at + 1]!]
    // Two of them are one after the other (RFC 9110, section 5.3).
    if (name === "content-encoding") encoding += `${encoding && ", "}${headers[at + 1]!}`
  }
  const found = findInHead(url, values)
  const inHead = found.length
  const finder = createBodyFinder("body", encoding)
  if (body !== undefined) found.push(...(await finder.push(body)), ...(await finder.end()))
  // As many as are looked at in one place: there may be more.
  if (inHead >= MAX_FOUND) return { found, unread: "ambiguous", flooded: true }
  return { found, ...(isHidden(finder.unread) && { unread: finder.unread }) }
}

/** What is only too long is passed: a placeholder is worth nothing, and large files go out. What hides its content is not. */
export function isHidden(unread: Unread | undefined): unread is Unread {
  return unread !== undefined && unread !== "too-large"
}

export interface Prepared {
  outgoing: OutgoingRequest & { headers: string[]; body: Buffer | undefined }
  /** Names of the credentials that are in it now. */
  used: readonly string[]
  /** What must not come back; `watch` takes it out of the answer. */
  secrets: readonly Secret[]
  watch: Watch
  /** Has to be told of a body that is sent as it comes: it may ask for tokens. */
  grants?: GrantFinder | undefined
}

/** Puts credentials into a request. Rejects with `InjectionRefused`, or where the vault is out of order. */
export async function prepareRequest(
  deps: Pick<EgressDeps, "vault" | "now" | "tokens" | "resealer">,
  who: Attribution,
  { carried, action, classified }: Judged,
  outgoing: OutgoingRequest,
): Promise<Prepared> {
  const plain = carried.elsewhere === "redact" ? redacted(outgoing, carried.inert) : outgoing
  // What comes back is looked through: it must not come compressed, nor in parts that a secret is cut by. Signatures cover these headers.
  let request = carried.inject.length === 0 ? plain : { ...plain, headers: withIdentity(plain.headers) }
  const used: Credential[] = []
  const secrets: Secret[] = []
  for (const injecting of carried.inject) {
    const { credential, value } = await revealed(deps, injecting)
    const injected = injectCredential(request, credential, value, injecting.placeholder, deps.now())
    if ("refused" in injected) throw new InjectionRefused(injected.refused)
    if (injected.secrets.length === 0) continue
    request = injected.request
    used.push({ ...credential, name: injecting.credential })
    secrets.push(...injected.secrets)
  }
  const [first] = used
  const names = used.map(({ name }) => name)
  if (first === undefined)
    return { outgoing: { ...request, headers: [...request.headers], body: request.body }, used: [], secrets, watch: {} }
  const sent = { ...request, headers: [...request.headers], body: request.body }
  // What is said to a model may be about such requests, and is none.
  const isAbout = classified.model === true && isSaid(sent)
  const known = tokenRequest(action.host, isAbout ? { ...sent, body: undefined } : sent)
  const isTold =
    known !== undefined || sent.body !== undefined || (classified.model === true && !saysForm(sent.headers))
  const grants = isTold ? undefined : createGrantFinder(sent)
  const kindOf = () => known ?? grants?.kind()
  const seal = (body: Buffer) => {
    const kind = kindOf()
    return kind && deps.resealer.reseal(kind, body, who.run, first)?.body
  }
  const watch = watchTokens(watchSecrets(secrets), () => kindOf() !== undefined, seal)
  return { outgoing: sent, used: names, secrets, watch, grants }
}

/** A credential with its value: of the vault, a client's token, or a token that an origin handed out. */
async function revealed(
  { vault, tokens, resealer }: Pick<EgressDeps, "vault" | "tokens" | "resealer">,
  { credential: name, kept }: Injecting,
): Promise<{ credential: Credential; value: string }> {
  if (kept !== undefined) {
    const value = resealer.reveal(kept.name)
    // As an origin says it of a token that has expired.
    if (value === undefined) throw new InjectionRefused("token.expired")
    return { credential: kept, value }
  }
  const credential = vault?.list().find((one) => one.name === name)
  if (vault === undefined || credential === undefined)
    throw new NanoguardError(`the credential ${name} was removed meanwhile`, { exit: EXIT.environment })
  const value = await vault.reveal(name)
  return { credential, value: credential.slot.in === "oauth-client" ? await tokens.token(credential, value) : value }
}

/** The body without placeholders, as long as before: a conversation goes on without them. */
function redacted(request: OutgoingRequest, inert: readonly FoundPlaceholder[]): OutgoingRequest {
  if (request.body === undefined || inert.length === 0) return request
  const isEncoded = request.headers.some((name, at) => at % 2 === 0 && name === "content-encoding")
  const body = isEncoded ? undefined : redactPlaceholders(request.body, inert)
  if (body === undefined) throw new InjectionRefused("body.unread")
  return { ...request, body, headers: withLength(request.headers, body.length) }
}

function withLength(headers: readonly string[], length: number): string[] {
  return headers.map((text, at) => (at % 2 === 1 && headers[at - 1] === "content-length" ? String(length) : text))
}

const WHOLE = new Set(["accept-encoding", "range", "if-range"])

function withIdentity(headers: readonly string[]): string[] {
  const kept: string[] = []
  for (let at = 0; at + 1 < headers.length; at += 2) {
    if (!WHOLE.has(headers[at]!.toLowerCase())) kept.push(headers[at]!, headers[at + 1]!)
  }
  return [...kept, "accept-encoding", "identity"]
}

/** Takes secrets out of an answer. */
function watchSecrets(secrets: readonly Secret[]): Watch {
  const scrubber = createScrubber(secrets)
  return {
    head: (_status, headers) => {
      const isEncoded = ([name, value]: readonly [string, string]) =>
        name === "content-encoding" && value.trim().toLowerCase() !== "identity"
      // Asked for without, it came all the same: what cannot be looked through is not passed on.
      if (headers.some(isEncoded)) throw new AnswerRefused("answer.encoded")
      // What is taken out may be longer than what is put in its place.
      return scrubHeaders(headers, secrets).filter(([name]) => name !== "content-length")
    },
    data: (chunk) => scrubber.push(chunk),
    end: () => scrubber.end(),
    trailers: (trailers) => scrubHeaders(trailers, secrets),
  }
}

/** Keeps an answer with tokens, if that was asked for by the time it begins, until it is whole, and passes it on with placeholders in their place: all of it, or nothing. */
function watchTokens(watch: Watch, isAsked: () => boolean, seal: (body: Buffer) => Buffer | undefined): Watch {
  const chunks: Uint8Array[] = []
  let size = 0
  let isGranted = false
  return {
    ...watch,
    head: (status, headers) => {
      isGranted = status < 300 && isAsked()
      return watch.head?.(status, headers) ?? headers
    },
    data: (chunk) => {
      if (!isGranted) return watch.data?.(chunk) ?? chunk
      size += chunk.length
      if (size > MAX_TOKEN_ANSWER) throw new AnswerRefused("answer.too-large")
      const scrubbed = watch.data?.(chunk) ?? chunk
      chunks.push(Buffer.from(scrubbed))
      return EMPTY
    },
    end: () => {
      const rest = watch.end?.() ?? EMPTY
      if (!isGranted) return rest
      const sealed = seal(Buffer.concat([...chunks, rest]))
      if (sealed === undefined) throw new AnswerRefused("answer.tokens-unread")
      return sealed
    },
  }
}

const EMPTY = Buffer.alloc(0)
