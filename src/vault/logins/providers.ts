// How each agent's own login is renewed: the token endpoint that its program uses, and how that wants to be asked (RFC 6749, 6).
import type { LoginDocument } from "./document.ts"

export type LoginName = "claude" | "codex" | "gemini"

interface Provider {
  tokenUrl: string
  body: "json" | "form"
  /** The program's public client id; absent where it is found in the program that is installed. */
  clientId?: string
  scope?: string
}

const PROVIDERS: Readonly<Record<LoginName, Provider>> = {
  claude: {
    tokenUrl: "https://platform.claude.com/v1/oauth/token",
    body: "json",
    clientId: "9d1c250a-e61b-44d9-88ed-5944d1962f5e",
  },
  codex: {
    tokenUrl: "https://auth.openai.com/oauth/token",
    body: "json",
    clientId: "app_EMoamEEZ73f0CkXaXp7hrann",
    scope: "openid profile email",
  },
  gemini: { tokenUrl: "https://oauth2.googleapis.com/token", body: "form" },
}

/** The request that renews a login; undefined where it cannot be renewed. */
export function renewalOf(
  login: LoginName,
  { refresh, client }: LoginDocument,
): { url: string; init: RequestInit } | undefined {
  const { tokenUrl, body, clientId, scope } = PROVIDERS[login]
  const id = client?.id ?? clientId
  if (refresh === undefined || id === undefined) return undefined
  const fields = {
    ...{ grant_type: "refresh_token", refresh_token: refresh, client_id: id },
    ...(client?.secret !== undefined && { client_secret: client.secret }),
    ...(scope !== undefined && { scope }),
  }
  const headers = { accept: "application/json", "content-type": TYPES[body] }
  const text = body === "json" ? JSON.stringify(fields) : new URLSearchParams(fields).toString()
  return { url: tokenUrl, init: { method: "POST", headers, body: text, redirect: "error" } }
}

const TYPES = { json: "application/json", form: "application/x-www-form-urlencoded" } as const
