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
      "hv[sbr]\\.[A-Za-z0-9_-]{24,}|ATATT3[A-Za-z0-9_=-]{60,}|gl(?:c|sa)_[A-Za-z0-9_=+/]{32,}|pul-[0-9a-f]{40}|" +
      "PMAK-[0-9a-f]{24}-[0-9a-f]{34}|AGE-SECRET-KEY-1[A-Z0-9]{50,})",
  ),
  shape(
    "chat bots",
    `${WORD}(?:[0-9]{8,10}:AA[A-Za-z0-9_-]{33}|[MNO][A-Za-z0-9_-]{23,25}\\.[A-Za-z0-9_-]{6}\\.[A-Za-z0-9_-]{27,38})`,
  ),
  shape("JSON Web Token", `${WORD}eyJ[A-Za-z0-9_-]{8,}(?:\\.[A-Za-z0-9_-]*){1,4}`),
  shape(
    "private key",
    "-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----[^]*?(?:-----END [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----|$)",
  ),
  shape(
    "HTTP Authorization",
    `${cases("authorization")}["'\\\\]{0,4} ?[:=] ?["'\\\\]{0,4}(?:[A-Za-z][A-Za-z0-9-]{2,20}[ +])?([^\\s"'\\\\,;&]+)`,
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
  shape("member of a secret's name", `${NAMES}["'\\\\]{0,4}: {0,4}["'\\\\]{0,4}([^\\s"'&;,<>\\\\)}\\]]{6,})`),
  shape("option of a secret's name", `-${NAMES} ["']?([^\\s"'-][^\\s"']{3,})`),
  shape(
    "query value",
    "[?&;](?:sig|key|auth|code|sid|session|sessionid|x-amz-signature|x-amz-credential|x-goog-signature)=([^\\s\"'&;#<>]+)",
    "i",
  ),
]

/**
 * Whether a text may hold one of the shapes, raw or percent-encoded: never false where one does. Also of JSON text, in which
 * quotes and backslashes are escaped: no shape needs a character before its first that JSON would change.
 */
export const MAY_HOLD_SECRET = new RegExp(
  [
    "[gG](?:h[oprsu]_|ithub_pat_|l[a-z]{1,5}[-_]|OCSPX-|sk_)",
    "npm_[A-Za-z0-9]{30}|pypi-AgE|cio[A-Za-z0-9]{32}|rubygems_",
    "xox[a-z][-.]|xapp-|xai-|hooks\\.slack",
    "A(?:KIA|SIA|BIA|CCA)[A-Z2-7]{16}|AIza|ATATT3|AGE-SECRET",
    "ya29\\.|[rs]k_(?:live|test)_|whsec_|sk-[A-Za-z0-9_-]{20}",
    "hf_|r8_|pplx-|do[opr]_v1_|shp[a-z]{2}_|SG\\.|dapi[0-9a-f]{32}|lin_api_|ntn_|fig[dru]_|dckr_|hv[sbr]\\.|pul-[0-9a-f]{40}|PMAK-",
    "[0-9]:AA|[MNO][A-Za-z0-9_-]{23,25}\\.[A-Za-z0-9_-]{6}\\.",
    "eyJ[A-Za-z0-9_-]{8}|PRIVATE KEY",
    "[bB](?:asic|earer|ASIC|EARER)[ +]|[aA](?:uthorization|UTHORIZATION)",
    "://[^\\s/?#\"'<>]+@",
    "(?:[tT]oken|TOKEN|[sS]ecret|SECRET|[pP]ass(?:w(?:or)?d|phrase)|PASS(?:W(?:OR)?D|PHRASE)|[pP]wd|PWD|[kK]ey|KEY)[\"'\\\\\\] ]{0,12}[:= ]",
    "[?&;][a-zA-Z-]{3,17}=",
    "%(?!40)[0-9a-fA-F]{2}",
  ].join("|"),
)
