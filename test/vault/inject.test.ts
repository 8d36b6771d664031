import fc from "fast-check"
import { describe, expect, test } from "vitest"
import { checkSlot, injectCredential } from "../../src/vault/inject.ts"
import { findJsonPlace } from "../../src/vault/json-place.ts"
import type { OutgoingRequest } from "../../src/vault/outgoing.ts"
import { makePlaceholder } from "../../src/vault/placeholder.ts"
import type { Slot } from "../../src/vault/types.ts"

const key = Buffer.alloc(32, 7)
const fake = makePlaceholder(key, "models", "run-1", "github")
const other = makePlaceholder(key, "models", "run-2", "github")
const real = "real/value+1=2 3"
const base64 = (text: string) => Buffer.from(text).toString("base64")
const get = (path = "/", ...headers: string[]): OutgoingRequest => ({ method: "GET", path, headers })
const post = (body: string, type = "application/json", ...headers: string[]): OutgoingRequest => ({
  ...{ method: "POST", path: "/", body: Buffer.from(body) },
  headers: ["content-type", type, "content-length", String(Buffer.byteLength(body)), ...headers],
})
const inject = (request: OutgoingRequest, slot: Slot, value = real) => injectCredential(request, { slot }, value, fake)

/** What is different afterwards, as lines. */
function lines(request: OutgoingRequest, slot: Slot, value = real): string[] {
  const injected = inject(request, slot, value)
  if ("refused" in injected) return [`refused ${injected.refused}`]
  const { path, headers, body } = injected.request
  const pairs = headers.flatMap((name, at) => (at % 2 === 0 ? [`${name}: ${headers[at + 1]}`] : []))
  return [injected.slot, path, ...pairs, ...(body === undefined ? [] : [body.toString()])]
}

describe("injectCredential", () => {
  const bearer: Slot = { in: "bearer" }
  const basic: Slot = { in: "basic" }
  const query: Slot = { in: "query", name: "key" }
  const cookie: Slot = { in: "cookie", name: "sid" }
  const header: Slot = { in: "header", name: "X-Api-Key" }
  const form: Slot = { in: "body", field: "client_secret" }
  const json: Slot = { in: "body", pointer: "/a/0/key" }
  const FORM = "application/x-www-form-urlencoded"

  test.each<[string, OutgoingRequest, Slot, string[], string?]>([
    [
      "bearer",
      get("/", "authorization", `Bearer ${fake}`),
      bearer,
      ["placeholder", "/", `authorization: Bearer ${real}`],
    ],
    [
      "bearer, as GitHub's clients",
      get("/", "Authorization", `token ${fake}`),
      bearer,
      ["placeholder", "/", `Authorization: token ${real}`],
    ],
    [
      "bearer, empty",
      get("/", "accept", "*/*"),
      bearer,
      ["empty", "/", "accept: */*", `authorization: Bearer ${real}`],
    ],
    ["bearer, a blank one", get("/", "authorization", " "), bearer, ["empty", "/", `authorization: Bearer ${real}`]],
    [
      "bearer, the agent's own",
      get("/", "authorization", "Bearer abc"),
      bearer,
      ["own", "/", "authorization: Bearer abc"],
    ],
    [
      "bearer, more than it",
      get("/", "authorization", `Bearer ${fake}x`),
      bearer,
      ["own", "/", `authorization: Bearer ${fake}x`],
    ],
    [
      "bearer, another run's",
      get("/", "authorization", `Bearer ${other}`),
      bearer,
      ["own", "/", `authorization: Bearer ${other}`],
    ],
    [
      "bearer, twice",
      get("/", "authorization", `Bearer ${fake}`, "Authorization", "x"),
      bearer,
      ["refused slot.repeated"],
    ],
    [
      "a client's token",
      get(),
      { in: "oauth-client", tokenUrl: "https://a.example/" },
      ["empty", "/", `authorization: Bearer ${real}`],
    ],
    ["header", get("/", "x-api-key", fake), header, ["placeholder", "/", `x-api-key: ${real}`]],
    ["header, empty", get(), header, ["empty", "/", `x-api-key: ${real}`]],
    [
      "header with a prefix",
      get("/", "x-a", `Key ${fake}`),
      { in: "header", name: "x-a", prefix: "key " },
      ["placeholder", "/", `x-a: Key ${real}`],
    ],
    [
      "basic",
      get("/", "authorization", `Basic ${base64(`me:${fake}`)}`),
      basic,
      ["placeholder", "/", `authorization: Basic ${base64(`me:${real}`)}`],
    ],
    [
      "basic, as the user",
      get("/", "authorization", `Basic ${base64(`${fake}:`)}`),
      basic,
      ["placeholder", "/", `authorization: Basic ${base64(`${real}:`)}`],
    ],
    [
      "basic, another user",
      get("/", "authorization", `Basic ${base64(`me:${fake}`)}`),
      { in: "basic", user: "you" },
      ["own", "/", `authorization: Basic ${base64(`me:${fake}`)}`],
    ],
    [
      "basic, empty",
      get(),
      { in: "basic", user: "you" },
      ["empty", "/", `authorization: Basic ${base64(`you:${real}`)}`],
    ],
    ["basic, none", get("/", "authorization", "Basic ???"), basic, ["own", "/", "authorization: Basic ???"]],
    ["query", get(`/v1?a=1&key=${fake}&b`), query, ["placeholder", "/v1?a=1&key=real%2Fvalue%2B1%3D2%203&b"]],
    ["query, empty", get("/v1"), query, ["empty", "/v1?key=real%2Fvalue%2B1%3D2%203"]],
    ["query, the agent's own", get("/v1?k%65y=1"), query, ["own", "/v1?k%65y=1"]],
    ["query, twice", get(`/v1?key=${fake}&key=${fake}`), query, ["refused slot.repeated"]],
    [
      "path",
      get(`/bot/${fake}/send?x=/${fake}`),
      { in: "path" },
      ["placeholder", `/bot/12:ab-c/send?x=/${fake}`],
      "12:ab-c",
    ],
    ["path, more than it", get(`/bot${fake}/send`), { in: "path" }, ["absent", `/bot${fake}/send`]],
    ["path, no segment", get(`/${fake}`), { in: "path" }, ["refused value.unfit"], ".."],
    ["path, a value with a slash", get(`/${fake}/x`), { in: "path" }, ["placeholder", "/a%2F..%2Fb/x"], "a/../b"],
    ["cookie", get("/", "cookie", `a=b; sid=${fake}`), cookie, ["placeholder", "/", "cookie: a=b; sid=v1"], "v1"],
    [
      "cookie, several headers",
      get("/", "cookie", "a=b", "accept", "x", "cookie", `sid="${fake}"`),
      cookie,
      ["placeholder", "/", "accept: x", "cookie: a=b; sid=v1"],
      "v1",
    ],
    ["cookie, empty", get(), cookie, ["empty", "/", "cookie: sid=v1"], "v1"],
    ["cookie, no value for one", get(), cookie, ["refused value.unfit"], "a;b"],
    [
      "form",
      post(`a=%20&client_secret=${fake}&b=1`, FORM),
      form,
      [
        "placeholder",
        "/",
        `content-type: ${FORM}`,
        "content-length: 55",
        "a=%20&client_secret=real%2Fvalue%2B1%3D2%203&b=1",
      ].with(3, `content-length: ${"a=%20&client_secret=real%2Fvalue%2B1%3D2%203&b=1".length}`),
    ],
    [
      "form, another type",
      post(`client_secret=${fake}`, "text/plain"),
      form,
      ["absent", "/", "content-type: text/plain", `content-length: ${14 + fake.length}`, `client_secret=${fake}`],
    ],
    [
      "json",
      post(`{ "a" :[{"key":"${fake}"  }], "n":1e400}`, "application/json", "content-md5", "x"),
      json,
      [
        "placeholder",
        "/",
        "content-type: application/json",
        "content-length: 38",
        '{ "a" :[{"key":"q\\"ü\\n"  }], "n":1e400}',
      ].with(3, `content-length: ${Buffer.byteLength('{ "a" :[{"key":"q\\"ü\\n"  }], "n":1e400}')}`),
      'q"ü\n',
    ],
    [
      "json, null",
      post('{"a":[{"key":null}]}'),
      json,
      ["empty", "/", "content-type: application/json", "content-length: 22", '{"a":[{"key":"v1"}]}'].with(
        3,
        "content-length: 20",
      ),
      "v1",
    ],
    [
      "json, the agent's own",
      post('{"a":[{"key":1}]}'),
      json,
      ["own", "/", "content-type: application/json", "content-length: 17", '{"a":[{"key":1}]}'],
    ],
    [
      "json, absent",
      post('{"a":[]}'),
      json,
      ["absent", "/", "content-type: application/json", "content-length: 8", '{"a":[]}'],
    ],
    ["json, a key twice", post(`{"a":[{"key":"${fake}","key":"x"}]}`), json, ["refused body.ambiguous"]],
    ["json, none", post(`{"a":[{"key":"${fake}"`), json, ["refused body.ambiguous"]],
    ["compressed", post("x", "application/json", "content-encoding", "gzip"), json, ["refused body.encoded"]],
    ["not read", get("/", "content-length", "5"), json, ["refused body.unread"]],
    ["none", get(), json, ["absent", "/"]],
  ])("%s", (_, request, slot, expected, value) => {
    expect(lines(request, slot, value)).toEqual(expected)
  })

  test("S3: values that would end a header, or be read in two ways", () => {
    for (const value of ["a\r\nx: y", "a\nb", "a\0b", "a\u0100", "", "a\x7f", "\u2028"]) {
      for (const slot of [bearer, basic, header, query, cookie, { in: "path" } as const, form, json]) {
        const injected = inject(get(`/${fake}`), slot, value)
        if (slot.in !== "body") expect(injected).toEqual({ refused: "value.unfit" })
      }
    }
    expect(inject(post("{}"), json, "a\0b")).toEqual({ refused: "value.unfit" })
  })

  test("says what must not come back, and only where something was put in", () => {
    const injected = inject(get("/", "authorization", `Basic ${base64(`me:${fake}`)}`), basic)
    expect("secrets" in injected && injected.secrets.map(({ value }) => value)).toEqual([real, base64(`me:${real}`)])
    expect(inject(get("/", "authorization", "Bearer abc"), bearer)).toMatchObject({ secrets: [] })
  })

  test("any request: the value is nowhere but in its slot, or it is not there at all", () => {
    const slots: Slot[] = [bearer, basic, header, query, cookie, { in: "path" }, form, { in: "body", pointer: "/a" }]
    const piece = fc.oneof(
      fc.constantFrom(
        fake,
        `/${fake}`,
        `Bearer ${fake}`,
        `key=${fake}`,
        `sid=${fake}`,
        `{"a":"${fake}"}`,
        "&",
        ";",
        "=",
        "%",
        "/",
      ),
      fc.string({ maxLength: 6 }),
    )
    const text = fc.array(piece, { maxLength: 4 }).map((parts) => parts.join(""))
    fc.assert(
      fc.property(
        fc.constantFrom(...slots),
        text,
        fc.array(fc.tuple(fc.constantFrom("authorization", "cookie", "x-api-key", "content-type"), text), {
          maxLength: 4,
        }),
        text,
        (slot, path, headers, body) => {
          const value = "REALVALUE"
          const request = { method: "POST", path: `/${path}`, headers: headers.flat(), body: Buffer.from(body) }
          const injected = inject(request, slot, value)
          if ("refused" in injected) return
          const whole = [injected.request.path, ...injected.request.headers, injected.request.body?.toString()].join(
            "\n",
          )
          const count = whole.split(value).length - 1 + whole.split(base64(`:${value}`).slice(2, -1)).length - 1
          if (injected.slot === "own" || injected.slot === "absent") expect(injected.request).toBe(request)
          else if (slot.in !== "basic" && slot.in !== "path") expect(count).toBe(1)
        },
      ),
    )
  })
})

describe("checkSlot", () => {
  test.each<[Slot, string, string, boolean]>([
    [{ in: "bearer" }, "authorization", "plain", true],
    [{ in: "bearer" }, "authorization", "base64", false],
    [{ in: "bearer" }, "header:x-a", "plain", false],
    [{ in: "basic" }, "authorization", "base64", true],
    [{ in: "header", name: "X-A" }, "header:x-a", "plain", true],
    [{ in: "header", name: "Authorization" }, "authorization", "plain", true],
    [{ in: "header", name: "x-a" }, "header:x-b", "plain", false],
    [{ in: "query", name: "key" }, "query:key", "percent", true],
    [{ in: "query", name: "key" }, "query:other", "plain", false],
    [{ in: "query", name: "key" }, "query", "plain", false],
    [{ in: "path" }, "path", "plain", true],
    [{ in: "cookie", name: "sid" }, "cookie:sid", "plain", true],
    [{ in: "body", pointer: "/a" }, "body", "json", true],
    [{ in: "body", field: "a" }, "body", "json", false],
    [{ in: "body", field: "a" }, "body", "base64", false],
    [{ in: "aws" }, "authorization", "plain", true],
    [{ in: "aws" }, "body", "plain", false],
    [{ in: "oauth-client", tokenUrl: "https://a.example" }, "authorization", "plain", true],
  ])("%j %s %s", (slot, where, encoding, expected) => {
    expect(checkSlot({ text: "x", where, encoding }, { slot })).toBe(expected)
  })
})

describe("findJsonPlace", () => {
  test("the value that JSON.parse finds, whatever the document", () => {
    fc.assert(
      fc.property(
        fc.json(),
        fc.array(fc.oneof(fc.string(), fc.constantFrom("a", "0", "1", "")), { maxLength: 3 }),
        fc.boolean(),
        (document, names, spaced) => {
          const value: unknown = JSON.parse(document)
          const text = spaced ? JSON.stringify(value, null, 2) : JSON.stringify(value)
          for (const path of [names, firstPath(value)]) {
            const pointer = path.map((name) => `/${name.replaceAll("~", "~0").replaceAll("/", "~1")}`).join("")
            const expected = path.reduce<unknown>(
              (inside, name) =>
                typeof inside === "object" &&
                inside !== null &&
                Object.hasOwn(inside, name) &&
                (!Array.isArray(inside) || /^(0|[1-9]\d*)$/.test(name))
                  ? (inside as Record<string, unknown>)[name]
                  : undefined,
              value,
            )
            const place = findJsonPlace(text, pointer)
            expect(place === undefined || place === "ambiguous" ? place : JSON.parse(text.slice(...place))).toEqual(
              expected,
            )
          }
        },
      ),
    )
  })

  test("deep ones are refused, and any text has an answer", () => {
    expect(findJsonPlace(`${"[".repeat(100_000)}${"]".repeat(100_000)}`, "/0/0")).toBe("ambiguous")
    fc.assert(fc.property(fc.string(), fc.string(), (text, pointer) => void findJsonPlace(text, `/${pointer}`)))
  })
})

function firstPath(value: unknown): string[] {
  if (typeof value !== "object" || value === null) return []
  const entry = Object.entries(value).at(-1)
  return entry === undefined ? [] : [entry[0], ...firstPath(entry[1])]
}
