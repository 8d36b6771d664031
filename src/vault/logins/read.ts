// The files in which agents' programs keep their logins. They may be of any version, or somebody's work: what does not fit is no login.
import { parseForeignJson } from "../../foreign-json.ts"
import { isRecord } from "../../packages/registries/values.ts"
import { isDocument, type LoginDocument } from "./document.ts"
import type { LoginName } from "./providers.ts"
import { endOfJwt } from "./tokens.ts"

/** What a file held: a login, or a key that does not end. */
export type Found = { login: LoginDocument } | { key: string }

/** Reads the text of a program's file; undefined where there is no login in it. Never throws. */
export function readLogin(program: LoginName, text: string): Found | undefined {
  let value: unknown
  try {
    value = parseForeignJson(text)
  } catch {
    return undefined
  }
  if (!isRecord(value)) return undefined
  const found = READERS[program](value)
  if (found && "login" in found) return isDocument(found.login) ? found : undefined
  return found
}

type Members = Readonly<Record<string, unknown>>

const READERS: Readonly<Record<LoginName, (value: Members) => Found | undefined>> = {
  claude: readClaude,
  codex: readCodex,
  gemini: readGemini,
}

/** `.credentials.json`, or the keychain's entry: `{claudeAiOauth: {accessToken, refreshToken, expiresAt, scopes, ...}}`. */
function readClaude(value: Members): Found | undefined {
  const own = value["claudeAiOauth"]
  return isRecord(own) ? loginOf(own["accessToken"], own["refreshToken"], own["expiresAt"]) : undefined
}

/** `auth.json`: `{OPENAI_API_KEY, tokens: {id_token, access_token, refresh_token, account_id}, last_refresh}`. */
function readCodex(value: Members): Found | undefined {
  const { OPENAI_API_KEY: key, tokens } = value
  if (isRecord(tokens) && typeof tokens["access_token"] === "string") {
    const access = tokens["access_token"]
    return loginOf(access, tokens["refresh_token"], endOfJwt(access))
  }
  return typeof key === "string" && key !== "" ? { key } : undefined
}

/** `oauth_creds.json`: `{access_token, refresh_token, expiry_date, scope, token_type, id_token}`. */
function readGemini(value: Members): Found | undefined {
  return loginOf(value["access_token"], value["refresh_token"], value["expiry_date"])
}

/** `end` in milliseconds since the epoch. */
function loginOf(access: unknown, refresh: unknown, end: unknown): Found | undefined {
  if (typeof access !== "string") return undefined
  const expires = typeof end === "number" && end > 0 && end < 8.64e15 ? Math.floor(end) : 0
  return { login: { access, expires, ...(typeof refresh === "string" && { refresh }) } }
}
