// What real keys look like. A placeholder is built from these pieces, so that clients that check a key's form take it for one.
import { crc32 } from "node:zlib"

/** Letters and digits, as GitHub and npm count in base 62 (zero first). */
export const BASE62 = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
export const BASE32 = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"
export const HEX = "0123456789abcdef"
const BASE64URL = `${BASE62}-_`
const DIGITS = "0123456789"
/** What 32 bytes in base64url end with: the last two bits are zero, and strict decoders look. */
const LAST_OF_32 = "AEIMQUYcgkosw048"

/** Which layout the recognisable part has; `placeholder.ts` says what is in it. */
export type CoreName = "base62" | "base32" | "hex" | "uuid"

/** A piece of a key: text as it stands, the recognisable part, characters without meaning, or a check over what follows the first piece. */
export type Piece = string | { core: CoreName } | { fill: string; length: number } | { check: "crc32" }

const core: Piece = { core: "base62" }
const fill = (length: number, alphabet = BASE62): Piece => ({ fill: alphabet, length })
const check: Piece = { check: "crc32" }
const encode = (value: object) => Buffer.from(JSON.stringify(value)).toString("base64url")

/** Good until 2100: clients that look at `exp` never try to refresh it. */
const JWT = `${encode({ alg: "HS256", typ: "JWT" })}.${encode({ iss: "placeholder", sub: "placeholder", iat: 1_700_000_000, exp: 4_102_444_800 })}.`

/** Pieces by name of the shape. Sources and checks of each format are in docs/egress.md. */
export const SHAPES: Readonly<Record<string, readonly Piece[]>> = {
  // 30 random characters and six of CRC-32 in base 62.
  github: ["ghp_", core, fill(10), check],
  "github-oauth": ["gho_", core, fill(10), check],
  "github-app": ["ghs_", core, fill(10), check],
  "github-pat": ["github_pat_", core, fill(2), "_", fill(59)],
  gitlab: ["glpat-", core],
  anthropic: ["sk-ant-api03-", core, fill(73, BASE64URL), "AA"],
  "anthropic-oauth": ["sk-ant-oat01-", core, fill(73, BASE64URL), "AA"],
  // "OpenAI" in base64 stands in the middle of its keys.
  openai: ["sk-proj-", core, fill(54, BASE64URL), "T3BlbkFJ", fill(74, BASE64URL)],
  "openai-legacy": ["sk-", core, "T3BlbkFJ", fill(20)],
  npm: ["npm_", core, fill(10), check],
  slack: ["xoxb-", fill(12, DIGITS), "-", fill(13, DIGITS), "-", core, fill(4)],
  "slack-user": ["xoxp-", fill(12, DIGITS), "-", fill(13, DIGITS), "-", fill(13, DIGITS), "-", core, fill(12, HEX)],
  stripe: ["sk_test_51", core, fill(77)],
  "stripe-live": ["sk_live_51", core, fill(77)],
  linear: ["lin_api_", core, fill(20)],
  // As the credential's value is written: access key id, colon, secret key.
  aws: ["AKIA", { core: "base32" }, ":", core, fill(20)],
  google: ["AIzaSy", core, fill(13, BASE64URL)],
  jwt: [JWT, core, fill(22, BASE64URL), fill(1, LAST_OF_32)],
  uuid: [{ core: "uuid" }],
  hex: [{ core: "hex" }],
  hex40: [{ core: "hex" }, fill(8, HEX)],
  hex64: [{ core: "hex" }, fill(32, HEX)],
  plain: [core, fill(20)],
}

/** CRC-32 of a text in base 62, six characters: how GitHub and npm end their tokens. */
export function tokenCheck(text: string): string {
  let rest = crc32(text)
  let digits = ""
  for (let place = 0; place < 6; place++) {
    digits = `${BASE62[rest % 62]}${digits}`
    rest = Math.floor(rest / 62)
  }
  return digits
}

const KNOWN: readonly (readonly [string, RegExp])[] = [
  ["github-pat", /^github_pat_[A-Za-z0-9_]+$/],
  ["github-oauth", /^gho_[A-Za-z0-9]+$/],
  ["github-app", /^gh[sur]_[A-Za-z0-9]+$/],
  ["github", /^ghp_[A-Za-z0-9]+$/],
  ["gitlab", /^glpat-[\w.-]+$/],
  ["anthropic-oauth", /^sk-ant-oat\d\d-[\w-]+$/],
  ["anthropic", /^sk-ant-[\w-]+$/],
  ["openai", /^sk-(proj|svcacct|admin)-[\w-]+$/],
  ["npm", /^npm_[A-Za-z0-9]+$/],
  ["slack", /^xoxb-[\w-]+$/],
  ["slack-user", /^xoxp-[\w-]+$/],
  ["stripe", /^[sr]k_test_[A-Za-z0-9]+$/],
  ["stripe-live", /^[sr]k_live_[A-Za-z0-9]+$/],
  ["linear", /^lin_api_[A-Za-z0-9]+$/],
  ["aws", /^A(KIA|SIA)[A-Z2-7]{16}:[A-Za-z0-9+/]{40}(:.*)?$/],
  ["google", /^AIza[\w-]{35}$/],
  ["openai-legacy", /^sk-[A-Za-z0-9]{48}$/],
  ["jwt", /^ey[\w-]+\.ey[\w-]+\.[\w-]*$/],
  ["uuid", /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i],
  ["hex", /^[0-9a-f]{32}$/i],
  ["hex40", /^[0-9a-f]{40}$/i],
  ["hex64", /^[0-9a-f]{64}$/i],
]

/** The shape that a value has, by its form alone; `plain` where it is none that is known. */
export function guessShape(value: string): string {
  return value.length > 4096 ? "plain" : (KNOWN.find(([, form]) => form.test(value))?.[0] ?? "plain")
}
