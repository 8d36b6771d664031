import { randomBytes } from "node:crypto"
import { join } from "node:path"
import { brotliCompressSync, gzipSync } from "node:zlib"
import { describe, expect, onTestFinished, test } from "vitest"
import { findPlaceholders } from "../../../src/gateway/egress/secrets.ts"
import { createGrantFinder } from "../../../src/vault/grant-finder.ts"
import { MARKER, makePlaceholder } from "../../../src/vault/placeholder.ts"
import { temporaryDirectory } from "../../context.ts"
import { openEgressGate } from "./gate.ts"
import { HOST } from "./proxy.ts"

const text = makePlaceholder(randomBytes(32), "github", "run-000000000001", "github")
const coded = (...codings: string[]) => codings.flatMap((coding) => ["content-encoding", coding])

test.each([
  ["one coding", coded("br"), brotliCompressSync(text)],
  ["a coding and none after it", coded("br", "identity"), brotliCompressSync(text)],
  ["two codings in two headers", coded("gzip", "br"), brotliCompressSync(gzipSync(text))],
])("a placeholder is found behind %s", async (_, headers, body) => {
  const { found, unread } = await findPlaceholders("", headers, body)
  // What comes before its marker is the shape's own.
  const core = text.slice(text.indexOf(MARKER))
  expect([found, unread]).toEqual([[{ text: core, where: "body", encoding: "plain" }], undefined])
})

test.each([
  ["no coding that it says", coded("br"), Buffer.from("junk"), "malformed"],
  ["a coding that nobody knows", coded("exotic"), brotliCompressSync(text), "encoded"],
  ["more codings than are taken off", coded("br", "br", "br", "br"), brotliCompressSync(text), "encoded"],
])("a body in %s is not let through unseen", async (_, headers, body, unread) => {
  expect(await findPlaceholders("", headers, body)).toEqual({ found: [], unread })
})

test("what is said to a model about requests for tokens is none: its answer passes", async (t) => {
  const gate = await openEgressGate(t, {
    policy: (port) =>
      `network:\n  - { id: model, allow: ${HOST}, ports: [${port}], addresses: [127.0.0.1], service: anthropic, credential: example }\n`,
    origin: (_request, response) => void response.end("data: words\n\n"),
  })
  await gate.set()
  await gate.vault.reload()
  for (const said of ["a=b&grant_type=password", "Action=AssumeRole&x=y", '%22grant_type%22: "password"']) {
    const body = JSON.stringify({ messages: [{ role: "user", content: `why does ?${said} fail` }] })
    for (const type of ["application/json", "text/plain"]) {
      const ran = await gate.curl("-H", `content-type: ${type}`, "-d", body, `${gate.base}/v1/messages`)
      expect(ran.stdout, ran.stderr).toBe("data: words\n\n\n200")
    }
  }
  // One that is a request for tokens by its address stays one.
  expect((await gate.curl("-d", "{}", `${gate.base}/v1/oauth/token`)).stdout).not.toContain("words")
  const failed = expect.objectContaining({ detail: expect.objectContaining({ failed: "answer.tokens-unread" }) })
  await expect.poll(gate.records).toContainEqual(failed)
})

test.each([
  ["a form", "grant_type=client_credentials&client_id=x", "application/x-www-form-urlencoded"],
  ["a form by no name", "grant_type=client_credentials&client_id=x", ""],
  ["a form by the name of JSON", "grant_type=client_credentials", "application/json"],
  ["a form that is JSON, too", '{"a":"&grant_type=client_credentials&b="}', "application/x-www-form-urlencoded"],
  ["JSON", '{"grant_type":"client_credentials"}', "application/json"],
  ["JSON with escapes", '{"grant\\u005ftype":"client_credentials"}', "text/plain"],
])("a token is kept from the agent by a host that counts as a model's: asked for by %s", async (_, body, type) => {
  const gate = await openEgressGate({ onTestFinished } as never, {
    policy: (port) =>
      `network:\n  - { id: model, allow: ${HOST}, ports: [${port}], addresses: [127.0.0.1], service: openai, credential: example }\n`,
    origin: (_request, response) =>
      void response
        .setHeader("content-type", "application/json")
        .end('{"access_token":"live-token-0123456789abcdef","token_type":"Bearer"}'),
  })
  await gate.set()
  await gate.vault.reload()
  const { stdout } = await gate.curl("-H", `content-type:${type}`, "-d", body, `${gate.base}/v1/session`)
  expect(stdout).toMatch(/"access_token":".*200$/s)
  expect(stdout).not.toContain("live-token")
})

describe("a token that is asked for by a body that is sent as it comes", () => {
  const LONG = "x".repeat(70_000)
  const FORM = "application/x-www-form-urlencoded"

  async function openTokens(answer: string, type = "application/json") {
    const gate = await openEgressGate({ onTestFinished } as never, {
      policy: (port) =>
        `network:\n  - { id: any, allow: ${HOST}, ports: [${port}], addresses: [127.0.0.1], credential: example }\n`,
      origin: (_request, response) => void response.setHeader("content-type", type).end(answer),
    })
    await gate.set()
    await gate.vault.reload()
    return (body: string, type: string, ...more: string[]) => {
      const file = join(temporaryDirectory({ body }), "body")
      return gate.curl("-H", `content-type:${type}`, ...more, "--data-binary", `@${file}`, `${gate.base}/v1/session`)
    }
  }

  test.each([
    ["in pieces", "grant_type=client_credentials", FORM, true],
    ["in pieces, with escapes", "a=b&%67rant%5Ftype=client_credentials", FORM, true],
    ["in pieces, of no type", "a=b&grant_type=client_credentials", "", true],
    ["in pieces, by the name of JSON", "grant_type=client_credentials", "application/json", true],
    ["in pieces, as JSON", '{"grant\\u005ftype" : "client_credentials"}', "application/json", true],
    ["long, at its end", `a=${LONG}&grant_type=client_credentials`, FORM, false],
    ["long and in pieces", `a=${LONG}&grant_type=client_credentials&b=${LONG}`, FORM, true],
  ])("is kept from the agent: %s", async (_, body, type, chunked) => {
    const ask = await openTokens('{"access_token":"live-token-0123456789abcdef","token_type":"Bearer"}')
    const { stdout, stderr } = await ask(body, type, ...(chunked ? ["-H", "transfer-encoding: chunked"] : []))
    expect(stdout, stderr).toMatch(/"access_token":".*200$/s)
    expect(stdout).not.toContain("live-token")
  })

  test.each([
    ["JSON with an address in a text", `{"text":"?grant_type=password","more":"${LONG}"}`, "application/json"],
    ["lines of JSON", `{"url":"/cb?grant_type=x"}\n{"more":"${LONG}"}`, "application/x-ndjson"],
    ["JSON of another name", `{"text":"?grant_type=password","more":"${LONG}"}`, "application/vnd.api+json"],
    ["JSON that speaks of it", `{"text":"say \\u0022grant_type\\u0022: x","more":"${LONG}"}`, "application/json"],
    ["a file", `see /token?grant_type=password ${LONG}`, "application/octet-stream"],
  ])("is asked for by no %s", async (_, body, type) => {
    const ask = await openTokens("words\n", "text/plain")
    expect((await ask(body, type)).stdout).toBe("words\n\n200")
  })
})

test.each([1, 2, 3, 7, 64, 1000])("what asks for tokens is found in pieces of %s bytes", (size) => {
  for (const [text, kind] of [
    [`a=${"x".repeat(500)}&grant_type=password`, "oauth"],
    [`a=b&${[..."grant_type"].map((one) => `%${one.charCodeAt(0).toString(16)}`).join("")}=password`, "oauth"],
    ["Action=AssumeRoleWithWebIdentity&a=b", "aws"],
    ["xgrant_type=password&Action=Other", undefined],
  ] as const) {
    const finder = createGrantFinder({ method: "POST", path: "/", headers: [], body: undefined })!
    for (let at = 0; at < text.length; at += size) finder.push(Buffer.from(text.slice(at, at + size)))
    expect([text, finder.kind()]).toEqual([text, kind])
  }
})
