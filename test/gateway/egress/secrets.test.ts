import { randomBytes } from "node:crypto"
import { brotliCompressSync, gzipSync } from "node:zlib"
import { expect, test } from "vitest"
import { findPlaceholders } from "../../../src/gateway/egress/secrets.ts"
import { makePlaceholder } from "../../../src/vault/placeholder.ts"

const text = makePlaceholder(randomBytes(32), "github", "run-000000000001", "github")
const coded = (...codings: string[]) => codings.flatMap((coding) => ["content-encoding", coding])

test.each([
  ["one coding", coded("br"), brotliCompressSync(text)],
  ["a coding and none after it", coded("br", "identity"), brotliCompressSync(text)],
  ["two codings in two headers", coded("gzip", "br"), brotliCompressSync(gzipSync(text))],
])("a placeholder is found behind %s, or its body is not let through unseen", async (_, headers, body) => {
  const { found, unread } = await findPlaceholders("", headers, body)
  expect(found.length > 0 || unread !== undefined).toBe(true)
})
