import fc from "fast-check"
import { describe, expect, test } from "vitest"
import { createScrubber, scrubHeaders, scrubText } from "../../src/vault/scrub.ts"

const secret = "ghp_Zx9Kq2Lm8Vn4Bt6Yw1Rc3Sd5Fg7Hj0Pa2Qe"
const secrets = [{ value: secret, replacement: "PLACEHOLDER" }]
const x = (length: number) => "x".repeat(length)

function scrub(bytes: Uint8Array, list = secrets, sizes: readonly number[] = []) {
  const scrubber = createScrubber(list)
  const out: Uint8Array[] = []
  let at = 0
  for (const size of [...sizes, bytes.length]) {
    const chunk = Buffer.from(bytes.subarray(at, at + size))
    out.push(Buffer.from(scrubber.push(chunk)))
    chunk.fill(0)
    at += size
  }
  return { text: Buffer.concat([...out, scrubber.end()]).toString("latin1"), count: scrubber.count }
}
const each = (text: string, write: (code: number, char: string) => string) =>
  [...text].map((char) => write(char.charCodeAt(0), char)).join("")
const hex = (code: number) => code.toString(16).padStart(2, "0")

/** Forms, each with what undoes it: how a reader would get at the secret. */
const FORMS: Record<string, (text: string) => string> = {
  raw: (text) => text,
  base64: (text) => Buffer.from(text).toString("base64"),
  "base64, one before": (text) => Buffer.from(`x${text}`).toString("base64"),
  "base64, two before": (text) => Buffer.from(`xy${text}`).toString("base64"),
  base64url: (text) => Buffer.from(`xy${text}z`).toString("base64url"),
  "base64 in percent": (text) => encodeURIComponent(Buffer.from(text).toString("base64")),
  "base64 in JSON, slashes escaped": (text) => Buffer.from(text).toString("base64").replaceAll("/", "\\/"),
  hex: (text) => Buffer.from(text).toString("hex"),
  "hex, upper case": (text) => Buffer.from(text).toString("hex").toUpperCase(),
  "percent where needed": (text) => encodeURIComponent(text),
  "percent, lower case": (text) => each(text, (code) => `%${hex(code)}`),
  "percent, some": (text) =>
    each(text, (code, char) => (code % 3 === 0 || char === "%" ? `%${hex(code).toUpperCase()}` : char)),
  json: (text) => JSON.stringify(text).slice(1, -1),
  "json, slashes escaped": (text) => JSON.stringify(text).slice(1, -1).replaceAll("/", "\\/"),
  "json, all": (text) => each(text, (code) => `\\u00${hex(code)}`),
  "json, some": (text) =>
    each(text, (code, char) => (code % 2 === 0 || '"\\'.includes(char) ? `\\u00${hex(code)}` : char)),
  "json in json": (text) => each(text, (code) => `\\\\u00${hex(code)}`),
  "html where needed": (text) => each(text, (code, char) => ("&<>\"'".includes(char) ? `&#${code};` : char)),
  "html by name": (text) => text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll('"', "&quot;"),
  "html, all": (text) => each(text, (code) => `&#${code};`),
  "html, hexadecimal": (text) => each(text, (code) => `&#x${hex(code)};`),
}

describe("createScrubber", () => {
  test.each(Object.entries(FORMS))("%s", (name, write) => {
    for (const value of [secret, "a/b+c&d<e\"f'g\\h%i=j k:l"]) {
      const own = [{ value, replacement: "PLACEHOLDER" }]
      const { text, count } = scrub(Buffer.from(`before "${write(value)}" behind`), own)
      expect([name, count, text.includes(write(value))]).toEqual([name, 1, false])
      expect(text).toMatch(/^before ".*" behind$/)
    }
  })

  test.each([
    ["LE", "utf16le", "\u00e9"],
    ["BE", "utf16be", "\u00e9"],
    ["LE of ASCII", "utf16le", ""],
    ["BE of ASCII", "utf16be", ""],
  ])("UTF-16, %s", (_name, encoding, more) => {
    const swap = (bytes: Buffer) => (encoding === "utf16le" ? bytes : bytes.swap16())
    const value = `${secret}${more}`
    for (const sizes of [[], [20, 1, 1, 30]]) {
      const wide = swap(Buffer.from(`a "${value}" b`, "utf16le"))
      const { text, count } = scrub(wide, [{ value, replacement: "P" }], sizes)
      expect(count).toBe(1)
      expect(swap(Buffer.from(text, "latin1")).toString("utf16le")).toBe(`a "${x(value.length)}" b`)
    }
  })

  test("wrapped in lines, wherever a line ends in it", () => {
    for (const [width, end] of [
      [76, "\r\n"],
      [64, "\n"],
      [60, "\n"],
    ] as const) {
      const wrap = (text: string) => text.replaceAll(new RegExp(`.{${width}}`, "g"), `$&${end}`)
      for (let before = 0; before < 120; before++) {
        const form = Buffer.from(`${x(before)}${secret}${x(30)}`)
        for (const encoding of ["base64", "hex"] as const) {
          const { text, count } = scrub(Buffer.from(wrap(form.toString(encoding))), secrets, [50 + (before % 40), 7])
          const left = Buffer.from(text.replaceAll(/[\r\n]/g, ""), encoding).toString("latin1")
          expect([count, left.length, left.includes(secret.slice(2, -2))]).toEqual([1, form.length, false])
        }
      }
    }
  })

  test("the end of a short line leaves at once, also behind what begins a secret", () => {
    const scrubber = createScrubber(secrets)
    const first = secret[0]!
    for (const line of [`ready ${first}\n`, `${first}\r\n`, `${x(30)}\n`, `${x(100)}${first}\n\n`])
      expect(Buffer.from(scrubber.push(Buffer.from(line))).toString()).toBe(line)
    // A long one may go on.
    expect(Buffer.from(scrubber.push(Buffer.from(`${x(100)}${first}\n`))).toString()).toBe(x(100))
    expect(Buffer.from(scrubber.push(Buffer.from("a\n"))).toString()).toBe(`${first}\na\n`)
  })

  test("what takes its place: the replacement, and as many characters in what is encoded", () => {
    const base64 = Buffer.from(secret).toString("base64")
    expect(scrub(Buffer.from(`a ${secret} b`)).text).toBe("a PLACEHOLDER b")
    expect(scrub(Buffer.from(`a ${each(secret, (code) => `%${hex(code)}`)} b`)).text).toBe("a PLACEHOLDER b")
    expect(scrub(Buffer.from(Buffer.from(secret).toString("hex"))).text).toBe("0".repeat(secret.length * 2))
    expect(scrub(Buffer.from(base64)).text).toBe(x(base64.length))
  })

  test("all that is not one is the same, and leaves at once but for what may begin one", () => {
    const scrubber = createScrubber(secrets)
    const whole = Buffer.from("data: hello\n\n")
    expect(scrubber.push(whole)).toBe(whole)
    expect(Buffer.from(scrubber.push(Buffer.from(`data: ${secret.slice(0, 5)}`))).toString()).toBe("data: ")
    // Not a secret after all: out it goes with the event's end.
    expect(Buffer.from(scrubber.push(Buffer.from("\n\n"))).toString()).toBe(`${secret.slice(0, 5)}\n\n`)
    expect(Buffer.from(scrubber.push(Buffer.from("data: %6"))).toString()).toBe("data: ")
    expect(Buffer.from(scrubber.end()).toString()).toBe("%6")
  })

  test("several, one in the other, one behind the other", () => {
    const list = [
      { value: "user:password-1", replacement: "<both>" },
      { value: "password-1", replacement: "<password>" },
      { value: "token-two-2", replacement: "<two>" },
    ]
    expect(scrub(Buffer.from("user:password-1 password-1token-two-2token-two-2"), list).text).toBe(
      "<both> <password><two><two>",
    )
    expect(scrub(Buffer.from("ababababab"), [{ value: "ababab", replacement: "-" }]).text).toBe("-abab")
  })

  test("nothing to look for", () => {
    const chunk = Buffer.from("abc")
    expect(createScrubber([]).push(chunk)).toBe(chunk)
    expect(createScrubber([{ value: "abc", replacement: "-" }]).push(chunk)).toBe(chunk)
  })

  const value = fc.oneof(
    fc.string({
      unit: fc.constantFrom(..."abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_"),
      minLength: 8,
      maxLength: 50,
    }),
    fc.string({ unit: fc.constantFrom(..."ab"), minLength: 8, maxLength: 20 }),
    fc.string({ unit: fc.constantFrom(..."abAB01%&\\/+= :;#xu<>\"'"), minLength: 8, maxLength: 30 }),
    fc.string({ minLength: 8, maxLength: 30 }),
  )
  // Never in a form of the secret's own: what is around it stays.
  const noise = (own: string) =>
    fc
      .array(
        fc.oneof(
          fc.constantFrom(
            "\n\n",
            "%",
            "%2",
            "\\u00",
            "\\",
            "&#",
            "&amp",
            "{}",
            own.slice(0, 4),
            own.slice(0, -1),
            own.slice(1),
            `%${hex(own.charCodeAt(0))}`,
          ),
          fc.string({ maxLength: 8 }),
        ),
        { maxLength: 8 },
      )
      .map((parts) => parts.join(""))

  test("S2: no form comes out, wherever it is and however it is cut", () => {
    fc.assert(
      fc.property(
        value.chain((own) => fc.tuple(fc.constant(own), noise(own), noise(own))),
        fc.constantFrom(...Object.entries(FORMS)),
        fc.array(fc.integer({ min: 0, max: 40 }), { maxLength: 40 }),
        ([own, before, behind], [, write], sizes) => {
          const form = write(own)
          const { text, count } = scrub(
            Buffer.from(`${before} ${form} ${behind}`),
            [{ value: own, replacement: "\u0001" }],
            sizes,
          )
          expect(count).toBeGreaterThan(0)
          // Of base64 the characters at both ends hold less than a byte of it.
          const core = form.length > 12 ? form.slice(4, -4) : form
          if (core.length >= own.length) expect(text.includes(form)).toBe(false)
        },
      ),
      { numRuns: 800 },
    )
  })

  test("whatever has no form in it comes out as it was, whatever the cuts", () => {
    fc.assert(
      fc.property(
        fc.array(
          fc.oneof(
            fc.uint8Array({ maxLength: 30 }).map((bytes) => Buffer.from(bytes)),
            fc
              .constantFrom("%", "%67", "\\u0067", "&#103;", "ghp_", "ghp_Zx9K", "Z2hw", "676870", "\\", "&")
              .map((text) => Buffer.from(text)),
          ),
          { maxLength: 30 },
        ),
        fc.array(fc.integer({ min: 0, max: 20 }), { maxLength: 60 }),
        (parts, sizes) => {
          const bytes = Buffer.concat(parts)
          const { text, count } = scrub(bytes, secrets, sizes)
          expect([text, count]).toEqual([bytes.toString("latin1"), 0])
        },
      ),
      { numRuns: 500 },
    )
  })

  test("the same whatever the cuts", () => {
    const pieces = fc.constantFrom(
      secret,
      secret.slice(0, 9),
      secret.slice(9),
      ...Object.values(FORMS).map((write) => write(secret)),
      "%",
      "\\",
      "&#",
      "x",
      "\n\n",
    )
    fc.assert(
      fc.property(
        fc.array(pieces, { maxLength: 20 }),
        fc.array(fc.integer({ min: 0, max: 60 }), { maxLength: 60 }),
        (parts, sizes) => {
          const bytes = Buffer.from(parts.join(""))
          expect(scrub(bytes, secrets, sizes)).toEqual(scrub(bytes))
        },
      ),
      { numRuns: 500 },
    )
  })
})

describe("heads", () => {
  test("values, names and phrases", () => {
    expect(scrubText(`Bad token ${secret}`, secrets)).toBe("Bad token PLACEHOLDER")
    expect(
      scrubHeaders(
        [
          ["location", `https://api.example.com/?key=${secret}`],
          [`x-${secret}`, "1"],
          ["x-echo", Buffer.from(`:${secret}`).toString("base64")],
          ["date", "today"],
          ["x-latin", "caf\u00e9"],
        ],
        secrets,
      ),
    ).toEqual([
      ["location", "https://api.example.com/?key=PLACEHOLDER"],
      ["x-echo", expect.stringMatching(/^Omx+Q==$/)],
      ["date", "today"],
      ["x-latin", "caf\u00e9"],
    ])
  })
})
