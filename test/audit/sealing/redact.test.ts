import fc from "fast-check"
import { describe, expect, it } from "vitest"
import { knownSecrets } from "../../../src/audit/sealing/known-secrets.ts"
import { commitSecret, MAX_TEXT, redactText, redactValue } from "../../../src/audit/sealing/redact.ts"
import { COMMIT_KEY } from "../events.ts"

const redactor = { commitKey: COMMIT_KEY }
const commit = (value: string) => commitSecret(value, COMMIT_KEY)
const SECRET = 'Tr0ub4dor &3/"x"\\é+='

describe("exactly known secrets", () => {
  const known = knownSecrets([SECRET, "plainword", "short"])
  const redact = (text: string) => redactText(text, { commitKey: COMMIT_KEY, known })

  it.each<[string, (value: string) => string]>([
    ["raw", (value) => value],
    ["percent-encoded", encodeURIComponent],
    ["percent-encoded as a form", (value) => String(new URLSearchParams({ value })).slice(6)],
    ["percent-encoded twice", (value) => encodeURIComponent(encodeURIComponent(value))],
    ["percent-encoded throughout", (value) => Buffer.from(value).toString("hex").replace(/../g, "%$&")],
    ["escaped as in JSON", (value) => JSON.stringify(value).slice(1, -1)],
    ["escaped twice", (value) => JSON.stringify(JSON.stringify(value)).slice(3, -3)],
    ["as JSON in a query", (value) => encodeURIComponent(JSON.stringify({ a: value })).slice(16, -6)],
    ["hex", (value) => Buffer.from(value).toString("hex")],
    ["hex in capitals", (value) => Buffer.from(value).toString("hex").toUpperCase()],
  ])("are found %s, with the commitment of the value itself", (_, encode) => {
    for (const value of [SECRET, "plainword"])
      expect(redact(`before ${encode(value)} after`)).toBe(`before ${commit(value)} after`)
  })

  it.each(["base64", "base64url"] as const)("are found in %s at any place of the encoded text", (encoding) => {
    for (let before = 0; before < 4; before++) {
      for (let after = 0; after < 4; after++) {
        const encoded = Buffer.from(`${"é:u".slice(0, before)}${SECRET}${"xyz".slice(0, after)}`).toString(encoding)
        expect(redact(`Authorization is ${encoded}, always`)).toBe(`Authorization is ${commit(SECRET)}, always`)
        expect(redact(`u=${encodeURIComponent(encoded)};`)).toBe(`u=${commit(SECRET)};`)
      }
    }
  })

  it("are not looked for where they are shorter than six characters", () => {
    expect(redact("a short text")).toBe("a short text")
    expect(knownSecrets(["", "abc"])).toBeUndefined()
  })

  it("are not found in the commitments that stand for them", () => {
    const word = { commitKey: COMMIT_KEY, known: knownSecrets(["secret"]) }
    const once = redactText("my secret, your secret", word)
    expect(once).toBe(`my ${commit("secret")}, your ${commit("secret")}`)
    expect(redactText(once, word)).toBe(once)
  })

  it("never survive, wherever and however they are planted", () => {
    const secret = fc.string({ unit: "grapheme", minLength: 8, maxLength: 40 }).filter((s) => s.trim().length >= 6)
    const noise = fc.string({ unit: "binary", maxLength: 60 })
    const percentSome = (text: string, picks: readonly boolean[]) =>
      [...text]
        .map((c, i) => (picks[i % picks.length] ? Buffer.from(c).toString("hex").replace(/../g, "%$&") : c))
        .join("")
    const encode = fc.constantFrom<(value: string, picks: readonly boolean[]) => string>(
      (value) => value,
      (value) => Buffer.from(value).toString("base64"),
      (value) => Buffer.from(`user:${value}`).toString("base64url"),
      (value) => encodeURIComponent(value),
      (value) => JSON.stringify(value),
      (value) => encodeURIComponent(JSON.stringify({ key: [value] })),
      (value) => encodeURIComponent(Buffer.from(value).toString("base64")),
    )
    fc.assert(
      fc.property(secret, noise, noise, encode, (value, before, after, wrap) => {
        const text = before + wrap(value, []) + after
        const result = redactText(text, { commitKey: COMMIT_KEY, known: knownSecrets([value])! })
        expect(result).not.toContain(wrap(value, []))
        if (!before.includes(value) && !after.includes(value)) expect(result).toContain(commit(value.toWellFormed()))
      }),
      { numRuns: 500 },
    )
    fc.assert(
      fc.property(secret, fc.array(fc.boolean(), { minLength: 1, maxLength: 7 }), (value, picks) => {
        fc.pre(!value.includes("%") && !value.includes("\\"))
        const text = `x ${percentSome(value, picks)} y`
        expect(redactText(text, { commitKey: COMMIT_KEY, known: knownSecrets([value])! })).toBe(`x ${commit(value)} y`)
      }),
      { numRuns: 200 },
    )
  })
})

describe("long texts", () => {
  it("are cut, with their length and a commitment to the whole", () => {
    const long = "ab ".repeat(3000)
    expect(redactText(long, redactor)).toBe(`${long.slice(0, MAX_TEXT)} [cut: 9000 characters, ${commit(long)}]`)
    expect(redactText("a".repeat(MAX_TEXT), redactor)).toBe("a".repeat(MAX_TEXT))
  })

  it("are not cut within a character", () => {
    expect(redactText("a".repeat(MAX_TEXT - 1) + "😀".repeat(10), redactor).isWellFormed()).toBe(true)
  })

  it("show nothing of a secret that lies across any border", () => {
    const key = `-----BEGIN PRIVATE KEY-----\n${"SECRETKEYBYTES\n".repeat(700)}-----END PRIVATE KEY-----`
    const planted = "planted+secret/value"
    const known = knownSecrets([planted])!
    for (const place of [0, 4000, 4090, 49_000, 60_000, 65_530, 70_000]) {
      const around = ["x ".repeat(place / 2), " y".repeat(40_000)] as const
      expect(redactText(around.join(key), redactor)).not.toContain("KEYBYTES")
      const encoded = encodeURIComponent(planted)
      const result = redactText(around.join(encoded), { commitKey: COMMIT_KEY, known })
      expect(result).not.toMatch(/planted|%2Fval/)
      expect(result.length).toBeLessThan(MAX_TEXT + 200)
    }
    // Keys shrink to commitments: what comes to stand within the limit was far beyond it.
    const many = redactText(`${key} `.repeat(20), redactor)
    expect(many).not.toContain("KEYBYTES")
  })
})

describe("redactValue", () => {
  it("looks into names and values of everything, and leaves data as it is", () => {
    const token = `ghp_${"aB3d".repeat(9)}`
    const value = {
      [`header ${token}`]: 1,
      list: [token, { deep: `x ${token}` }, 3, null, true],
      plain: "left-pad",
    }
    expect(redactValue(value, redactor)).toEqual({
      [`header ${commit(token)}`]: 1,
      list: [commit(token), { deep: `x ${commit(token)}` }, 3, null, true],
      plain: "left-pad",
    })
  })

  it("replaces what stands under the name of a secret, whatever it looks like", () => {
    const value = {
      password: "x",
      "X-Api-Key": ["a", { inner: "b", n: 7, yes: true }],
      clientSecret: "",
      pin: 1234,
      keys: "k",
    }
    expect(redactValue(value, redactor)).toEqual({
      password: commit("x"),
      "X-Api-Key": [commit("a"), { inner: commit("b"), n: commit("7"), yes: true }],
      clientSecret: "",
      pin: 1234,
      keys: "k",
    })
    expect(redactValue(redactValue(value, redactor), redactor)).toEqual(redactValue(value, redactor))
  })

  it("keeps both of two names that become one, and __proto__", () => {
    const token = `glpat-${"aB3dE".repeat(4)}`
    const hostile = JSON.parse(`{"${token}":1,"${commit(token)}":2,"__proto__":{"polluted":"yes"}}`)
    const result = redactValue(hostile, redactor) as Record<string, unknown>
    expect(JSON.parse(JSON.stringify(result))).toEqual(
      JSON.parse(`{"${commit(token)}":1,"${commit(token)}~2":2,"__proto__":{"polluted":"yes"}}`),
    )
    expect(Object.getPrototypeOf(result)).toBe(Object.prototype)
  })

  it("cuts names that are longer than 256 characters", () => {
    const [name] = Object.keys(redactValue({ ["n".repeat(1000)]: 1 }, redactor) as object)
    expect(name).toBe(`${"n".repeat(256)} [cut: 1000 characters, ${commit("n".repeat(1000))}]`)
  })
})
