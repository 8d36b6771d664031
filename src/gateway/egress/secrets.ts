// What happens to keys on their way: placeholders found in a request, values put in their place, and kept out of the answer.
import { EXIT, NanoguardError } from "../../errors.ts"
import { createBodyFinder } from "../../vault/find-body.ts"
import { findInHead } from "../../vault/find-head.ts"
import { checkSlot, injectCredential, type OutgoingRequest, type Secret } from "../../vault/inject.ts"
import { createScrubber, scrubHeaders } from "../../vault/scrub.ts"
import type { Credential, FoundPlaceholder } from "../../vault/types.ts"
import type { Attribution } from "../types.ts"
import type { EgressDeps } from "./deps.ts"
import { AnswerRefused, type Watch } from "./forward.ts"
import type { Judged } from "./judge.ts"

/** A request that its credential does not fit into: nothing was sent. The message is a code. */
export class InjectionRefused extends Error {
  override name = "InjectionRefused"
}

/** A body in which a placeholder turned up where it must not be: the request is cut off. */
export class PlaceholderFound extends Error {
  override name = "PlaceholderFound"
}

/** Everything in a request that looks like a placeholder; of a body only where all of it is there. */
export async function findPlaceholders(
  url: string,
  headers: readonly string[],
  body: Buffer | undefined,
): Promise<FoundPlaceholder[]> {
  const values: Record<string, string[]> = {}
  let encoding = ""
  for (let at = 0; at + 1 < headers.length; at += 2) {
    const name = headers[at]!
    values[name] = [...(values[name] ?? []), headers[at + 1]!]
    if (name === "content-encoding") encoding = headers[at + 1]!
  }
  const found = findInHead(url, values)
  if (body === undefined || body.length === 0) return found
  const finder = createBodyFinder("body", encoding)
  return [...found, ...(await finder.push(body)), ...(await finder.end())]
}

/** Whether a placeholder stands where its credential belongs. */
export function inOwnSlot(found: FoundPlaceholder, credential: Credential): boolean {
  return checkSlot(found, credential)
}

export interface Prepared {
  outgoing: OutgoingRequest & { headers: string[]; body: Buffer | undefined }
  /** Names of the credentials that are in it now. */
  used: readonly string[]
  watch: Watch
}

/** Puts credentials into a request. Rejects with `InjectionRefused`, or where the vault is out of order. */
export async function prepareRequest(
  { vault, now }: Pick<EgressDeps, "vault" | "now">,
  { carried }: Judged,
  outgoing: OutgoingRequest,
): Promise<Prepared> {
  let request = outgoing
  const used: string[] = []
  const secrets: Secret[] = []
  for (const { credential: name, placeholder } of carried.inject) {
    const credential = vault?.list().find((one) => one.name === name)
    if (vault === undefined || credential === undefined) throw gone(name)
    const injected = injectCredential(request, credential, await vault.reveal(name), placeholder, now())
    if ("refused" in injected) throw new InjectionRefused(injected.refused)
    if (injected.secrets.length === 0) continue
    request = injected.request
    used.push(name)
    secrets.push(...injected.secrets)
  }
  // What comes back is looked through for them: it must not come compressed.
  const headers = used.length === 0 ? [...request.headers] : withIdentity(request.headers)
  return { outgoing: { ...request, headers, body: request.body }, used, watch: watchSecrets(secrets) }
}

function gone(name: string): NanoguardError {
  return new NanoguardError(`the credential ${name} was removed meanwhile`, { exit: EXIT.environment })
}

function withIdentity(headers: readonly string[]): string[] {
  const kept: string[] = []
  for (let at = 0; at + 1 < headers.length; at += 2) {
    if (headers[at]!.toLowerCase() !== "accept-encoding") kept.push(headers[at]!, headers[at + 1]!)
  }
  return [...kept, "accept-encoding", "identity"]
}

/** Takes secrets out of an answer. */
function watchSecrets(secrets: readonly Secret[]): Watch {
  if (secrets.length === 0) return {}
  const scrubber = createScrubber(secrets)
  return {
    head: (_status, headers) => {
      const encoding = headers.find(([name]) => name === "content-encoding")?.[1]
      // Asked for without, it came all the same: what cannot be looked through is not passed on.
      if (encoding !== undefined && encoding.trim().toLowerCase() !== "identity")
        throw new AnswerRefused("answer.encoded")
      // What is taken out may be longer than what is put in its place.
      return scrubHeaders(headers, secrets).filter(([name]) => name !== "content-length")
    },
    data: (chunk) => scrubber.push(chunk),
    end: () => scrubber.end(),
  }
}

/** Looks through a body that streams by. Throws `PlaceholderFound`, once that is recorded. */
export function guardBody(
  { vault, traffic }: Pick<EgressDeps, "vault" | "traffic">,
  who: Attribution,
  { action, evidence, verdict, carried }: Judged,
  encoding: string,
): { look: (chunk: Buffer) => Promise<Buffer>; end: () => Promise<void> } {
  if (vault === undefined || vault.locked || carried.elsewhere !== "refuse")
    return { look: async (chunk) => chunk, end: async () => {} }
  const finder = createBodyFinder("body", encoding)
  const check = async (found: readonly FoundPlaceholder[]) => {
    for (const one of found) {
      const identified = vault.identify(one.text)
      if (identified === undefined) continue
      const { credential } = identified
      const canary = vault.list().find(({ name }) => name === credential)?.canary === true
      const detail = { credential, canary, where: one.where, encoding: one.encoding, cut: true }
      await traffic.exfiltration(who, { action, evidence, verdict }, detail)
      throw new PlaceholderFound("credential.unbound-placeholder")
    }
  }
  return {
    look: async (chunk) => {
      await check(await finder.push(chunk))
      return chunk
    },
    end: async () => check(await finder.end()),
  }
}
