import { createHmac } from "node:crypto"
import fc from "fast-check"
import { describe, expect, test } from "vitest"
import { isOfRun, MARKER, makePlaceholder, readPlaceholder } from "../../src/vault/placeholder.ts"
import { guessShape, SHAPES, tokenCheck } from "../../src/vault/shapes.ts"

const key = Buffer.alloc(32, 7)
const other = Buffer.alloc(32, 8)
const all = [{ name: "github" }, { name: "models" }, { name: "a" }]
const shapes = Object.keys(SHAPES)

// Forms as scanners and clients check them: the widest published rule for each.
const FORMS: Record<string, RegExp> = {
  github: /^ghp_[A-Za-z0-9]{36}$/,
  "github-oauth": /^gho_[A-Za-z0-9]{36}$/,
  "github-app": /^ghs_[A-Za-z0-9]{36}$/,
  "github-pat": /^github_pat_[A-Za-z0-9]{22}_[A-Za-z0-9]{59}$/,
  gitlab: /^glpat-[\w-]{20}$/,
  anthropic: /^sk-ant-api03-[\w-]{93}AA$/,
  "anthropic-oauth": /^sk-ant-oat01-[\w-]{93}AA$/,
  openai: /^sk-proj-[\w-]{74}T3BlbkFJ[\w-]{74}$/,
  "openai-legacy": /^sk-[A-Za-z0-9]{20}T3BlbkFJ[A-Za-z0-9]{20}$/,
  npm: /^npm_[A-Za-z0-9]{36}$/,
  slack: /^xoxb-[0-9]{10,13}-[0-9]{10,13}-[A-Za-z0-9]{24}$/,
  "slack-user": /^xoxp-(?:[0-9]{10,13}-){3}[A-Za-z0-9-]{28,34}$/,
  stripe: /^sk_test_[A-Za-z0-9]{10,99}$/,
  "stripe-live": /^sk_live_[A-Za-z0-9]{10,99}$/,
  linear: /^lin_api_[A-Za-z0-9]{40}$/,
  aws: /^AKIA[A-Z2-7]{16}:[A-Za-z0-9/+]{40}$/,
  google: /^AIza[\w-]{35}$/,
  jwt: /^ey[\w-]+\.ey[\w-]+\.[\w-]{43}$/,
  uuid: /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/,
  hex: /^[0-9a-f]{32}$/,
  hex40: /^[0-9a-f]{40}$/,
  hex64: /^[0-9a-f]{64}$/,
  plain: /^[A-Za-z0-9]{40}$/,
}

describe("makePlaceholder", () => {
  test.each(shapes)("%s: the real thing's form, the same each time, the key's own", (shape) => {
    const made = makePlaceholder(key, "github", "run-1", shape)
    expect(made).toMatch(FORMS[shape]!)
    expect(made).toContain(MARKER)
    expect(guessShape(made)).toBe(shape)
    expect(makePlaceholder(key, "github", "run-1", shape)).toBe(made)
    for (const another of [
      makePlaceholder(key, "github", "run-2", shape),
      makePlaceholder(key, "models", "run-1", shape),
      makePlaceholder(other, "github", "run-1", shape),
    ]) {
      expect(another).not.toBe(made)
    }
  })

  test("checksums of GitHub and npm", () => {
    // The token that GitHub's own announcement of the format shows.
    expect(tokenCheck("zQWBuTSOoRi4A9spHcVY5ncnsDkxkJ")).toBe("0mLq17")
    for (const shape of ["github", "github-oauth", "npm"]) {
      const body = makePlaceholder(key, "a", "r", shape).slice(4)
      expect(tokenCheck(body.slice(0, 30))).toBe(body.slice(30))
    }
  })

  test("a JWT that decodes, and does not expire in this century", () => {
    const [head, claims, signature] = makePlaceholder(key, "a", "r", "jwt").split(".")
    expect(JSON.parse(Buffer.from(head!, "base64url").toString())).toEqual({ alg: "HS256", typ: "JWT" })
    expect(JSON.parse(Buffer.from(claims!, "base64url").toString()).exp).toBe(Date.UTC(2100, 0, 1) / 1000)
    const bytes = Buffer.from(signature!, "base64url")
    expect(bytes).toHaveLength(createHmac("sha256", key).digest().length)
    expect(bytes.toString("base64url")).toBe(signature)
  })

  test("a shape that there is not", () => {
    expect(() => makePlaceholder(key, "a", "r", "constructor")).toThrow("no placeholder of this shape")
  })
})

describe("readPlaceholder", () => {
  test.each(shapes)("%s: names its credential, and tells runs apart", (shape) => {
    const one = readPlaceholder(key, makePlaceholder(key, "models", "run-1", shape), all)
    const two = readPlaceholder(key, makePlaceholder(key, "models", "run-2", shape), all)
    const same = readPlaceholder(key, makePlaceholder(key, "github", "run-1", shape), all)
    expect([one?.credential, two?.credential, same?.credential]).toEqual(["models", "models", "github"])
    expect(one?.runTag).not.toBe(two?.runTag)
    expect(one?.runTag).toBe(same?.runTag)
  })

  test("whatever stands around it, and both halves of an AWS key", () => {
    const [id, secret] = makePlaceholder(key, "a", "r", "aws").split(":")
    for (const text of [id!, secret!, `x=${id}&`, `"${secret}"`]) {
      expect(readPlaceholder(key, text, all)?.credential).toBe("a")
    }
  })

  test("hex in upper case, a UUID without dashes", () => {
    for (const shape of ["uuid", "hex", "hex64"]) {
      const made = makePlaceholder(key, "a", "r", shape)
      for (const text of [made.toUpperCase(), made.replaceAll("-", "")]) {
        expect(readPlaceholder(key, text, all)).toEqual(readPlaceholder(key, made, all))
      }
    }
  })

  test("of this run, or of another: by the core alone", () => {
    for (const shape of shapes) {
      const made = makePlaceholder(key, "a", "run-1", shape)
      const stolen = makePlaceholder(key, "a", "run-2", shape)
      for (const half of shape === "aws" ? made.split(":") : [made, made.slice(made.indexOf(MARKER))]) {
        expect([shape, isOfRun(half, made), isOfRun(half, stolen)]).toEqual([shape, true, false])
      }
    }
    expect(isOfRun("nothing", makePlaceholder(key, "a", "r", "hex"))).toBe(false)
  })

  test("not what another key made, nor for a credential that there is not", () => {
    for (const shape of shapes) {
      expect(readPlaceholder(other, makePlaceholder(key, "a", "r", shape), all)).toBeUndefined()
      expect(readPlaceholder(key, makePlaceholder(key, "gone", "r", shape), all)).toBeUndefined()
    }
  })

  test("not one whose core was changed anywhere, nor any text", () => {
    fc.assert(
      fc.property(
        fc.constantFrom(...shapes),
        fc.nat(19),
        fc.constantFrom(..."0123456789abcdefXYZ"),
        (shape, at, char) => {
          const made = makePlaceholder(key, "a", "r", shape)
          const index = made.indexOf(MARKER) + (shape === "aws" ? at % 16 : at)
          fc.pre(made[index] !== "-" && made[index] !== char)
          const changed = made.slice(0, index) + char + made.slice(index + 1)
          // Of an AWS key the other half still names it.
          expect(readPlaceholder(key, shape === "aws" ? changed.split(":")[0]! : changed, all)).toBeUndefined()
        },
      ),
    )
    fc.assert(
      fc.property(fc.string({ unit: "binary" }), (text) => {
        expect(readPlaceholder(key, text, all)).toBeUndefined()
        expect(readPlaceholder(key, `${MARKER}${text}`, all)).toBeUndefined()
      }),
    )
  })
})
