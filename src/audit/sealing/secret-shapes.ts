// What well-known secrets look like. Every expression finds its end in linear time: a repeat is never followed by something
// that it could also match, and starts at a text that cannot be inside of what it repeats.

/** A family of secrets. Where the expression has groups, these are the secret parts; else the whole match is. */
export interface SecretShape {
  name: string
  /** With the flags `g` and `d`. */
  pattern: RegExp
}

/** Not in the middle of a word. */
const WORD = "(?<![A-Za-z0-9])"

/** Not in the middle of a word or a slug: for prefixes that are part of ordinary ones ("risk-", "disk-"). */
const SLUG = "(?<![A-Za-z0-9_-])"

/** Written `token`, `Token` or `TOKEN`. */
const cases = (word: string) => `(?:${word}|${word[0]!.toUpperCase()}${word.slice(1)}|${word.toUpperCase()})`

const KEY_OF = ["api", "access", "account", "private", "signing", "secret", "encryption"].map(cases).join("|")

/** Names whose value is a secret, also as the end of a longer one: `X-Auth-Token`, `DB_PASSWORD`, `clientSecret`. */
const NAMES = `(?:${["token", "secret", "password", "passwd", "passphrase", "pwd"].map(cases).join("|")}|(?:${KEY_OF})[_-]?${cases("key")})`

/** Whether a member of this name holds a secret, whatever its value looks like. */
export const SECRET_NAME = new RegExp(`${NAMES}$`)

const shape = (name: string, source: string, flags = ""): SecretShape => ({
  name,
  pattern: new RegExp(source, `gd${flags}`),
})

/** All of them. The order does not matter: what overlaps is replaced as one. */
export const SECRET_SHAPES: readonly SecretShape[] = [
  shape("GitHub", `${WORD}(?:gh[oprsu]_[A-Za-z0-9_]{30,}|github_pat_[A-Za-z0-9_]{22,})`),
  shape("GitLab", `${WORD}gl(?:pat|dt|rt|rtr|cbt|ptt|ft|imt|agent|oas|soat|ffct|wt)-[A-Za-z0-9_.-]{20,}`),
  shape("npm", `${WORD}npm_[A-Za-z0-9]{36,}`),
  shape("PyPI", `${WORD}pypi-AgE[A-Za-z0-9_-]{32,}`),
  shape("crates.io, RubyGems", `${WORD}(?:cio[A-Za-z0-9]{32}(?![A-Za-z0-9])|rubygems_[0-9a-f]{48})`),
  shape("Slack", `${WORD}(?:xox[a-z]-|xoxe\\.|xapp-)[A-Za-z0-9.-]{10,}`),
  shape("Slack webhook", "hooks\\.slack\\.com/(?:services|workflows|triggers)/([A-Za-z0-9_/-]{20,})"),
  shape("AWS key id", `${WORD}A(?:KIA|SIA|BIA|CCA)[A-Z2-7]{16}(?![A-Za-z0-9])`),
  shape("Google", `${WORD}(?:AIza[A-Za-z0-9_-]{35}|ya29\\.[A-Za-z0-9_.-]{20,}|GOCSPX-[A-Za-z0-9_-]{20,})`),
  shape("Stripe", `${WORD}(?:[rs]k_(?:live|test)_[A-Za-z0-9]{16,}|whsec_[A-Za-z0-9+/=]{24,})`),
  shape("OpenAI, Anthropic and alike", `${SLUG}sk-(?=[A-Za-z_-]*[0-9])[A-Za-z0-9_-]{20,}`),
  shape(
    "model providers",
    `${WORD}(?:xai-[A-Za-z0-9]{40,}|gsk_[A-Za-z0-9]{40,}|hf_[A-Za-z0-9]{30,}|r8_[A-Za-z0-9]{30,}|pplx-[A-Za-z0-9]{40,})`,
  ),
  shape(
    "clouds and services",
    `${WORD}(?:do[opr]_v1_[0-9a-f]{60,}|shp(?:at|ca|pa|ss)_[0-9a-fA-F]{32}|SG\\.[A-Za-z0-9_-]{16,}\\.[A-Za-z0-9_-]{16,}|` +
      "dapi[0-9a-f]{32}|lin_api_[A-Za-z0-9]{32,}|ntn_[A-Za-z0-9]{40,}|fig[dru]_[A-Za-z0-9_-]{32,}|dckr_[po]at_[A-Za-z0-9_-]{20,}|" +
      "hv[sbr]\\.[A-Za-z0-9_-]{24,}|ATATT3[A-Za-z0-9_=-]{60,}|gl(?:c|sa)_[A-Za-z0-9_=+]{32,}|pul-[0-9a-f]{40}|" +
      "PMAK-[0-9a-f]{24}-[0-9a-f]{34}|AGE-SECRET-KEY-1[A-Z0-9]{50,})",
  ),
  shape(
    "chat bots",
    `${WORD}(?:[0-9]{8,10}:AA[A-Za-z0-9_-]{33}|[MNO][A-Za-z0-9_-]{23,25}\\.[A-Za-z0-9_-]{6}\\.[A-Za-z0-9_-]{27,38})`,
  ),
  // A hyphen or underscore may stand before a token and in one: a header ends where the next one could begin.
  shape("JSON Web Token", `${WORD}eyJ(?:(?![-_]eyJ)[A-Za-z0-9_-]){8,}(?:\\.[A-Za-z0-9_-]*){1,4}`),
  shape(
    "private key",
    "-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----[^]*?(?:-----END [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----|$)",
  ),
  shape(
    "HTTP Authorization",
    `${cases("authorization")}["'\\\\]{0,4} ?[:=] ?["'\\\\]{0,4}(?:[A-Za-z][A-Za-z0-9-]{2,20}[ +])?(?![A-Za-z][A-Za-z0-9-]{2,20}[ +])([^\\s"'\\\\,;&]+)`,
  ),
  shape(
    "basic and bearer",
    `${WORD}(?:${cases("basic")}|${cases("bearer")})[ +](?=[A-Za-z_.~/-]*[0-9+=])([A-Za-z0-9+/=_.~-]{8,})`,
  ),
  // Not the part of a URL's userinfo that tools write for everyone.
  shape(
    "URL userinfo",
    "://(?!(?:git|hg|svn|anonymous)@)(?:(?:git|oauth2|x-access-token|x-token-auth|token|user|root|admin|_token):)?([^\\s/?#\"'<>]+)@",
    "i",
  ),
  shape("value of a secret's name", `${NAMES}["'\\\\\\]]{0,4} {0,4}=[>=]? {0,4}["'\\\\]{0,4}([^\\s"'&;,<>\\\\)}\\]]+)`),
  // Not the name in a URL's userinfo.
  shape(
    "member of a secret's name",
    `(?<!://[a-z-]{0,20})${NAMES}["'\\\\]{0,4}: {0,4}["'\\\\]{0,4}([^\\s"'&;,<>\\\\)}\\]]{6,})`,
  ),
  shape("option of a secret's name", `-${NAMES} ["']?([^\\s"'-][^\\s"']{3,})`),
  shape(
    "query value",
    "[?&;](?:sig|key|auth|code|sid|session|sessionid|x-amz-signature|x-amz-credential|x-goog-signature)=([^\\s\"'&;#<>]+)",
    "i",
  ),
]

/** After a secret's name, up to its value; in JSON text quotes and backslashes are escaped. */
const SIGN = "[\"'\\\\\\] ]{0,12}[:= ]"

/**
 * Cheap signs of the shapes: raw, percent-encoded, and in JSON text, where quotes and backslashes are escaped. Each looks for a
 * character that is rare in records and then around it. Measured on records of 1,000 characters: 2.7 us for all five, 8.7 us as
 * one expression that begins with the shapes' own beginnings; which of them share an expression matters as much.
 */
const SIGNS: readonly RegExp[] = [
  [
    "_(?<=(?:gh[oprsu]|npm|pat|sk|live|test|whsec|hf|r8|v1|shp(?:at|ca|pa|ss)|lin_api|ntn|fig[dru]|rubygems|gl(?:c|sa))_)",
    "-(?<=(?:xox[a-z]|xapp|xai|sk|pplx|pul|PMAK|gl[a-z]{2,5}|pypi|OCSPX)-)[A-Za-z0-9_.-]",
    "A(?:[KSB]IA[A-Z2-7]{16}|CCA[A-Z2-7]{16}|Iza|TATT3|GE-SECRET|A(?<=[0-9]:AA))",
    "J(?<=eyJ)",
    "[zZ](?<=[aA]uthoriz|AUTHORIZ)",
    "[?&;][a-zA-Z-]{3,17}=",
    // %40 is in half of all purls.
    "%(?:[0-35-9a-fA-F][0-9a-fA-F]|4[1-9a-fA-F])",
    "[ +](?<=(?:[bB]asic|[bB]earer|BASIC|BEARER)[ +])",
    "PRIVATE KEY",
    // A letter as an escape of JSON.
    "\\\\u00[2-7]",
    `[wW](?:(?<=[pP]assw|PASSW)(?:or|OR)?[dD]|(?<=[pP]w|PW)[dD])${SIGN}`,
  ],
  ["\\.(?:(?<=(?:xox[a-z]|hv[sbr]|SG|ya29|hooks)\\.)|[A-Za-z0-9_-]{6}\\.[A-Za-z0-9_-]{27})"],
  [`[kK](?:ey|EY|(?<=[tT]ok|TOK)(?:en|EN))${SIGN}`, `[sS](?:phrase|PHRASE|ecret|ECRET)${SIGN}`],
  ["://[^\\s/?#\"'<>]+@"],
  ["cio[A-Za-z0-9]{32}", "dapi[0-9a-f]{32}"],
].map((signs) => new RegExp(signs.join("|")))

/** Whether a text, or data as JSON text, may hold one of the shapes: never false where it does. */
export function maySecretBeIn(text: string): boolean {
  for (const sign of SIGNS) if (sign.test(text)) return true
  return false
}
