import { execFileSync } from "node:child_process"
import fc from "fast-check"
import { describe, expect, it } from "vitest"
import {
  emptyFrontier,
  foldRight,
  hashLeaf,
  hashNode,
  pushLeaf,
  rootOf,
  verifyConsistency,
  verifyInclusion,
} from "../../../src/audit/tree/merkle.ts"
import { leafHashes, mth, path, proof, sha256 } from "../oracle.ts"
import { consistencyProof, inclusionProof } from "./proofs.ts"

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString("hex")

describe("the reference tree of certificate-transparency", () => {
  // Eight leaves and the root of each of their trees, as the tests of every RFC 6962 implementation have them.
  const bodies = ["", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f"]
  const roots = [
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
  ]
  const leaves = bodies.map((body) => hashLeaf(Buffer.from(body, "hex")))

  it("has the published roots", () => {
    expect(roots.map((_, size) => hex(rootOf(leaves.slice(0, size))))).toEqual(roots)
  })

  it("has the published proofs", () => {
    expect(inclusionProof(leaves, 5).map(hex)).toEqual([
      "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
      "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
      "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    ])
    expect(consistencyProof(leaves, 6).map(hex)).toEqual([
      "0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a",
      "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
      "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    ])
  })

  it("is what Python's hashlib makes of it", (ctx) => {
    const script = `
import hashlib, sys
h = lambda b: hashlib.sha256(b).digest()
def mth(d):
    if not d: return h(b"")
    if len(d) == 1: return h(b"\\0" + d[0])
    k = 1
    while k * 2 < len(d): k *= 2
    return h(b"\\1" + mth(d[:k]) + mth(d[k:]))
leaves = [("record %d é" % i).encode() for i in range(300)]
for n in range(301): print(mth(leaves[:n]).hex())
`
    let printed: string
    try {
      printed = execFileSync("python3", ["-c", script], { encoding: "utf8" })
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error
      return ctx.skip("python3 is missing: install Python 3")
    }
    const frontier = emptyFrontier()
    const ours = [hex(foldRight(frontier.nodes))]
    for (let i = 0; i < 300; i++) {
      pushLeaf(frontier, hashLeaf(`record ${i} é`))
      ours.push(hex(foldRight(frontier.nodes)))
    }
    expect(ours).toEqual(printed.trim().split("\n"))
  })
})

describe("leaves and nodes", () => {
  it("hash a string as its UTF-8 bytes", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary" }), (body) => {
        const leaf = hex(sha256(Buffer.of(0), Buffer.from(body)))
        expect(hex(hashLeaf(body))).toBe(leaf)
        expect(hex(hashLeaf(Buffer.from(body)))).toBe(leaf)
      }),
    )
  })

  it("refuse what is no hash", () => {
    const [a] = leafHashes(1)
    expect(() => hashNode(a!, a!.subarray(1))).toThrow(RangeError)
    expect(() => hashNode(new Uint8Array(33), a!)).toThrow(RangeError)
  })

  it("keep their values when the next one is hashed", () => {
    const [a, b] = leafHashes(2)
    const node = hashNode(a!, b!)
    const before = hex(node)
    hashNode(b!, a!)
    expect(hex(node)).toBe(before)
  })
})

describe("against the recursive definition", () => {
  it("has the same roots and inclusion proofs for every size to 48, and random ones to 300", () => {
    for (let size = 1; size <= 48; size++) {
      for (let index = 0; index < size; index++) checkInclusion(size, index)
    }
    const sizeAndIndex = fc.integer({ min: 49, max: 300 }).chain((n) => fc.tuple(fc.constant(n), fc.nat(n - 1)))
    fc.assert(fc.property(sizeAndIndex, ([size, index]) => checkInclusion(size, index)))
  })

  it("has the same root for every size to 300", () => {
    const leaves = leafHashes(300)
    for (let size = 0; size <= 300; size++) {
      expect(rootOf(leaves.slice(0, size)), String(size)).toEqual(mth(leaves.slice(0, size)))
    }
  })

  it("has the same consistency proofs for every pair to 40, and random ones to 300", () => {
    for (let size = 1; size <= 40; size++) {
      for (let older = 1; older <= size; older++) checkConsistency(older, size)
    }
    const pair = fc
      .integer({ min: 41, max: 300 })
      .chain((n) => fc.tuple(fc.integer({ min: 1, max: n }), fc.constant(n)))
    fc.assert(fc.property(pair, ([older, size]) => checkConsistency(older, size)))
  })

  it("holds for large trees", () => {
    const size = 5_000
    const leaves = leafHashes(size)
    const head = { size, root: mth(leaves) }
    for (const index of [0, 1, 4095, 4096, 4999]) {
      expect(verifyInclusion(leaves[index]!, index, head, inclusionProof(leaves, index))).toBe(true)
    }
    for (const older of [1, 2, 4095, 4096, 4097, 4999]) {
      const found = consistencyProof(leaves, older)
      expect(found).toEqual(proof(older, leaves))
      expect(verifyConsistency({ size: older, root: mth(leaves.slice(0, older)) }, head, found)).toBe(true)
    }
  })

  function checkInclusion(size: number, index: number): void {
    const leaves = leafHashes(size)
    const found = inclusionProof(leaves, index)
    expect(found, `${index} of ${size}`).toEqual(path(index, leaves))
    expect(verifyInclusion(leaves[index]!, index, { size, root: rootOf(leaves) }, found)).toBe(true)
  }

  function checkConsistency(older: number, size: number): void {
    const leaves = leafHashes(size)
    const found = consistencyProof(leaves, older)
    expect(found, `${older} of ${size}`).toEqual(proof(older, leaves))
    const heads = [older, size].map((n) => ({ size: n, root: rootOf(leaves.slice(0, n)) }))
    expect(verifyConsistency(heads[0]!, heads[1]!, found)).toBe(true)
  }
})

describe("every change is refused", () => {
  /** All proofs that differ from `proof` in one place: a bit, a hash left out, doubled, swapped, cut or added. */
  function mutations(proof: readonly Uint8Array[]): Uint8Array[][] {
    const changed: Uint8Array[][] = [
      [...proof, new Uint8Array(32)],
      [new Uint8Array(32), ...proof],
    ]
    proof.forEach((hash, i) => {
      const flipped = Uint8Array.from(hash)
      flipped[i % 32]! ^= 1 << (i % 8)
      changed.push(proof.with(i, flipped))
      changed.push(proof.with(i, hash.subarray(0, 31)))
      changed.push(proof.with(i, Buffer.concat([hash, Buffer.alloc(1)])))
      changed.push(proof.toSpliced(i, 1))
      changed.push(proof.toSpliced(i, 0, hash))
      if (i > 0) changed.push(proof.with(i, proof[i - 1]!).with(i - 1, hash))
    })
    return changed
  }

  it("in an inclusion proof, its leaf, its index, its size and its root", () => {
    for (let size = 1; size <= 33; size++) {
      const leaves = leafHashes(size)
      const head = { size, root: rootOf(leaves) }
      for (let index = 0; index < size; index++) {
        const found = inclusionProof(leaves, index)
        const leaf = leaves[index]!
        for (const changed of mutations(found)) expect(verifyInclusion(leaf, index, head, changed)).toBe(false)
        for (let other = -1; other <= size; other++) {
          if (other !== index) expect(verifyInclusion(leaf, other, head, found)).toBe(false)
        }
        expect(verifyInclusion(sha256(leaf), index, head, found)).toBe(false)
        expect(verifyInclusion(leaf, index, { size, root: sha256(head.root) }, found)).toBe(false)
        expect(verifyInclusion(leaf, index, { size: size + 0.5, root: head.root }, found)).toBe(false)
        expect(verifyInclusion(leaf, index, { size: size * 4, root: head.root }, found)).toBe(false)
      }
    }
  })

  it("in a consistency proof, its sizes and its roots", () => {
    const leaves = leafHashes(24)
    const heads = Array.from({ length: 25 }, (_, size) => ({ size, root: rootOf(leaves.slice(0, size)) }))
    for (let newer = 1; newer <= 24; newer++) {
      for (let older = 1; older <= newer; older++) {
        const [a, b] = [heads[older]!, heads[newer]!]
        const found = consistencyProof(leaves.slice(0, newer), older)
        for (const changed of mutations(found)) expect(verifyConsistency(a, b, changed)).toBe(false)
        expect(verifyConsistency({ size: older, root: sha256(a.root) }, b, found)).toBe(false)
        expect(verifyConsistency(a, { size: newer, root: sha256(b.root) }, found)).toBe(false)
        expect(verifyConsistency({ size: older - 1, root: a.root }, b, found)).toBe(false)
        if (older < newer) expect(verifyConsistency(b, a, found)).toBe(false)
      }
    }
  })

  it("of a history, by any proof that could be made for it", () => {
    const leaves = leafHashes(100)
    const rewritten = leaves.with(41, sha256(Buffer.from("another")))
    for (let older = 42; older <= 100; older++) {
      const a = { size: older, root: rootOf(leaves.slice(0, older)) }
      const b = { size: 100, root: rootOf(rewritten) }
      expect(verifyConsistency(a, b, consistencyProof(rewritten, older))).toBe(false)
      expect(verifyConsistency(a, b, consistencyProof(leaves, older))).toBe(false)
    }
  })

  it("of an empty tree that is not empty", () => {
    const leaves = leafHashes(3)
    const head = { size: 3, root: rootOf(leaves) }
    expect(verifyConsistency({ size: 0, root: rootOf([]) }, head, [])).toBe(true)
    expect(verifyConsistency({ size: 0, root: leaves[0]! }, head, [])).toBe(false)
    expect(verifyConsistency({ size: 0, root: rootOf([]) }, head, [leaves[0]!])).toBe(false)
    expect(() => inclusionProof([], 0)).toThrow(RangeError)
    expect(() => consistencyProof(leaves, 4)).toThrow(RangeError)
  })
})
