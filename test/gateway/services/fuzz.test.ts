// Whatever a request is made of: an answer, the same every time, and the strict one where something is not certain.
import fc from "fast-check"
import { expect, it } from "vitest"
import { classify, describeRequest, needsBody, readFields } from "../../../src/gateway/services/index.ts"
import { SERVICES } from "../../../src/gateway/services/known.ts"
import type { SeenRequest } from "../../../src/gateway/services/types.ts"

const hosts = SERVICES.flatMap(({ hosts: own }) => own.map((host) => host.replace("*", "a.s3")))
const pieces = SERVICES.flatMap(({ routes }) => routes?.rows.map((row) => row.template) ?? [])
const path = fc.oneof(
  fc.constantFrom(
    ...pieces,
    "/graphql",
    "/api/graphql",
    "/o/r.git/info/refs",
    "/o/r.git/git-receive-pack",
    "/v1/a/b/c/d",
    "/",
    "/api/",
  ),
  fc
    .array(fc.constantFrom("v1", "repos", "%2F", "a:b", ":x", "", "é", "%", "__proto__", "api", "v4"), { maxLength: 8 })
    .map((all) => `/${all.join("/")}`),
)
const headers = fc.dictionary(
  fc.constantFrom(
    "authorization",
    "x-amz-target",
    "content-type",
    "x-http-method-override",
    "smithy-protocol",
    "mcp-method",
    "content-length",
  ),
  fc.oneof(
    fc.string({ maxLength: 40 }),
    fc.constantFrom(
      "application/json",
      "application/x-www-form-urlencoded",
      "multipart/form-data; boundary=b",
      "A.GetX",
      "Credential=a/b/c/s3/aws4_request",
    ),
  ),
)
const body = fc.option(
  fc.oneof(
    fc.uint8Array({ maxLength: 60 }).map((bytes) => Buffer.from(bytes)),
    fc.json({ maxDepth: 2 }).map((text) => Buffer.from(text)),
    fc
      .constantFrom(
        '{"query":"{a}"}',
        '{"query":"mutation{a}"}',
        '[{"jsonrpc":"2.0","method":"x"}]',
        "Action=GetX",
        "_method=x",
      )
      .map((text) => Buffer.from(text)),
  ),
  { nil: undefined },
)
const seen = fc.record({
  method: fc.constantFrom("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "X"),
  scheme: fc.constantFrom("https", "http", "wss", "ws"),
  host: fc.constantFrom(...hosts, "api.example.com"),
  path,
  query: fc.oneof(
    fc.constantFrom("", "service=git-upload-pack", "Action=ListX", "query={a}", "acl", "_method=PUT"),
    fc.string({ maxLength: 30 }),
  ),
  headers,
  body,
  unread: fc.constantFrom(undefined, undefined, undefined, "too-large", "stream"),
})
const named = fc.constantFrom(undefined, ...SERVICES.map(({ name }) => name), "nobody")

it("is classified, read and described without fail", async () => {
  await fc.assert(
    fc.asyncProperty(seen, named, async ({ body: bytes, unread, ...rest }, service) => {
      const make = (): SeenRequest =>
        ({ ...rest, port: 443, ...(unread ? { unread } : bytes && { body: bytes }) }) as SeenRequest
      const classified = await classify(make(), service)
      expect(await classify(make(), service)).toEqual(classified)
      if (classified.unread) expect(classified.access).toBe("write")
      if (rest.scheme.startsWith("ws") || rest.method === "TRACE") expect(classified.access).toBe("write")
      expect(classified.operation).toMatch(/^$|^[a-z]+:\S+$/)
      expect(typeof needsBody(make(), ["query.a"], service)).toBe("boolean")
      await readFields(make(), [
        "json:/query",
        "form.a",
        "graphql.fields",
        "mcp.tool",
        "header.authorization",
        "query.a",
      ])
      const described = await describeRequest(make(), classified)
      expect(described.verb).toMatch(/^[a-z ]+$/)
      expect(described.resource.length).toBeLessThanOrEqual(300)
      // What is not read by the gate is not told apart by it: nothing but the strictest rests on the body.
      if (unread && classified.access === "read" && needsBody(make(), [], service))
        expect(classified.operation).not.toMatch(/^(linear|graphql|mcp):/)
    }),
    { numRuns: 800 },
  )
})
