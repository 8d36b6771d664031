import { createHash } from "node:crypto"
import fc from "fast-check"
import { describe, expect, it } from "vitest"
import { choosePromise, createCheck, promiseOf, spellPromise } from "../../../src/gateway/upstream/integrity.ts"
import { sha256, sri } from "./open.ts"

const ALGORITHMS = ["sha512", "sha384", "sha256", "sha1", "md5"]
const bytes = fc.uint8Array({ maxLength: 300 })

describe("what metadata promises", () => {
  it("is held by the bytes that have the strongest hash of it, and by no others", () => {
    const algorithms = fc.subarray(ALGORITHMS, { minLength: 1 })
    fc.assert(
      fc.property(bytes, bytes, algorithms, fc.boolean(), (right, other, named, lies) => {
        // Weaker hashes are of other bytes: they must not count.
        const [strongest, ...weaker] = named
        const items = [...weaker.map((name) => sri(name, other)), sri(strongest!, lies ? other : right)]
        const promised = choosePromise(items)
        if (promised === undefined || promised === "none") throw new Error("nothing was promised")
        expect(spellPromise(promised)).toEqual([items.at(-1)])
        const check = createCheck(promised)
        for (const byte of right) check.update(Uint8Array.of(byte))
        const same = Buffer.from(right).equals(Buffer.from(other))
        expect(check.end()).toEqual({ sha256: sha256(right), held: lies && !same ? undefined : items.at(-1) })
      }),
    )
  })

  it("is read in every spelling, and never wrongly", () => {
    const digest = createHash("sha256").update("a").digest("base64")
    const expected = { algorithm: "sha256", digests: [digest] }
    for (const text of [
      `sha256-${digest}`,
      `SHA256-${digest}`,
      ` sha256-${digest}?opt `,
      `sha256-${digest.replace("=", "")}`,
    ])
      expect(choosePromise([text])).toEqual(expected)
    expect(choosePromise([])).toBe("none")
    expect(choosePromise([" "])).toBe("none")
    for (const text of [
      "sha256",
      "sha256-",
      `sha512-${digest}`,
      `sha256-${digest}AAAA`,
      "sha3-AAAA",
      `sha256_${digest}`,
    ])
      expect(choosePromise([text])).toBeUndefined()
    expect(promiseOf(sha256(Buffer.from("a")))).toEqual(expected)
    fc.assert(fc.property(fc.array(fc.string({ unit: "binary" })), (texts) => void choosePromise(texts)))
  })
})
