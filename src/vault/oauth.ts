// Tokens for credentials that are OAuth clients: fetched on the host, kept for as long as they are good, never shown to an agent.
import { EXIT, NanoguardError } from "../errors.ts"
import { parseForeignJson } from "../foreign-json.ts"
import type { Credential } from "./types.ts"

/** What is asked of the network: `fetch`, or less. It must not follow redirects into the unknown; `redirect: "error"` says so. */
export type TokenFetch = (
  url: string,
  init: { method: "POST"; headers: Record<string, string>; body: string; redirect: "error"; signal: AbortSignal },
) => Promise<Pick<Response, "ok" | "status" | "body">>

export interface TokenSource {
  /** The token for a client (`<client id>:<client secret>`). Rejects with `NanoguardError` (environment) where there is none. */
  token: (credential: Pick<Credential, "name" | "version" | "slot">, value: string) => Promise<string>
  /** The origin said that a token is no good: the next one is a new one. */
  forget: (name: string) => void
}

/** Milliseconds before its expiry from which on a token is not used any more. */
const MARGIN = 60_000
/** Where a server does not say how long a token is good (RFC 6749, section 5.1, recommends it), in seconds. */
const DEFAULT_LIFE = 300
const MAX_LIFE = 86_400
const MAX_ANSWER = 65_536
const TIMEOUT = 30_000

interface Kept {
  key: string
  token: Promise<string>
  /** Milliseconds since the epoch; Infinity while it is fetched. */
  until: number
}

/** RFC 6749, section 4.4, with the client's password in the header (2.3.1). One request at a time a credential. */
export function createTokenSource({ fetch, now }: { fetch: TokenFetch; now: () => number }): TokenSource {
  const kept = new Map<string, Kept>()
  return {
    token({ name, version, slot }, value) {
      if (slot.in !== "oauth-client") throw new TypeError("not a client")
      const key = JSON.stringify([version, slot.tokenUrl, slot.scope])
      const before = kept.get(name)
      if (before?.key === key && now() < before.until) return before.token
      const fetched = fetchToken(fetch, name, slot, value)
      const one: Kept = { key, token: fetched.then(({ token }) => token), until: Number.POSITIVE_INFINITY }
      kept.set(name, one)
      fetched.then(
        ({ life }) => {
          one.until = now() + life * 1000 - MARGIN
        },
        () => {
          if (kept.get(name) === one) kept.delete(name)
        },
      )
      return one.token
    },
    forget: (name) => void kept.delete(name),
  }
}

function failed(name: string, what: string): NanoguardError {
  return new NanoguardError(`No token for the credential ${name}: ${what}.`, {
    exit: EXIT.environment,
    hint: "Look at its token address, and set it again if the client's secret has changed.",
  })
}

async function fetchToken(
  fetch: TokenFetch,
  name: string,
  { tokenUrl, scope }: { tokenUrl: string; scope?: string },
  value: string,
): Promise<{ token: string; life: number }> {
  const [id, secret] = [value.slice(0, value.indexOf(":")), value.slice(value.indexOf(":") + 1)]
  if (!value.includes(":") || new URL(tokenUrl).protocol !== "https:")
    throw failed(name, "it is no client of an https address")
  const basic = Buffer.from(`${encodeForm(id)}:${encodeForm(secret)}`).toString("base64")
  const body = new URLSearchParams({ grant_type: "client_credentials", ...(scope !== undefined && { scope }) })
  const headers = {
    ...{ authorization: `Basic ${basic}`, accept: "application/json" },
    "content-type": "application/x-www-form-urlencoded",
  }
  let text: string
  try {
    const signal = AbortSignal.timeout(TIMEOUT)
    const answer = await fetch(tokenUrl, { method: "POST", headers, body: body.toString(), redirect: "error", signal })
    text = answer.ok ? await readAnswer(answer.body) : ""
    if (!answer.ok) throw failed(name, `the server answered ${answer.status}`)
  } catch (error) {
    // A cause may quote what was sent.
    throw error instanceof NanoguardError ? error : failed(name, "the server did not answer")
  }
  const { access_token: token, expires_in: stated } = parseObject(text)
  if (typeof token !== "string" || !/^[\x21-\x7e]{1,16384}$/.test(token)) throw failed(name, "the answer has none")
  const life = Number(stated)
  return { token, life: Number.isFinite(life) && life > 0 ? Math.min(life, MAX_LIFE) : DEFAULT_LIFE }
}

const encodeForm = (text: string) => new URLSearchParams([["", text]]).toString().slice(1)

async function readAnswer(body: ReadableStream<Uint8Array> | null): Promise<string> {
  const chunks: Uint8Array[] = []
  let size = 0
  for await (const chunk of body ?? []) {
    size += chunk.length
    if (size > MAX_ANSWER) return ""
    chunks.push(chunk)
  }
  return Buffer.concat(chunks).toString("utf8")
}

function parseObject(text: string): Record<string, unknown> {
  try {
    const value: unknown = parseForeignJson(text)
    return typeof value === "object" && value !== null ? (value as Record<string, unknown>) : {}
  } catch {
    return {}
  }
}
