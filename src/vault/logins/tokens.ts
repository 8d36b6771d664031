// What a token endpoint answers (RFC 6749, 5.1), read within bounds.
import { parseForeignJson } from "../../foreign-json.ts"
import { isRecord } from "../../packages/registries/values.ts"
import { isDocument, type LoginDocument } from "./document.ts"

const MAX_ANSWER = 256 * 1024

/** Longest time that a token is believed to last, in seconds: a year. */
const MAX_LIFE = 366 * 86_400

/** A login with the tokens of an answer; what the answer leaves out stays. Undefined where it is none. `now` in milliseconds. */
export async function readTokens(
  response: Response,
  before: LoginDocument,
  now: number,
): Promise<LoginDocument | undefined> {
  const text = await readText(response)
  if (text === undefined) return undefined
  let answer: unknown
  try {
    answer = parseForeignJson(text)
  } catch {
    return undefined
  }
  if (!isRecord(answer)) return undefined
  const { access_token: access, refresh_token: refresh, expires_in: life } = answer
  if (typeof access !== "string" || (refresh !== undefined && typeof refresh !== "string")) return undefined
  const seconds = typeof life === "number" && life > 0 && life <= MAX_LIFE ? Math.floor(life) : undefined
  const expires = seconds === undefined ? endOfJwt(access) : now + seconds * 1000
  const document = { ...before, access, expires, ...(refresh !== undefined && { refresh }) }
  return isDocument(document) ? document : undefined
}

async function readText(response: Response): Promise<string | undefined> {
  const chunks: Uint8Array[] = []
  let size = 0
  for await (const chunk of response.body ?? []) {
    size += chunk.length
    if (size > MAX_ANSWER) return undefined
    chunks.push(chunk)
  }
  return Buffer.concat(chunks).toString("utf8")
}

/** When a JSON Web Token says that it ends (RFC 7519, 4.1.4), in milliseconds; 0 where it is none or says nothing. Checks no signature. */
export function endOfJwt(token: string): number {
  const parts = token.split(".")
  if (parts.length !== 3 || token.length > 16_384) return 0
  try {
    const claims: unknown = parseForeignJson(Buffer.from(parts[1]!, "base64url").toString("utf8"))
    const end = isRecord(claims) ? claims["exp"] : undefined
    return typeof end === "number" && end > 0 && end < 8.64e12 ? Math.floor(end) * 1000 : 0
  } catch {
    return 0
  }
}
