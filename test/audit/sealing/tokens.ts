// A token of each well-known kind. They are put together here, so that no scanner of repositories takes this for a leak.
import { createHash } from "node:crypto"

/** `length` letters and digits, always with both. */
export const alnum = (length: number) => "aB3dE5gH7jK9mN1pQ2rS4tU6vW8xY0zAbC".repeat(10).slice(0, length)
export const hex = (length: number) => createHash("sha512").update("hex").digest("hex").repeat(4).slice(0, length)
const upper = (length: number) => "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567".repeat(4).slice(0, length)
export const b64url = (text: string) => Buffer.from(text).toString("base64url")
const jwt = `${b64url('{"alg":"HS256","typ":"JWT"}')}.${b64url('{"sub":"1234567890"}')}.${b64url("signature of it")}`
export const pem = (kind: string) => `-----BEGIN ${kind}-----\n${alnum(64)}\n${alnum(20)}==\n-----END ${kind}-----`

/** What it is a token of, and the token. */
export const TOKENS: [string, string][] = [
  ["GitHub", `ghp_${alnum(36)}`],
  ["GitHub app", `ghs_${alnum(36)}`],
  ["GitHub fine-grained", `github_pat_${alnum(22)}_${alnum(59)}`],
  ["GitLab", `glpat-${alnum(20)}`],
  ["GitLab deploy", `gldt-${alnum(20)}`],
  ["npm", `npm_${alnum(36)}`],
  ["PyPI", `pypi-AgEIcHlwaS5vcmc${alnum(60)}`],
  ["crates.io", `cio${alnum(32)}`],
  ["RubyGems", `rubygems_${hex(48)}`],
  ["Slack bot", `xoxb-${"1234567890"}-${alnum(24)}`],
  ["Slack app", `xapp-1-A${alnum(10)}-${alnum(20)}`],
  ["Slack rotating", `xoxe.xoxp-1-${alnum(30)}`],
  ["AWS key id", `AKIA${upper(16)}`],
  ["AWS session key id", `ASIA${upper(16)}`],
  ["Google API key", `AIza${alnum(35)}`],
  ["Google OAuth", `ya29.${alnum(40)}`],
  ["Google client secret", `GOCSPX-${alnum(28)}`],
  ["Stripe", `sk_live_${alnum(24)}`],
  ["Stripe restricted", `rk_test_${alnum(24)}`],
  ["Stripe webhook", `whsec_${alnum(32)}`],
  ["OpenAI", `sk-${alnum(48)}`],
  ["OpenAI project", `sk-proj-${alnum(20)}_${alnum(20)}-${alnum(8)}`],
  ["Anthropic", `sk-ant-api03-${alnum(80)}-AA`],
  ["xAI", `xai-${alnum(80)}`],
  ["Groq", `gsk_${alnum(52)}`],
  ["Hugging Face", `hf_${alnum(34)}`],
  ["Replicate", `r8_${alnum(37)}`],
  ["Perplexity", `pplx-${alnum(48)}`],
  ["DigitalOcean", `dop_v1_${hex(64)}`],
  ["Shopify", `shpat_${hex(32)}`],
  ["SendGrid", `SG.${alnum(22)}.${alnum(43)}`],
  ["Databricks", `dapi${hex(32)}`],
  ["Linear", `lin_api_${alnum(40)}`],
  ["Notion", `ntn_${alnum(46)}`],
  ["Figma", `figd_${alnum(40)}`],
  ["Docker", `dckr_pat_${alnum(27)}`],
  ["HashiCorp Vault", `hvs.${alnum(60)}`],
  ["Atlassian", `ATATT3${alnum(180)}`],
  ["Grafana", `glsa_${alnum(32)}_${hex(8)}`],
  ["Pulumi", `pul-${hex(40)}`],
  ["Postman", `PMAK-${hex(24)}-${hex(34)}`],
  ["age", `AGE-SECRET-KEY-1${upper(58)}`],
  ["Telegram", `1234567890:AA${alnum(33)}`],
  ["Discord", `M${alnum(24)}.${alnum(6)}.${alnum(27)}`],
  ["JWT", jwt],
  ["RSA key", pem("RSA PRIVATE KEY")],
  ["PKCS #8 key", pem("PRIVATE KEY")],
  ["OpenSSH key", pem("OPENSSH PRIVATE KEY")],
  ["PGP key", pem("PGP PRIVATE KEY BLOCK")],
]
