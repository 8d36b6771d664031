import { randomBytes } from "node:crypto"
import { brotliCompressSync, gzipSync } from "node:zlib"
import { expect, test } from "vitest"
import { findPlaceholders } from "../../../src/gateway/egress/secrets.ts"
import { MARKER, makePlaceholder } from "../../../src/vault/placeholder.ts"

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
