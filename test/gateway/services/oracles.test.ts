// What is read here against what others read: JSON.parse, URLSearchParams, undici's forms, GraphQL's own execution, aws4's signatures.
// @ts-expect-error it has no types
import aws4 from "aws4"
import fc from "fast-check"
import { buildSchema, execute, parse } from "graphql"
import { describe, expect, it } from "vitest"
import { classify, readFields } from "../../../src/gateway/services/index.ts"
import { readJsonText } from "../../../src/gateway/services/json.ts"
import { json, request } from "./request.ts"

/** A document with a few characters taken out, doubled or put in. */
const mutated = fc
  .tuple(
    fc.json({ maxDepth: 3 }),
    fc.array(fc.tuple(fc.nat(), fc.constantFrom("", '"', ",", "{", "]", "\\u00", "1e9", "\u00a0", "//"))),
  )
  .map(([text, edits]) =>
    edits.reduce((now, [at, piece]) => {
      const place = now.length === 0 ? 0 : at % now.length
      return now.slice(0, place) + piece + now.slice(place + (piece === "" ? 1 : 0))
    }, text),
  )

describe("JSON", () => {
  /** Numbers that are texts here are numbers there: both as a double has them. */
  const loose = (value: unknown): unknown => {
    if (typeof value === "string" && /^-?\d+(\.\d+)?([eE][+-]?\d+)?$/.test(value)) return Number(value)
    if (Array.isArray(value)) return value.map(loose)
    if (typeof value !== "object" || value === null) return value === 0 ? 0 : value
    return new Map(Object.entries(value).map(([name, member]) => [name, loose(member)]))
  }

  it("is what JSON.parse reads, and nothing that it does not take", () => {
    let read = 0
    fc.assert(
      fc.property(mutated, (text) => {
        const found = readJsonText(text)
        if (found.unread === "malformed") expect(() => JSON.parse(text)).toThrow()
        if (found.unread !== undefined) return
        read += 1
        expect(loose(found.value)).toEqual(loose(JSON.parse(text)))
      }),
      { numRuns: 600 },
    )
    expect(read).toBeGreaterThan(20)
  })
})

it("a query has every value that URLSearchParams finds", async () => {
  const piece = fc.constantFrom(
    "a",
    "b",
    "=",
    "&",
    "+",
    "%61",
    "%3D",
    "%26",
    "%zz",
    "%e9",
    "[",
    "]",
    ";",
    "x y".slice(0, 1),
    "%C3%A9",
  )
  await fc.assert(
    fc.asyncProperty(fc.array(piece, { maxLength: 14 }), async (pieces) => {
      const query = pieces.join("")
      const found = await readFields(request(`GET https://api.example.com/?${query}`), ["query.a"])
      const values = [found.fields["query.a"] ?? []].flat()
      for (const value of new URLSearchParams(query).getAll("a")) expect(values).toContain(value)
    }),
    { numRuns: 300 },
  )
})

it("a form has what undici reads of it", async () => {
  const name = fc.stringMatching(/^[a-z\u00e9"]{1,6}$/)
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.tuple(name, fc.string({ unit: "grapheme", maxLength: 20 })), { minLength: 1, maxLength: 5 }),
      async (entries) => {
        const form = new FormData()
        for (const [key, value] of entries) form.append(key, value)
        const sent = new Response(form)
        const type = sent.headers.get("content-type") ?? ""
        const body = Buffer.from(await sent.arrayBuffer())
        const read = await new Response(body, { headers: { "content-type": type } }).formData()
        for (const [key] of entries) {
          if (key.includes('"')) continue
          const { fields, unread } = await readFields(request("POST https://api.example.com/", { type, body }), [
            `form.${key}`,
          ])
          expect(unread).toBeUndefined()
          expect([fields[`form.${key}`]].flat()).toEqual(read.getAll(key))
        }
      },
    ),
    { numRuns: 25 },
  )
})

it("a GraphQL operation has the fields that its execution asks for", async () => {
  const schema = buildSchema("type Query { a: Int b: Int c: Int } type Mutation { a: Int b: Int c: Int }")
  const field = fc.constantFrom(
    "a",
    "b",
    "c",
    "x: a",
    "y: b",
    "...F",
    "... { c }",
    "... on Query { a }",
    "... on Mutation { a }",
  )
  const set = fc.array(field, { minLength: 1, maxLength: 4 }).map((fields) => `{ ${fields.join(" ")} }`)
  await fc.assert(
    fc.asyncProperty(
      set,
      set,
      fc.constantFrom("Query", "Mutation"),
      fc.constantFrom("One", "Two"),
      async (one, two, on, operationName) => {
        const query = `query One ${one} mutation Two ${two} fragment F on ${on} { b: a }`
        const asked = new Set<string>()
        const root = Object.fromEntries(["a", "b", "c"].map((name) => [name, () => void asked.add(name)]))
        await execute({ schema, document: parse(query), rootValue: root, operationName })
        const seen = json("POST https://api.linear.app/graphql", { query, operationName })
        const { fields } = await readFields(seen, ["graphql.fields", "graphql.type", "graphql.name"])
        // Those of fragments on another type are in, too: without the schema nobody can tell.
        for (const name of asked) expect(fields["graphql.fields"]).toContain(name)
        expect(fields["graphql.type"]).toBe(operationName === "One" ? "query" : "mutation")
        expect(fields["graphql.name"]).toBe(operationName)
        expect((await classify(seen)).access).toBe(operationName === "One" ? "read" : "write")
      },
    ),
    { numRuns: 60 },
  )
})

describe("requests that aws4 signs", () => {
  const credentials = {
    accessKeyId: "AKIAIOSFODNN7EXAMPLE",
    secretAccessKey: "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
  }
  it.each([
    [{ service: "sqs", path: "/?Action=ListQueues" }, "aws:sqs.ListQueues read"],
    [{ service: "s3", path: "/bucket/key", method: "PUT", body: "x" }, "aws:s3.PutObject write"],
    [{ service: "s3", path: "/bucket/key", signQuery: true }, "aws:s3.GetObject read"],
    [{ service: "sts", body: "Action=AssumeRole&Version=2011-06-15" }, "aws:sts.AssumeRole write"],
    [{ service: "iam", body: "Action=ListUsers&Version=2010-05-08" }, "aws:iam.ListUsers read"],
    [
      { service: "dynamodb", headers: { "X-Amz-Target": "DynamoDB_20120810.DeleteItem" }, body: "{}" },
      "aws:dynamodb.DeleteItem write",
    ],
    [
      { service: "lambda", path: "/2015-03-31/functions/f/invocations", method: "POST", body: "{}" },
      "aws:lambda.Invoke write",
    ],
  ])("%j", async (options, expected) => {
    const signed = aws4.sign({ region: "eu-west-1", ...options }, credentials)
    const headers = Object.fromEntries(
      Object.entries(signed.headers ?? {}).map(([name, value]) => [name.toLowerCase(), String(value)]),
    )
    const line = `${signed.method ?? "GET"} https://${headers["host"] ?? signed.hostname}${signed.path ?? "/"}`
    const body = "body" in options ? { body: options.body as string } : {}
    const { operation, access, unread } = await classify(request(line, { headers, ...body }))
    expect(`${operation} ${access}`).toBe(expected)
    expect(unread).toBeUndefined()
  })
})
