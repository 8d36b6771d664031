import { describe, expect, test } from "vitest"
import { findIn } from "../../src/vault/find.ts"
import { makePlaceholder, readPlaceholder } from "../../src/vault/placeholder.ts"
import { redactPlaceholders } from "../../src/vault/redact.ts"
import { SHAPES } from "../../src/vault/shapes.ts"

const key = Buffer.alloc(32, 7)
const known = (body: Buffer) => findIn(body, "body").filter(({ text }) => readPlaceholder(key, text, [{ name: "a" }]))

describe("redactPlaceholders", () => {
  test.each(Object.keys(SHAPES))("%s, in each form that it has in a conversation", (shape) => {
    const token = makePlaceholder(key, "a", "run-1", shape)
    for (const written of [
      token,
      encodeURIComponent(token),
      [...token].map((char) => `\\u00${char.charCodeAt(0).toString(16)}`).join(""),
      Buffer.from(`x:${token}`).toString("base64"),
      Buffer.from(token).toString("hex"),
    ]) {
      const body = Buffer.from(
        JSON.stringify({ messages: [{ content: `TOKEN=${written} and more ${written}` }] }).replaceAll("\\\\u", "\\u"),
      )
      const redacted = redactPlaceholders(body, known(body))!
      expect([shape, known(body).length > 0, known(redacted)]).toEqual([shape, true, []])
      expect(JSON.parse(redacted.toString())).toMatchObject({
        messages: [{ content: expect.stringMatching(/^TOKEN=.* and more /) }],
      })
    }
  })

  test("says where it cannot; leaves alone what has none", () => {
    const token = Buffer.from(makePlaceholder(key, "a", "run-1", "github"))
    const twice = Buffer.from(Buffer.from(token.toString("base64")).toString("base64"))
    expect(known(twice)).toHaveLength(1)
    expect(redactPlaceholders(twice, known(twice))).toBeUndefined()
    const wide = Buffer.from(token.toString(), "utf16le")
    expect(known(wide)).toHaveLength(1)
    expect(known(redactPlaceholders(wide, known(wide))!)).toEqual([])
    const body = Buffer.from("nothing")
    expect(redactPlaceholders(body, [])).toEqual(body)
  })
})
