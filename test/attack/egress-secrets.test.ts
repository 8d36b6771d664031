// Attacks on keys, S1, S2, S4 and S5 of the checklist, made on what the egress proxy uses for them. `docs/threat-model.md` lists each.
import { brotliCompressSync, constants, gzipSync, zstdCompressSync } from "node:zlib"
import { describe, expect, test } from "vitest"
import { createBodyFinder } from "../../src/vault/find-body.ts"
import { findInHead } from "../../src/vault/find-head.ts"
import { checkSlot, injectCredential } from "../../src/vault/inject.ts"
import { isOfRun, makePlaceholder, readPlaceholder } from "../../src/vault/placeholder.ts"
import { checkReach } from "../../src/vault/reach.ts"
import { createResealer } from "../../src/vault/reseal.ts"
import { createScrubber, scrubHeaders, scrubText } from "../../src/vault/scrub.ts"
import { SHAPES } from "../../src/vault/shapes.ts"
import type { FoundPlaceholder } from "../../src/vault/types.ts"

const key = Buffer.alloc(32, 5)
const credentials = [{ name: "github" }, { name: "models" }]
const shapes = Object.keys(SHAPES)
const make = (shape: string) => makePlaceholder(key, "github", "run-1", shape)
const base64 = (text: string | Buffer) => Buffer.from(text as string).toString("base64")
const percent = (text: string) => [...text].map((char) => `%${char.charCodeAt(0).toString(16)}`).join("")
const known = (found: readonly FoundPlaceholder[]) =>
  found.filter(({ text }) => readPlaceholder(key, text, credentials)?.credential === "github").map(({ where }) => where)

async function inBody(body: Buffer, encoding = "", size = body.length): Promise<readonly string[]> {
  const finder = createBodyFinder("body", encoding)
  const found: FoundPlaceholder[] = []
  for (let at = 0; at < body.length; at += size) found.push(...(await finder.push(body.subarray(at, at + size))))
  return known([...found, ...(await finder.end())])
}

describe("S1: a placeholder on its way to somewhere else", () => {
  test.each(shapes)("%s in the head: path, query, cookie, header, Basic, a JWT", (shape) => {
    const token = make(shape)
    // A path has no colon left as it is by some, and it needs none.
    for (const [url, headers, where] of [
      [`/x/${token}/y`, {}, "path"],
      [`/x?k=${percent(token)}`, {}, "query:k"],
      [`/x?k=${percent(percent(token))}`, {}, "query:k"],
      ["/", { cookie: `a=1; b=${token}` }, "cookie:b"],
      ["/", { "x-note": `see ${token}.` }, "header:x-note"],
      ["/", { authorization: `Basic ${base64(`x:${token}`)}` }, "authorization"],
      ["/", { authorization: `Bearer e30.${base64(JSON.stringify({ t: token }))}.x` }, "authorization"],
      ["/", { "x-hex": Buffer.from(token).toString("hex") }, "header:x-hex"],
    ] as const) {
      expect([shape, where, known(findInHead(url, headers))]).toEqual([shape, where, expect.arrayContaining([where])])
    }
  })

  test.each(shapes)("%s in a body: JSON, form, multipart, compressed, split anywhere", async (shape) => {
    const token = make(shape)
    const json = JSON.stringify({ a: { b: ["x", token] } })
    const part = (encoding: string, text: string) =>
      `--b\r\ncontent-disposition: form-data; name="f"\r\ncontent-transfer-encoding: ${encoding}\r\n\r\n${text}\r\n--b--\r\n`
    const lines = base64(`some text before it ${token}`)
      .match(/.{1,20}/g)!
      .join("\r\n")
    const bodies: [Buffer, string?][] = [
      [Buffer.from(json)],
      [Buffer.from(json.replaceAll(/[a-z0-9]/gi, (char) => `\\u00${char.charCodeAt(0).toString(16)}`))],
      [Buffer.from(`a=1&b=${percent(token)}`)],
      [Buffer.from(part("binary", token))],
      [Buffer.from(part("base64", lines))],
      [Buffer.from(part("quoted-printable", token.match(/.{1,7}/g)!.join("=\r\n")))],
      [Buffer.from(token, "utf16le")],
      [gzipSync(json), "gzip"],
      [gzipSync(json), ""],
      [brotliCompressSync(json), "br"],
      [zstdCompressSync(json), "zstd"],
    ]
    for (const [body, encoding] of bodies) {
      for (const size of [body.length, 7, 1]) {
        expect([shape, await inBody(body, encoding, size)]).toEqual([shape, expect.arrayContaining(["body"])])
      }
    }
  })

  test("what hides in what cannot be looked into is not taken for nothing", async () => {
    const token = make("github")
    const looks = async (body: Buffer, encoding: string) => {
      const finder = createBodyFinder("body", encoding)
      await finder.push(body)
      await finder.end()
      return finder.unread
    }
    expect(await looks(Buffer.from(token), "compress")).toBe("encoded")
    expect(await looks(Buffer.concat([gzipSync("fine"), Buffer.from(token)]), "gzip")).toBe("malformed")
    const bomb = brotliCompressSync(Buffer.alloc(4 * 1024 * 1024), { params: { [constants.BROTLI_PARAM_QUALITY]: 3 } })
    expect(await looks(bomb, "br")).toBe("too-large")
    const flood = Array.from({ length: 65 }, (_, index) => `57362742${String(index).padEnd(28, "x")} `).join("")
    expect(await looks(Buffer.from(`${flood}${token}`), "")).toBe("ambiguous")
  })

  test("one that was made up, or stolen from another run, is known as such", () => {
    for (const shape of shapes) {
      const own = make(shape)
      const stolen = makePlaceholder(key, "github", "run-2", shape)
      const forged = makePlaceholder(Buffer.alloc(32, 6), "github", "run-1", shape)
      expect([readPlaceholder(key, stolen, credentials)?.credential, isOfRun(stolen, own)]).toEqual(["github", false])
      expect(readPlaceholder(key, forged, credentials)).toBeUndefined()
    }
  })
})

describe("S2: an allowed host that gives back what it was sent", () => {
  const value = "ghp_RealRealRealRealRealRealRealReal1234"
  const placeholder = make("github")
  const request = { method: "GET", path: "/headers", headers: ["authorization", `Basic ${base64(`x:${placeholder}`)}`] }
  const injected = injectCredential(request, { slot: { in: "basic" } }, value, placeholder)
  if ("refused" in injected) throw new Error(injected.refused)
  const sent = injected.request.headers[1]!
  const { secrets } = injected

  test("in an echo of the request, an error page, a redirect, a cookie, a trailer, a status", () => {
    const echo = JSON.stringify({
      headers: { Authorization: sent },
      token: value,
      hex: Buffer.from(value).toString("hex"),
    })
    for (let cut = 0; cut <= echo.length; cut++) {
      const scrubber = createScrubber(secrets)
      const chunks = [echo.slice(0, cut), echo.slice(cut)].map((text) => scrubber.push(Buffer.from(text)))
      const out = Buffer.concat([...chunks, scrubber.end()]).toString()
      expect([
        cut,
        out.includes(value),
        out.includes(sent.slice(6)),
        out.includes(Buffer.from(value).toString("hex")),
      ]).toEqual([cut, false, false, false])
      expect((JSON.parse(out) as { token: string }).token).toBe(placeholder)
    }
    const headers: [string, string][] = [
      ["location", `/login?next=${encodeURIComponent(sent)}`],
      ["set-cookie", `t=${value}; path=/`],
    ]
    expect(JSON.stringify(scrubHeaders(headers, secrets))).not.toMatch(/RealReal|eDpnaHBfUmVhbFJl/)
    expect(scrubText(`Unknown token ${value}`, secrets)).toBe(`Unknown token ${placeholder}`)
  })

  test("event by event, without holding an event back", () => {
    const scrubber = createScrubber(secrets)
    for (const event of ["data: ghp_Real\n\n", `data: ${value}\n\n`, "data: %67\n\n", "data: end\n\n"]) {
      const out = Buffer.from(scrubber.push(Buffer.from(event))).toString()
      expect(out).toBe(event.replace(value, placeholder))
    }
  })
})

describe("S4: a slot is one place, a reach is one owner's", () => {
  test("hosts where anybody gets a name are no reach", () => {
    for (const host of [
      "*.githubusercontent.com",
      "*.s3.amazonaws.com",
      "*.cloudfront.net",
      "*.com",
      "**",
      "*.co.uk",
    ]) {
      expect([host, checkReach({ hosts: [host] })]).toEqual([host, expect.any(String)])
    }
  })

  test("a placeholder in what is written (a gist, an issue, a package) is not in its slot", () => {
    const places = findInHead(`/gists?title=${make("github")}`, { "x-message": make("github") })
    for (const found of [...places, { text: "x", where: "body", encoding: "plain" }]) {
      for (const slot of [{ in: "bearer" }, { in: "basic" }, { in: "header", name: "x-api-key" }] as const) {
        expect(checkSlot(found, { slot })).toBe(false)
      }
    }
  })

  test("nothing is put beside a slot: what is more than the placeholder stays as it is", () => {
    const token = make("github")
    for (const [slot, path, headers] of [
      [{ in: "bearer" }, "/", ["authorization", `Bearer ${token},${token}`]],
      [{ in: "header", name: "x-a" }, "/", ["x-a", `${token} ${token}`]],
      [{ in: "query", name: "k" }, `/?k=${token}%00`, []],
      [{ in: "path" }, `/${token}.json`, []],
      [{ in: "cookie", name: "c" }, "/", ["cookie", `c=x${token}`]],
    ] as const) {
      expect(injectCredential({ method: "GET", path, headers }, { slot }, "real-value", token)).toEqual({
        request: { method: "GET", path, headers },
        slot: slot.in === "path" ? "absent" : "own",
        secrets: [],
      })
    }
  })
})

describe("S5: an origin that hands out live tokens", () => {
  test("an answer with tokens: placeholders go out, of this run, and only to where the credential may go", () => {
    const vault = { seal: (bytes: Uint8Array) => Buffer.from(bytes), open: (bytes: Uint8Array) => Buffer.from(bytes) }
    const resealer = createResealer({ vault, now: () => 0 })
    const live = "gho_LiveLiveLiveLiveLiveLiveLiveLiveLive"
    const body = Buffer.from(JSON.stringify({ access_token: live, debug: base64(`Authorization: Bearer ${live}`) }))
    const sealed = resealer.reseal("oauth", body, "run-1", { name: "github", reach: { hosts: ["api.github.com"] } })!
    const text = sealed.body.toString()
    expect([sealed.count, text.includes("LiveLive"), text.includes(base64(live).slice(4, -4))]).toEqual([
      1,
      false,
      false,
    ])
    const { access_token: given } = JSON.parse(text) as { access_token: string }
    expect(resealer.find(given)).toMatchObject({ run: "run-1", placeholder: given })
    expect(resealer.find(given)!.credentials.every(({ reach }) => reach.hosts.join() === "api.github.com")).toBe(true)
  })

  test("an answer that cannot be read does not go out", () => {
    const vault = { seal: (bytes: Uint8Array) => Buffer.from(bytes), open: (bytes: Uint8Array) => Buffer.from(bytes) }
    const resealer = createResealer({ vault, now: () => 0 })
    for (const body of ['{"access_token": "cut', "\u0000", `{"access_token":"${"x".repeat(2 ** 20)}"}`]) {
      expect(
        resealer.reseal("oauth", Buffer.from(body), "run-1", { name: "idp", reach: { hosts: ["a.example"] } }),
      ).toBeUndefined()
    }
  })

  test("signatures that cover more than one request are not made", () => {
    const placeholder = make("aws")
    const id = placeholder.split(":")[0]
    const authorization = `AWS4-HMAC-SHA256 Credential=${id}/20261121/us-east-1/s3/aws4_request, SignedHeaders=host, Signature=${"0".repeat(64)}`
    const sign = (path: string, ...headers: string[]) =>
      injectCredential(
        { method: "PUT", path, headers: ["host", "b.s3.amazonaws.com", ...headers] },
        { slot: { in: "aws" } },
        "AKIAIOSFODNN7EXAMPLE:secretsecretsecret",
        placeholder,
      )
    expect(sign(`/k?X-Amz-Credential=${id}&X-Amz-Signature=0`)).toEqual({ refused: "aws.presigned" })
    expect(
      sign("/k", "authorization", authorization, "x-amz-content-sha256", "STREAMING-AWS4-HMAC-SHA256-PAYLOAD"),
    ).toEqual({ refused: "aws.streaming" })
    expect(sign("/k", "authorization", authorization.replace("HMAC-SHA256", "ECDSA-P256-SHA256"))).toEqual({
      refused: "aws.asymmetric",
    })
  })
})
