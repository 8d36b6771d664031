import fc from "fast-check"
import { describe, expect, test } from "vitest"
import { findIn } from "../../src/vault/find.ts"
import { createResealer } from "../../src/vault/reseal.ts"
import { readTokens, tokenRequest } from "../../src/vault/reseal-tokens.ts"

const NOW = Date.UTC(2026, 10, 21)
const reach = { hosts: ["api.example.com"] }
/** The credential that was in the request. */
const origin = { name: "idp", reach }
const ACCESS = "ya29.a0AfH6SMBx/real+token~value"
const REFRESH = "1//0gRefreshTokenRealValue-x"
const ID = "ASIAIOSFODNN7EXAMPLE"
const SECRET = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"
const SESSION = "AQoDYXdzEPT//////////wEXAMPLEtc764bNrC9SAPBSM22wDOk4x4HIZ8j4FZTwdQW=="

/** Sealed by turning each byte round: so that what is kept is not what was given. */
const vault = {
  seal: (bytes: Uint8Array) => Buffer.from(bytes).map((byte) => byte ^ 0xff) as Buffer,
  open: (bytes: Uint8Array) => Buffer.from(bytes).map((byte) => byte ^ 0xff) as Buffer,
}
function make() {
  const time = { now: NOW }
  return { time, resealer: createResealer({ vault, now: () => time.now }) }
}
const post = (path: string, body = "", headers: string[] = []) => ({
  ...{ method: "POST", path, headers },
  body: Buffer.from(body),
})
const JSON_TYPE = ["Content-Type", "application/json; charset=utf-8"]
/** JSON that somebody wrote about such requests. */
const ABOUT = JSON.stringify({ text: "send /token?x&grant_type=password, or ?Action=GetSessionToken&x" })

describe("tokenRequest", () => {
  test.each<[string, string, Parameters<typeof tokenRequest>[1], string | undefined]>([
    ["RFC 6749", "id.example.com", post("/anything", "grant_type=refresh_token&refresh_token=x"), "oauth"],
    ["the same in JSON", "id.example.com", post("/anything", '{"grant_type" : "client_credentials"}'), "oauth"],
    ["Google", "oauth2.googleapis.com", post("/token"), "oauth"],
    ["GitHub, for people", "github.com", post("/login/oauth/access_token?x=1"), "oauth"],
    [
      "Google, for service accounts",
      "iamcredentials.googleapis.com",
      post("/v1/projects/-/serviceAccounts/x:generateAccessToken"),
      "oauth",
    ],
    ["GitHub Apps", "api.github.com", post("/app/installations/12/access_tokens"), "installation"],
    ["GitHub Enterprise", "ghe.example.com", post("/api/v3/app/installations/12/access_tokens"), "installation"],
    ["STS", "sts.eu-central-1.amazonaws.com", post("/"), "aws"],
    ["STS by query", "sts.example.com", { method: "GET", path: "/?Action=AssumeRole&x", headers: [] }, "aws"],
    [
      "AWS's portal",
      "portal.sso.us-east-1.amazonaws.com",
      { method: "GET", path: "/federation/credentials?a", headers: [] },
      "aws",
    ],
    [
      "Cognito",
      "cognito-identity.us-east-1.amazonaws.com",
      { method: "POST", path: "/", headers: ["X-Amz-Target", "AWSCognitoIdentityService.GetCredentialsForIdentity"] },
      "aws",
    ],
    ["a form that a service decodes", "id.example.com", post("/x", "grant%5Ftype=refresh_token"), "oauth"],
    ["JSON that a service decodes", "id.example.com", post("/x", '{"grant\\u005ftype":"password"}'), "oauth"],
    ["a grant in the query", "id.example.com", post("/x?a=b&grant_type=password"), "oauth"],
    ["a grant behind much else", "id.example.com", post("/x", `a=${"x".repeat(100_000)}&grant_type=password`), "oauth"],
    ["a slash at the end", "id.example.com", post("/realms/x/protocol/openid-connect/token//"), "oauth"],
    ["a colon that is escaped", "iam.example.com", post("/v1/x%3AgenerateAccessToken"), "oauth"],
    ["GitHub Apps, with a slash", "api.github.com", post("/app/installations/12/access_tokens/"), "installation"],
    ["Slack, by GET", "slack.com", { method: "GET", path: "/api/oauth.v2.access?code=x", headers: [] }, "oauth"],
    ["STS by an escaped action", "x.example.com", post("/", "Action=%47etSessionToken"), "aws"],
    ["STS with FIPS", "sts-fips.us-east-1.amazonaws.com", post("/"), "aws"],
    ["STS in one's own network", "vpce-1-a.sts.us-east-1.vpce.amazonaws.com", post("/"), "aws"],
    ["STS by its newer name", "sts.us-east-1.api.aws", post("/"), "aws"],
    ["a form by the name of JSON", "id.example.com", post("/x", "a=b&grant_type=password", JSON_TYPE), "oauth"],
    ["JSON without a type", "id.example.com", post("/x", ABOUT.replace("Action", "")), "oauth"],
    ["JSON of two types", "id.example.com", post("/x", ABOUT, [...JSON_TYPE, ...JSON_TYPE]), "aws"],
    ["JSON by the name of a form", "id.example.com", post("/x", ABOUT, ["content-type", "text/plain"]), "aws"],
    ["a grant in JSON by its name", "id.example.com", post("/x", '{"a":[{"grant_type":"x"}]}', JSON_TYPE), "oauth"],
    ["a grant in the query of JSON", "id.example.com", post("/x?grant_type=password", ABOUT, JSON_TYPE), "oauth"],
    ["JSON that is about such requests", "api.example.com", post("/x", ABOUT, JSON_TYPE), undefined],
    ["what is called alike", "stsx.us-east-1.amazonaws.com", post("/"), undefined],
    ["another POST", "api.example.com", post("/v1/items", "{}"), undefined],
    ["a GET", "id.example.com", { method: "GET", path: "/oauth/token", headers: [] }, undefined],
  ])("%s", (_, host, request, expected) => {
    expect(tokenRequest(host, request)).toBe(expected)
  })
})

describe("createResealer", () => {
  test("S5: OAuth: live tokens stay here, all else is as it was", () => {
    const { resealer } = make()
    const body = `{ "access_token": "${ACCESS.replaceAll("/", "\\/")}", "n": 1e400, "expires_in": 3599, "refresh_token": "${REFRESH}", "echo": "${Buffer.from(ACCESS).toString("base64")}" }`
    const sealed = resealer.reseal("oauth", Buffer.from(body), "run-1", origin)!
    const text = sealed.body.toString()
    expect([sealed.count, text.includes("ya29"), text.includes("Refresh"), text.includes("1e400")]).toEqual([
      2,
      false,
      false,
      true,
    ])
    expect(text).not.toContain(Buffer.from(ACCESS).toString("base64").slice(4, -4))
    const given = JSON.parse(text.replace("1e400", "1")) as { access_token: string; refresh_token: string }
    for (const [placeholder, value, slot] of [
      [given.access_token, ACCESS, "bearer"],
      [given.refresh_token, REFRESH, "body"],
    ] as const) {
      const [found] = findIn(Buffer.from(`Bearer ${placeholder}`), "authorization")
      const kept = resealer.find(found!.text)!
      expect(kept).toMatchObject({ run: "run-1", placeholder, origin: "idp" })
      expect(kept.credentials[0]).toMatchObject({ reach, slot: { in: slot } })
      expect(resealer.reveal(kept.name)).toBe(value)
    }
    // Given out again: the same.
    expect(resealer.reseal("oauth", Buffer.from(body), "run-1", origin)!.body.toString()).toBe(text)
    expect(resealer.reseal("oauth", Buffer.from(body), "run-2", origin)!.body.toString()).not.toBe(text)
  })

  test("S5: forms, installation tokens, nested answers", () => {
    const { resealer } = make()
    const form = resealer
      .reseal("oauth", Buffer.from("access_token=gho_16C7e42F292c6912E7710c838347Ae178B4a&scope=repo"), "r", origin)!
      .body.toString()
    expect(form).toMatch(/^access_token=gho_[A-Za-z0-9]{36}&scope=repo$/)
    const app = resealer.reseal(
      "installation",
      Buffer.from('{"token":"ghs_16C7e42F292c6912E7710c838347Ae178B4a","expires_at":"2026-11-21T01:00:00Z"}'),
      "r",
      origin,
    )!
    expect(app.body.toString()).toMatch(/^\{"token":"ghs_[A-Za-z0-9]{36}","expires_at":"2026-11-21T01:00:00Z"\}$/)
    const slack = resealer.reseal(
      "oauth",
      Buffer.from(
        '{"ok":true,"access_token":"xoxb-1-2-realrealreal","authed_user":{"access_token":"xoxp-1-2-realrealreal"}}',
      ),
      "r",
      origin,
    )!
    expect([slack.count, slack.body.toString().includes("realreal")]).toEqual([2, false])
  })

  test.each([
    [
      "STS's XML",
      `<AssumeRoleResponse><AssumeRoleResult><Credentials>\n<AccessKeyId>${ID}</AccessKeyId><SecretAccessKey>${SECRET}</SecretAccessKey><SessionToken>${SESSION}</SessionToken><Expiration>2026-11-21T01:00:00Z</Expiration></Credentials></AssumeRoleResult></AssumeRoleResponse>`,
    ],
    [
      "the portal's JSON",
      JSON.stringify({
        roleCredentials: {
          accessKeyId: ID,
          secretAccessKey: SECRET,
          sessionToken: SESSION,
          expiration: NOW + 3_600_000,
        },
      }),
    ],
    [
      "Cognito's JSON",
      JSON.stringify({
        Credentials: {
          AccessKeyId: ID,
          SecretKey: SECRET,
          SessionToken: SESSION,
          Expiration: (NOW + 3_600_000) / 1000,
        },
      }),
    ],
  ])("S5: %s", (_, body) => {
    const { resealer, time } = make()
    const text = resealer.reseal("aws", Buffer.from(body), "run-1", origin)!.body.toString()
    for (const secret of [ID, SECRET, SESSION]) expect(text).not.toContain(secret)
    const id = /AKIA[A-Z2-7]{16}/.exec(text)![0]
    const kept = resealer.find(findIn(Buffer.from(`Credential=${id}/20261121`), "authorization")[0]!.text)!
    expect(kept.placeholder.startsWith(`${id}:`)).toBe(true)
    expect(text).toContain(kept.placeholder.split(":")[1])
    expect(kept.credentials).toMatchObject([{ slot: { in: "aws" }, shape: "aws" }])
    expect(resealer.reveal(kept.name)).toBe(`${ID}:${SECRET}:${SESSION}`)
    time.now = NOW + 3_600_000
    expect(resealer.reveal(kept.name)).toBeUndefined()
  })

  test("forgotten with the run, and the oldest where there are too many", () => {
    const { resealer } = make()
    const give = (token: string, run = "run-1") =>
      (
        JSON.parse(
          resealer.reseal("oauth", Buffer.from(JSON.stringify({ access_token: token })), run, origin)!.body.toString(),
        ) as { access_token: string }
      ).access_token
    const first = give("token-number-0")
    for (let index = 1; index <= 256; index++) give(`token-number-${index}`)
    expect(resealer.find(first)).toBeUndefined()
    const last = give("token-number-256")
    expect(resealer.find(last)).toBeDefined()
    resealer.end("run-1")
    expect(resealer.find(last)).toBeUndefined()
  })

  test("what cannot be read is not passed on; what has none is as it was", () => {
    const { resealer } = make()
    const seal = (kind: "oauth" | "aws", body: string | Buffer) =>
      resealer.reseal(kind, Buffer.from(body as string), "r", origin)
    expect(seal("oauth", "<html>access_token</html>")).toBeUndefined()
    expect(seal("oauth", `{"access_token":"${"x".repeat(1024 * 1024)}"}`)).toBeUndefined()
    expect(seal("oauth", '{"access_token":"short"}')).toBeUndefined()
    expect(seal("aws", "")).toBeUndefined()
    const error = '{"error":"invalid_grant"}'
    expect(seal("oauth", error)).toEqual({ body: Buffer.from(error), count: 0 })
  })

  test("any answer: no token of it comes out, no crash", () => {
    const token = fc.string({ unit: fc.constantFrom(...'abcXYZ019-_.~+/="\\é'), minLength: 12, maxLength: 60 })
    fc.assert(
      fc.property(
        token,
        fc.constantFrom("access_token", "refresh_token", "id_token"),
        fc.jsonValue(),
        (value, name, more) => {
          const { resealer } = make()
          const body = JSON.stringify({ more, [name]: value })
          const sealed = resealer.reseal("oauth", Buffer.from(body), "r", origin)
          expect(sealed?.body.includes(JSON.stringify(value).slice(1, -1))).toBe(false)
        },
      ),
    )
    fc.assert(
      fc.property(
        fc.constantFrom("oauth" as const, "aws" as const, "installation" as const),
        fc.string(),
        (kind, body) => {
          readTokens(kind, body, NOW)
          readTokens(kind, `<Credentials>${body}`, NOW)
        },
      ),
    )
  })
})
