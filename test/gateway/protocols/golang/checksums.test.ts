import { execFileSync, spawnSync } from "node:child_process"
import { createHash, generateKeyPairSync } from "node:crypto"
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { strToU8, zipSync } from "fflate"
import { describe, expect, it, onTestFinished } from "vitest"
import { makeSigner, signNote } from "../../../../src/audit/checkpoints/note.ts"
import { hashLeaf } from "../../../../src/audit/tree/merkle.ts"
import { appendLeaves, type Tile } from "../../../../src/audit/tree/tiles.ts"
import {
  checksumsOf,
  hashOfMod,
  hashOfZip,
  isInTree,
  parseLookup,
  readTree,
  tilesOfRecord,
} from "../../../../src/gateway/protocols/golang/checksums.ts"
import { readSumdbPath } from "../../../../src/gateway/protocols/golang/sumdb.ts"
import { ListingError } from "../../../../src/gateway/types.ts"

const sha256 = (bytes: Uint8Array) => createHash("sha256").update(bytes).digest()

describe("the hashes of go.sum", () => {
  it("are those that go itself computes", (ctx) => {
    if (spawnSync("go", ["version"]).error) return ctx.skip("go is missing: install Go")
    const directory = mkdtempSync(join(tmpdir(), "nanoguard-go-"))
    onTestFinished(() => {
      spawnSync("chmod", ["-R", "u+w", directory])
      rmSync(directory, { recursive: true, force: true })
    })
    const mod = "module mod.example/a\n\ngo 1.21\n"
    const files = {
      "go.mod": mod,
      "b/z.go": "package b\n",
      "b.go": "package a\n",
      "b-c/é.go": "package c\n",
      "B.txt": "",
      LICENSE: "x",
    }
    const named = Object.entries(files).map(([name, text]) => [`mod.example/a@v1.0.0/${name}`, strToU8(text)] as const)
    const root = join(directory, "proxy", "mod.example/a/@v")
    mkdirSync(root, { recursive: true })
    writeFileSync(join(root, "list"), "v1.0.0\n")
    writeFileSync(join(root, "v1.0.0.info"), '{"Version":"v1.0.0","Time":"2024-01-01T00:00:00Z"}')
    writeFileSync(join(root, "v1.0.0.mod"), mod)
    writeFileSync(join(root, "v1.0.0.zip"), zipSync(Object.fromEntries(named)))
    const env = {
      PATH: process.env["PATH"],
      HOME: directory,
      GOPROXY: `file://${join(directory, "proxy")}`,
      GOSUMDB: "off",
      GOFLAGS: "",
      GOTOOLCHAIN: "local",
    }
    const told = JSON.parse(
      execFileSync("go", ["mod", "download", "-json", "mod.example/a@v1.0.0"], {
        cwd: directory,
        env,
        encoding: "utf8",
      }),
    )
    expect(hashOfZip(named.map(([name, bytes]) => ({ name, sha256: sha256(bytes) })))).toBe(told.Sum)
    expect(hashOfMod(strToU8(mod))).toBe(told.GoModSum)
  })

  it("cannot be those of two files in one name", () => {
    expect(() => hashOfZip([{ name: "a\nb", sha256: sha256(Buffer.from("")) }])).toThrow(ListingError)
  })
})

describe("the checksum database", () => {
  const h1 = (text: string) => `h1:${sha256(Buffer.from(text)).toString("base64")}`
  const recordOf = (n: number) =>
    `mod.example/m${n} v1.0.0 ${h1(`zip${n}`)}\nmod.example/m${n} v1.0.0/go.mod ${h1(`mod${n}`)}\n`
  const signer = makeSigner("sum.example.org", generateKeyPairSync("ed25519").privateKey)
  const size = 70_000
  const id = 300
  // Only a few records are ever looked at.
  const leaves = Buffer.concat(
    Array.from({ length: size }, (_, n) => (n > 600 ? Buffer.alloc(32, n % 251) : hashLeaf(recordOf(n)))),
  )
  const { changed } = appendLeaves({ size: 0, tiles: [] }, leaves)
  const tiles = new Map(changed.map((tile: Tile) => [`${tile.level}/${tile.position}`, tile.hashes]))
  const source = (level: number, position: number) => tiles.get(`${level}/${position}`)
  const rootOf = () => {
    let row = Array.from({ length: size }, (_, n) => leaves.subarray(n * 32, n * 32 + 32) as Uint8Array)
    // RFC 6962, section 2.1, by its own recursion: the left side is the largest power of two.
    const fold = (from: number, to: number): Uint8Array => {
      if (to - from === 1) return row[from]!
      const half = 2 ** (Math.ceil(Math.log2(to - from)) - 1)
      return sha256(Buffer.concat([Buffer.of(1), fold(from, from + half), fold(from + half, to)]))
    }
    const root = fold(0, size)
    row = []
    return root
  }
  const tree = `go.sum database tree\n${size}\n${Buffer.from(rootOf()).toString("base64")}\n`
  const body = `${id}\n${recordOf(id)}\n${signNote(tree, [signer])}`

  it("proves a record by its tree", () => {
    const lookup = parseLookup(body)
    expect(lookup).toMatchObject({ id, record: recordOf(id) })
    const head = readTree(lookup.note, signer)
    expect(head.size).toBe(size)
    expect(isInTree(lookup, head, source)).toBe(true)
    expect(checksumsOf(lookup.record, "mod.example/m300", "v1.0.0")).toEqual({ zip: h1("zip300"), mod: h1("mod300") })
    expect(checksumsOf(lookup.record, "mod.example/m30", "v1.0.0")).toBeUndefined()
    expect(checksumsOf(lookup.record, "mod.example/m300", "v1.0.1")).toBeUndefined()
  })

  it("proves nothing of another record, another place or another tree", () => {
    const lookup = parseLookup(body)
    const head = readTree(lookup.note, signer)
    expect(
      isInTree({ ...lookup, record: lookup.record.replace("zip", "zap").replace("h1:", "h1:A") }, head, source),
    ).toBe(false)
    expect(isInTree({ ...lookup, id: 301 }, head, source)).toBe(false)
    expect(isInTree({ ...lookup, id: size }, head, source)).toBe(false)
    expect(isInTree(lookup, { ...head, root: Buffer.alloc(32) }, source)).toBe(false)
    expect(() => isInTree(lookup, head, () => undefined)).toThrow(/no whole tile/)
  })

  it("is believed by its own key only", () => {
    const other = makeSigner("sum.example.org", generateKeyPairSync("ed25519").privateKey)
    const { note } = parseLookup(body)
    expect(() => readTree(note, other)).toThrow(/no known key/)
    expect(() => readTree(note.replace("70000", "70001"), signer)).toThrow(/not over this text/)
    expect(() => readTree(signNote("another text\n1\nAA==\n", [signer]), signer)).toThrow(ListingError)
  })

  it("has the tiles that a proof needs where a proxy passes them on", () => {
    const paths = tilesOfRecord(id, size).map(({ path }) => path)
    expect(paths).toContain("tile/8/0/001")
    expect(paths).toContain("tile/8/1/001.p/17")
    for (const path of paths)
      expect(readSumdbPath(`sum.example.org/${path}`)).toMatchObject({ operation: "tile", path })
    expect(tilesOfRecord(71_000_000, 71_688_409).map(({ path }) => path)).toContain("tile/8/0/x277/343")
  })

  it.each(["", "x", "1\n\nnote", `${id}\n${recordOf(id)}`, "99999999999999999\na\n\nb"])(
    "answers nothing with %j",
    (text) => {
      expect(() => parseLookup(text)).toThrow(ListingError)
    },
  )
})
