import { generateKeyPairSync } from "node:crypto"
import fc from "fast-check"
import { describe, expect, it } from "vitest"
import { parseCheckpoint, signCheckpoint, verifyCheckpoint } from "../../../src/audit/checkpoints/checkpoint-text.ts"
import { makeSigner, signNote } from "../../../src/audit/checkpoints/note.ts"
import { sha256 } from "../oracle.ts"

const ORIGIN = "nanoguard/0123abcd"
const KEY = makeSigner(ORIGIN, generateKeyPairSync("ed25519").privateKey)
const ROOT = Uint8Array.from(sha256())
const ROOT_TEXT = "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU="

describe("a checkpoint", () => {
  it("is a note of three lines", () => {
    const { note } = signCheckpoint({ size: 20852163, root: ROOT }, KEY)
    expect(note.split("\n").slice(0, 4)).toEqual([ORIGIN, "20852163", ROOT_TEXT, ""])
    expect(note.split("\n")[4]).toMatch(/^— nanoguard\/0123abcd [\w+/]+=*$/)
  })

  it("is read as it was signed, for any size", () => {
    fc.assert(
      fc.property(fc.maxSafeNat(), fc.uint8Array({ minLength: 32, maxLength: 32 }), (size, root) => {
        const made = signCheckpoint({ size, root: Uint8Array.from(root) }, KEY)
        expect(parseCheckpoint(made.note)).toEqual(made)
        expect(verifyCheckpoint(made.note, ORIGIN, [KEY])).toEqual(made)
      }),
    )
  })

  it("of the specification is read, and one with extension lines", () => {
    const note =
      "example.com/behind-the-sofa\n20852163\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n\n— example.com/behind-the-sofa Az3grlgtzPICa5OS8npVmf1Myq/5IZniMp+ZJurmRDeOoRDe4URYN7u5/Zhcyv2q1gGzGku9nTo+zyWE+xeMcTOAYQ8=\n"
    expect(parseCheckpoint(note)).toMatchObject({ origin: "example.com/behind-the-sofa", size: 20852163 })
    const extended = signNote(`${ORIGIN}\n0\n${ROOT_TEXT}\nmore of it\n`, [KEY])
    expect(verifyCheckpoint(extended, ORIGIN, [KEY])).toMatchObject({ size: 0, root: ROOT })
  })

  it("of another log is refused, though the key is known", () => {
    const { note } = signCheckpoint({ size: 1, root: ROOT }, KEY)
    expect(() => verifyCheckpoint(note, "nanoguard/other", [KEY])).toThrow(
      "is of nanoguard/0123abcd, not of nanoguard/other",
    )
    expect(() => verifyCheckpoint(note.replace("\n1\n", "\n2\n"), ORIGIN, [KEY])).toThrow("is not over this text")
    expect(() => verifyCheckpoint(note, ORIGIN, [])).toThrow("no known key")
  })

  it.each([
    ["size with a zero in front", `${ORIGIN}\n012\n${ROOT_TEXT}\n`],
    ["signed size", `${ORIGIN}\n+12\n${ROOT_TEXT}\n`],
    ["negative size", `${ORIGIN}\n-1\n${ROOT_TEXT}\n`],
    ["size with a space", `${ORIGIN}\n12 \n${ROOT_TEXT}\n`],
    ["size in hex", `${ORIGIN}\n0x12\n${ROOT_TEXT}\n`],
    ["size with an exponent", `${ORIGIN}\n1e3\n${ROOT_TEXT}\n`],
    ["size in other digits", `${ORIGIN}\n١٢\n${ROOT_TEXT}\n`],
    ["size that is not exact", `${ORIGIN}\n9007199254740992\n${ROOT_TEXT}\n`],
    ["no size", `${ORIGIN}\n\n${ROOT_TEXT}\n`],
    ["no origin", `\n12\n${ROOT_TEXT}\n`],
    ["no root", `${ORIGIN}\n12\n`],
    ["short root", `${ORIGIN}\n12\n${Buffer.alloc(31).toString("base64")}\n`],
    ["root without padding", `${ORIGIN}\n12\n${ROOT_TEXT.slice(0, -1)}\n`],
    ["root with other trailing bits", `${ORIGIN}\n12\n${ROOT_TEXT.replace("U=", "V=")}\n`],
    ["empty extension line", `${ORIGIN}\n12\n${ROOT_TEXT}\n\nmore\n`],
  ])("is not read with a %s, though it is signed", (_, text) => {
    const note = signNote(text, [KEY])
    expect(() => parseCheckpoint(note)).toThrow(expect.objectContaining({ name: "NoteError" }))
    expect(() => verifyCheckpoint(note, ORIGIN, [KEY])).toThrow(expect.objectContaining({ name: "NoteError" }))
  })

  it("is not signed over a tree that cannot be", () => {
    for (const size of [-1, 1.5, Number.NaN, 2 ** 53, 1e21]) {
      expect(() => signCheckpoint({ size, root: ROOT }, KEY), String(size)).toThrow("no tree size")
    }
    expect(() => signCheckpoint({ size: 1, root: new Uint8Array(31) }, KEY)).toThrow("no root hash")
  })
})
