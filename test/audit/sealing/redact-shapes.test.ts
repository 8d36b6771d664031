import { createHash, createHmac } from "node:crypto"
import fc from "fast-check"
import { describe, expect, it } from "vitest"
import { commitSecret, mayHoldSecret, redactText } from "../../../src/audit/sealing/redact.ts"
import { SECRET_SHAPES } from "../../../src/audit/sealing/secret-shapes.ts"
import { COMMIT_KEY } from "../events.ts"
import { alnum, b64url, hex, pem, TOKENS } from "./tokens.ts"

const redact = (text: string) => redactText(text, { commitKey: COMMIT_KEY })
const commit = (value: string) => commitSecret(value, COMMIT_KEY)

describe("redactText", () => {
  it.each(TOKENS)("replaces a token of %s, and nothing around it", (_, token) => {
    const expected = commit(token)
    for (const [before, after] of [
      ["", ""],
      ["run with ", " now"],
      ['{"a":"', '"}'],
      ["(", ")"],
      ["line one\n", "\nline two"],
      ["https://example.com/x/", "?y"],
    ] as const)
      expect(redact(before + token + after)).toBe(before + expected + after)
  })

  it.each(TOKENS)("knows before it looks that there may be one of %s: raw, in JSON, percent-encoded", (_, token) => {
    expect(mayHoldSecret(token, undefined)).toBe(true)
    expect(mayHoldSecret(JSON.stringify({ a: `\n${token}\t` }), undefined)).toBe(true)
    const encoded = `x=${encodeURIComponent(` ${token} `)}`
    expect(mayHoldSecret(encoded, undefined)).toBe(true)
    expect(redact(encoded)).toBe(`x=%20${commit(token)}%20`)
    expect(redact(`x=${encodeURIComponent(encoded)}`)).toContain(commit(token))
    const escaped = [...token].map((c) => `\\u00${c.charCodeAt(0).toString(16).padStart(2, "0")}`).join("")
    if (!token.includes("\n")) expect(redact(escaped)).toBe(commit(token))
  })

  it.each<[string, string, string[]]>([
    ["a bearer header", "Authorization: Bearer abc.def-ghi", ["abc.def-ghi"]],
    ["a basic header", "authorization: Basic dXNlcjpwYXNz", ["dXNlcjpwYXNz"]],
    ["a header of an unknown scheme", "Proxy-Authorization: Token t0psecret", ["t0psecret"]],
    ["a header in an object", '{"Authorization":"Bearer abcdef123"}', ["abcdef123"]],
    ["a bearer token alone", "curl -H 'X: y' bearer abcd1234efgh", ["abcd1234efgh"]],
    ["a password in a URL", "postgres://app:s3cret@db.example:5432/x", ["app:s3cret"]],
    ["a password with an at sign", "https://user:p@ss@example.com/", ["p@ss"]],
    ["a token as the user", "https://9f8e7d6c5b4a@github.com/acme/app.git", ["9f8e7d6c5b4a"]],
    ["a token behind a usual name", "https://x-access-token:s3cret@github.com/a", ["s3cret"]],
    ["an encoded URL in a URL", "https://a.example/?next=https%3A%2F%2Froot%3Ahunter2%40b.example%2F", ["hunter2"]],
    ["a token in a query", "https://a.example/x?access_token=abc123&page=2", ["abc123"]],
    ["an encoded query", "/cb?u=%2Flogin%3Fapi_key%3Dabc123%26page%3D2", ["abc123"]],
    ["a signature in a query", "https://a.example/x?sv=1&sig=abc%2Bdef%3D&se=2", ["abc%2Bdef%3D"]],
    ["a key in a query", "https://maps.example/api?key=abcdef&q=x", ["abcdef"]],
    ["an environment variable", "NPM_TOKEN=abcdef npm publish", ["abcdef"]],
    ["a quoted assignment", 'dbPassword = "hunter2" # here', ["hunter2"]],
    ["an AWS secret by its name", `aws_secret_access_key=${alnum(40)}`, [alnum(40)]],
    ["a member of an object in text", '{"client_secret": "hunter22", "x": 1}', ["hunter22"]],
    ["a header of an API", "X-Api-Key: abcdef123456", ["abcdef123456"]],
    ["an option", "deploy --token hunter22 --dry-run", ["hunter22"]],
    ["a connection string", "Endpoint=x;AccountKey=abc+/def==;Y=1", ["abc+/def=="]],
    ["a key without an end", `${pem("EC PRIVATE KEY").slice(0, 70)}`, [pem("EC PRIVATE KEY").slice(0, 70)]],
    [
      "a Slack webhook",
      "https://hooks.slack.com/services/T00000000/B00000000/aaaaaaaa",
      ["T00000000/B00000000/aaaaaaaa"],
    ],
  ])("replaces only the secret part of %s", (_, text, secrets) => {
    const decoded = (secret: string) => (secret.includes("%") ? decodeURIComponent(secret) : secret)
    const expected = secrets.map((s): [string, string] => [s, commit(s)])
    const result = redact(text)
    for (const [secret, commitment] of expected) {
      expect(result).not.toContain(secret)
      expect([commitment, commit(decoded(secret))].some((one) => result.includes(one))).toBe(true)
      const [before, after] = text.split(secret) as [string, string]
      expect(result.startsWith(before)).toBe(true)
      expect(result.endsWith(after)).toBe(true)
    }
  })

  const sha512 = createHash("sha512").update("x").digest("base64")
  it.each([
    "pkg:npm/%40acme/left-pad@1.3.0",
    "pkg:pypi/pypi-simple@1.5.0",
    "pkg:npm/npm_package-with_a_long_name-and-more-of-it@1.0.0",
    "pkg:golang/github.com/acme/secret-tool@v1.2.3%2Bincompatible",
    "pkg:npm/risk-assessment-framework-of-the-company@2.0.0",
    "pkg:npm/sk-learn-helpers-for-everyone-and-more",
    "pkg:cargo/token-bucket@0.1.0",
    `sha512-${sha512}`,
    `sha1-${createHash("sha1").update("x").digest("base64")}`,
    `sha256:${hex(64)}`,
    hex(40),
    `h1:${createHash("sha256").update("x").digest("base64")}`,
    "git+ssh://git@github.com/acme/app.git#v1",
    "https://registry.example.com/@acme/left-pad/-/left-pad-1.3.0.tgz",
    "https://docs.example.com/a?b=c&page=2#token",
    "POST https://api.example.com/v1/tokens",
    "packages.deny.severity (nanoguard.yaml:4:12)",
    "credential.unbound: the credential github is not bound to this host",
    "The secret is out",
    "Basic authentication is off; bearer tokens are not used.",
    "mail ana@acme.example about https://acme.example",
    "AKIA is the prefix of key ids, AKIAabc is none",
    "GHSA-aaaa-bbbb-cccc CVE-2026-1234",
    "eyJust a word.And another",
    "-----BEGIN PUBLIC KEY-----\nabc\n-----END PUBLIC KEY-----",
    "2026-11-21T10:00:00.000Z run-01J8ZK3V5Q gateway-1",
    "127.0.0.1:8080 [::1]:443 10:AAAA",
    "ghp_ is how they begin; gho_short too",
    "xoxb- and sk_live_ and npm_",
    `person:${b64url("a".repeat(32))} secret:${b64url("b".repeat(32))}`,
  ])("leaves %s alone", (text) => {
    expect(redact(text)).toBe(text)
  })

  it("is done after once", () => {
    const some = TOKENS.map(([, token]) => token).concat(
      "password=hunter22",
      "https://a:b@c.example",
      "é",
      "\\n",
      "%41",
      " ",
    )
    fc.assert(
      fc.property(
        fc.array(fc.constantFrom(...some), { maxLength: 6 }),
        fc.constantFrom("", " ", "/", "&x="),
        (list, by) => {
          const once = redact(list.join(by))
          expect(redact(once)).toBe(once)
        },
      ),
    )
  })

  it("never misses in JSON what it finds in a string", () => {
    const units = fc.constantFrom(
      ...TOKENS.map(([, t]) => t),
      '"',
      "\\",
      "\n",
      "token",
      "=",
      ":",
      " ",
      "%3D",
      "://",
      "@",
      "a",
      "key",
      "é",
    )
    fc.assert(
      fc.property(fc.array(units, { maxLength: 12 }), (list) => {
        const text = list.join("")
        if (redact(text) !== text) expect(mayHoldSecret(JSON.stringify({ [text]: text }), undefined)).toBe(true)
      }),
      { numRuns: 2000 },
    )
  })

  it("commits by HMAC-SHA256 under the log's key", () => {
    const mac = createHmac("sha256", COMMIT_KEY).update("hunter22").digest("base64url")
    expect(redact("password=hunter22")).toBe(`password=secret:${mac}`)
  })

  it("takes time in proportion to the text, whatever it repeats", () => {
    // A quadratic expression would need minutes for one of these.
    const units = [
      "ghp_",
      "sk-",
      "eyJ",
      "eyJaaaaaaaa.",
      "://",
      "://a",
      "@",
      "token=",
      "token",
      "-----BEGIN PRIVATE KEY-----",
      "basic ",
      "xoxb-",
      "AKIA",
      "SG.",
      "M",
      "1:AA",
      "%3A",
      "\\u00",
      "authorization",
      '"',
      " ",
      "a",
      "_",
      "-",
      ".",
      "&key=",
      "password: ",
    ]
    for (const unit of units) redact(unit.repeat(Math.ceil(65_536 / unit.length)))
    // A hyphen begins a word, and is in a token: these are beyond what is searched of a text, where it shows.
    for (const unit of ["-eyJ", "_eyJ", "-eyJaaaaaaaa"]) {
      for (const { pattern } of SECRET_SHAPES) unit.repeat(65_536).match(pattern)
    }
    expect(redact(`id-eyJhbGciOiJIUzI1NiJ9.${"e".repeat(20)}.${"s".repeat(20)}`)).toMatch(/^id-secret:[\w-]{43}$/)
  })

  it("names each family of shapes for the documentation", () => {
    expect(new Set(SECRET_SHAPES.map(({ name }) => name)).size).toBe(SECRET_SHAPES.length)
    for (const { pattern } of SECRET_SHAPES) expect(pattern.flags).toMatch(/^dgi?$/)
  })
})
