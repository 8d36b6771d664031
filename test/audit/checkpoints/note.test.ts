import { createPrivateKey, createPublicKey, generateKeyPairSync } from "node:crypto"
import { readFileSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import fc from "fast-check"
import { describe, expect, it } from "vitest"
import {
  formatVerifier,
  makeSigner,
  makeVerifier,
  parseNote,
  parseVerifier,
  signNote,
  verifyNote,
} from "../../../src/audit/checkpoints/note.ts"
import { temporaryDirectory } from "../../context.ts"
import { openssl } from "../openssl.ts"

const TEXT = "If you think cryptography is the answer to your problem,\nthen you don't know what your problem is.\n"

// The example in the documentation of Go's sumdb/note: text, key and signature made by another implementation.
const NEUMANN = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"
const SIGNATURE =
  "— PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n"
const NOTE = `${TEXT}\n${SIGNATURE}`

const signer = (name: string) => makeSigner(name, generateKeyPairSync("ed25519").privateKey)

describe("a note of another implementation", () => {
  it("is verified", () => {
    const verifier = parseVerifier(NEUMANN)
    expect(verifyNote(NOTE, [verifier])).toEqual({ text: TEXT, by: [verifier] })
    expect(formatVerifier(verifier)).toBe(NEUMANN)
  })

  it("of the specification is taken apart at its last empty line", () => {
    const text = "Ognuno sta solo sul cuor della terra\ntrafitto da un raggio di sole:\n\ned è subito sera.\n"
    const line =
      "— quasimodo.example/salvatore NnugSzTjtVAewIS+Z/iJhUPeFDkO/5QQ2i5ddnGITLlC+EhfLW9oJKONrMouFSQU0xMcXxj99ihAQwaqP3ZekRwNtIc=\n"
    const note = parseNote(`${text}\n${line}`)
    expect(note.text).toBe(text)
    expect(note.signatures).toMatchObject([{ name: "quasimodo.example/salvatore", id: "367ba04b" }])
    expect(note.signatures[0]!.signature).toHaveLength(64)
  })
})

describe("openssl", () => {
  it("accepts our signature over the text as it stands in the note", async (ctx) => {
    const directory = temporaryDirectory()
    const key = signer("nanoguard/test")
    const { text, signatures } = parseNote(signNote(TEXT, [key]))
    writeFileSync(join(directory, "key.pem"), key.key.export({ type: "spki", format: "pem" }))
    writeFileSync(join(directory, "text"), text)
    writeFileSync(join(directory, "signature"), signatures[0]!.signature)
    const verify = "pkeyutl -verify -pubin -inkey key.pem -rawin -in text -sigfile signature".split(" ")
    expect(await openssl(ctx, directory, verify)).toMatchObject({ exitCode: 0 })
    writeFileSync(join(directory, "text"), text.replace("you", "You"))
    expect(await openssl(ctx, directory, verify)).toMatchObject({ exitCode: 1 })
  })

  it("makes keys and signatures that we accept", async (ctx) => {
    const directory = temporaryDirectory({ text: TEXT })
    await openssl(ctx, directory, "genpkey -algorithm ed25519 -out key.pem".split(" "))
    await openssl(ctx, directory, "pkeyutl -sign -inkey key.pem -rawin -in text -out signature".split(" "))
    const key = makeVerifier("other", createPublicKey(createPrivateKey(readFileSync(join(directory, "key.pem")))))
    const signature = Buffer.concat([Buffer.from(key.id, "hex"), readFileSync(join(directory, "signature"))])
    const note = `${TEXT}\n— other ${signature.toString("base64")}\n`
    expect(verifyNote(note, [key]).text).toBe(TEXT)
  })
})

describe("verifying", () => {
  const [a, b, c] = [signer("example.com/a"), signer("example.com/b"), signer("example.com/a")]
  const note = signNote(TEXT, [a, b])

  it("ignores signatures of unknown keys, also of one with a known name", () => {
    expect(verifyNote(note, [b]).by).toEqual([b])
    expect(verifyNote(signNote(TEXT, [c, a]), [a]).by).toEqual([a])
    expect(verifyNote(note, [b, a]).by).toEqual([a, b])
  })

  it("wants one known key", () => {
    expect(() => verifyNote(note, [c])).toThrow("no known key has signed the note")
    expect(() => verifyNote(note, [])).toThrow("no known key has signed the note")
    expect(() => verifyNote(note, [{ ...a, name: "example.com/b" }])).toThrow("no known key")
  })

  it("refuses a note where a known key's signature is wrong, though another's is right", () => {
    const changed = signNote(TEXT.replace("you", "You"), [a])
    const line = changed.slice(changed.lastIndexOf("\n\n") + 2)
    const forged = `${signNote(TEXT, [b])}${line}`
    expect(verifyNote(forged, [b]).by).toEqual([b])
    expect(() => verifyNote(forged, [a, b])).toThrow(`the signature of example.com/a+${a.id} is not over this text`)
  })

  it("refuses every note in which one character changed", () => {
    const one = signNote("nanoguard/x\n12\n", [a])
    for (let i = 0; i < one.length; i++) {
      for (const other of ["x", "\n", "=", " ", "0"]) {
        if (one[i] === other) continue
        const changed = one.slice(0, i) + other + one.slice(i + 1)
        expect(() => verifyNote(changed, [a]), JSON.stringify(changed)).toThrow()
      }
    }
  })

  it("signs and verifies any text that a note may have", () => {
    const text = fc.string({ unit: "grapheme" }).map((line) => `${line.replace(/[\0-\x1f]/g, "")}\n`)
    const texts = fc.array(text, { minLength: 1, maxLength: 5 }).map((lines) => lines.join(""))
    fc.assert(
      fc.property(texts, (some) => {
        const signed = signNote(some, [a])
        expect(verifyNote(signed, [a, b])).toEqual({ text: some, by: [a] })
      }),
    )
  })
})

describe("what is no note", () => {
  const good = signNote(TEXT, [signer("a")])
  const bad: [string, string][] = [
    ["nothing", ""],
    ["no signature", TEXT],
    ["no signature after the empty line", `${TEXT}\n`],
    ["no newline at the end", good.slice(0, -1)],
    ["an empty text", `\n${SIGNATURE}`],
    ["carriage returns", good.replaceAll("\n", "\r\n")],
    ["a control character", good.replace("you", "\x1b[2J")],
    ["a lone surrogate", good.replace("you", "\ud800")],
    ["a hyphen for the dash", good.replace("—", "-")],
    ["two spaces", good.replace("— a ", "— a  ")],
    ["a third field", good.replace(/\n$/, " x\n")],
    ["a plus in the name", good.replace("— a ", "— a+b ")],
    ["a space in the name", good.replace("— a ", "— a\u2003b ")],
    ["base64 without padding", NOTE.replace("=\n", "\n")],
    ["base64 with trailing bits", NOTE.replace("M=\n", "N=\n")],
    ["base64 of the web", NOTE.replace("/", "_")],
    ["a key id and nothing more", `${TEXT}\n— a AAAAAA==\n`],
    ["too many signatures", `${TEXT}\n${SIGNATURE.repeat(65)}`],
    ["too long a text", `${"x".repeat(132_000)}\n\n${SIGNATURE}`],
    ["an empty line between signatures", `${NOTE}\n`],
  ]

  it.each(bad)("%s", (_, note) => {
    expect(() => parseNote(note)).toThrow(expect.objectContaining({ name: "NoteError", exit: 1 }))
  })

  it("is told from one, whatever it is", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary", maxLength: 400 }), fc.nat(good.length), (junk, at) => {
        for (const note of [junk, good.slice(0, at) + junk + good.slice(at)]) {
          try {
            expect(note).toContain(parseNote(note).text)
          } catch (error) {
            expect(error).toMatchObject({ name: expect.stringMatching(/^NoteError$/) })
          }
        }
      }),
    )
  })

  it("is not signed either", () => {
    const key = signer("a")
    for (const text of ["", "no newline", "a\tb\n", "\ud800\n", "x".repeat(140_000)]) {
      expect(() => signNote(text, [key]), text.slice(0, 20)).toThrow()
    }
    expect(() => signNote(TEXT, [])).toThrow()
    expect(() => signer("a b")).toThrow("is no name for a key")
    expect(() => makeSigner("a", generateKeyPairSync("ec", { namedCurve: "P-256" }).privateKey)).toThrow(
      "not an Ed25519 key",
    )
  })
})

describe("a verifier key", () => {
  it.each([
    ["", "is no Ed25519 verifier key"],
    ["PeterNeumann", "is no Ed25519 verifier key"],
    [NEUMANN.replace("PeterNeumann", ""), "is no Ed25519 verifier key"],
    [NEUMANN.replace("PeterNeumann", "Peter Neumann"), "is no Ed25519 verifier key"],
    [NEUMANN.replace("ARpc", "Ahpc"), "is no Ed25519 verifier key"],
    [`${NEUMANN}AA`, "is no Ed25519 verifier key"],
    [NEUMANN.replace("c74f20a3", "c74f20a4"), "is not that of its key"],
    [NEUMANN.replace("c74f20a3", "C74F20A3"), "is not that of its key"],
    [NEUMANN.replace("PeterNeumann", "PeterNewmann"), "is not that of its key"],
  ])("%s: %s", (text, message) => {
    expect(() => parseVerifier(text)).toThrow(message)
  })
})
