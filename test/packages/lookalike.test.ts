import { readFileSync } from "node:fs"
import fc from "fast-check"
import { describe, expect, it } from "vitest"
import { lookalikeOf } from "../../src/packages/lookalike.ts"
import { buildNameIndex, decodeNameIndex, encodeNameIndex } from "../../src/packages/nameIndex.ts"
import { hashBytes, hashText, squashKey } from "../../src/packages/nameKeys.ts"
import { isKnownName, loadPopular, nameAt } from "../../src/packages/popular.ts"
import { editDistance, findEdit, foldName, squashName } from "../../src/packages/similarity.ts"
import { findId, sortTable } from "../../src/packages/sortedTable.ts"
import type { Ecosystem } from "../../src/policy/types.ts"

describe("names that were used in attacks, or could be", () => {
  it.each<[Ecosystem, string, string, string]>([
    ["npm", "crossenv", "cross-env", "other separators"],
    ["npm", "cross-env.js", "cross-env", "a language word added or changed"],
    ["npm", "nodemailer-js", "nodemailer", "a language word added or changed"],
    ["npm", "electorn", "electron", "one character swapped"],
    ["npm", "axois", "axios", "one character swapped"],
    ["npm", "lodahs", "lodash", "one character swapped"],
    ["npm", "mongose", "mongoose", "one character left out"],
    ["npm", "expresss", "express", "one character added"],
    ["npm", "loadash", "lodash", "one character added"],
    ["npm", "l0dash", "lodash", "characters that look alike"],
    ["npm", "rnoment", "moment", "characters that look alike"],
    ["npm", "rеact", "react", "characters that look alike"],
    ["npm", "Express", "express", "upper and lower case"],
    ["npm", "types-node", "@types/node", "other separators"],
    ["npm", "@typse/node", "@types/node", "an owner with one character swapped"],
    ["npm", "@bable/core", "@babel/core", "an owner with one character swapped"],
    ["npm", "@faker.js/faker", "@faker-js/faker", "an owner that looks alike"],
    ["npm", "colornormalize", "color-normalize", "other separators"],
    ["npm", "hook-form-react", "react-hook-form", "the same words in another order"],
    ["pypi", "python3-dateutil", "python-dateutil", "a language word added or changed"],
    ["pypi", "dateutil-python", "python-dateutil", "the same words in another order"],
    ["pypi", "pythondateutil", "python-dateutil", "other separators"],
    ["pypi", "jeilyfish", "jellyfish", "one character replaced"],
    ["pypi", "coloramma", "colorama", "one character added"],
    ["pypi", "requessts", "requests", "one character added"],
    ["pypi", "requesxts", "requests", "one character added"],
    ["pypi", "huggingfaces-hub", "huggingface-hub", "one character added"],
    ["pypi", "importlib-resource", "importlib-resources", "one character left out"],
    ["pypi", "colouramas", "colorama", "two characters differ"],
    ["cargo", "rustdecimal", "rust_decimal", "other separators"],
    ["golang", "github.com/boltdb-go/bolt", "github.com/boltdb/bolt", "an owner with a word added"],
    [
      "golang",
      "github.com/shopsprint/decimal",
      "github.com/shopspring/decimal",
      "an owner with one character replaced",
    ],
  ])("%s %s passes for %s", (ecosystem, name, of, how) => {
    expect(lookalikeOf(ecosystem, name)).toEqual({ of, how })
  })
})

it("finds as many of the reported attacks as docs/lookalikes.md says", () => {
  const lines = readFileSync("test/fixtures/names/attacks.tsv", "utf8").trimEnd().split("\n")
  const attacks = lines.map((line) => line.split("\t") as [Ecosystem, string, string])
  const found = (wanted: Ecosystem) => {
    const mine = attacks.filter(([ecosystem]) => ecosystem === wanted)
    return [mine.filter(([, name]) => lookalikeOf(wanted, name)).length, mine.length]
  }
  expect({ npm: found("npm"), pypi: found("pypi") }).toEqual({ npm: [33, 49], pypi: [76, 110] })
})

describe("honest neighbours", () => {
  it.each<[Ecosystem, string[]]>([
    [
      "npm",
      ["react", "preact", "react-dom", "react-dnd", "color", "colors", "chalk", "vite", "vitest", "jest", "nest"],
    ],
    ["npm", ["lodash.chunk", "lodash.not-popular", "babel-core", "@babel/core", "@acme/react", "@types/not-popular"]],
    ["npm", ["es5-ext", "es6-ext", "react-router5", "d3-zoomy", "is-nap", "socks", "nanoguard", "chalks"]],
    [
      "pypi",
      ["requests", "requests-oauthlib", "boto", "boto3", "python-dateutil", "dateutil", "socks", "attrs", "attr"],
    ],
    ["cargo", ["serde", "serde_json", "rand", "rand_core", "tokio", "mio"]],
    ["golang", ["github.com/go-chi/chi/v5", "github.com/someone/bolt", "github.com/aws/aws-sdk-go-v2/service/s3"]],
  ])("%s %j", (ecosystem, names) => {
    expect(names.filter((name) => lookalikeOf(ecosystem, name) !== null)).toEqual([])
  })

  it("none of this project's own dependencies", () => {
    const lock = JSON.parse(readFileSync("package-lock.json", "utf8")) as { packages: Record<string, unknown> }
    const names = Object.keys(lock.packages).map((path) => path.slice(path.lastIndexOf("node_modules/") + 13))
    expect(names.length).toBeGreaterThan(100)
    expect(names.filter((name) => lookalikeOf("npm", name))).toEqual([])
  })

  it("none of the well-known names themselves", () => {
    for (const ecosystem of ["npm", "pypi", "cargo", "golang"] as const) {
      const names = loadPopular(ecosystem)!
      const all = Array.from({ length: names.starts.length - 1 }, (_, id) => nameAt(names, id))
      expect(all.filter((name) => lookalikeOf(ecosystem, name) !== null)).toEqual([])
      expect(new Set(all).size).toBe(all.length)
      expect(all.length).toBeGreaterThan(500)
      expect(all.every((name) => /^[\x21-\x7e]+$/.test(name))).toBe(true)
    }
  })
})

describe("any string", () => {
  const names = fc.oneof(
    fc.string(),
    fc.string({ unit: "binary", maxLength: 400 }),
    fc.constantFrom("__proto__", "constructor", "", "@", "@/", "/", "-", "--", "@a", "​", "a".repeat(1e6)),
  )

  it("has an answer", () => {
    fc.assert(
      fc.property(fc.constantFrom<Ecosystem>("npm", "pypi", "cargo", "golang"), names, (ecosystem, name) => {
        const found = lookalikeOf(ecosystem, name)
        if (found !== null) expect(isKnownName(loadPopular(ecosystem)!, found!.of)).toBe(true)
      }),
    )
  })

  it("is not mistaken for the ecosystem's list where there is none", () => {
    expect(lookalikeOf("maven" as Ecosystem, "junit")).toBeUndefined()
  })
})

describe("the measures", () => {
  const word = fc.string({ unit: fc.constantFrom(..."abcd-"), maxLength: 8 })

  it("findEdit agrees with the distance of the textbook", () => {
    fc.assert(
      fc.property(word, word, (a, b) => {
        expect(findEdit(a, b) !== undefined).toBe(textbookDistance(a, b) === 1)
        expect(editDistance(a, b, 2)).toBe(Math.min(textbookDistance(a, b), 3))
      }),
      { numRuns: 2000 },
    )
  })

  it("squashKey is the same where squashed, folded names are", () => {
    const name = fc.string({ unit: fc.constantFrom(..."rnmvw01ol-_.@/RN"), maxLength: 8 })
    const keyOf = (text: string) => squashKey(Buffer.from(text), 0, text.length)
    fc.assert(
      fc.property(name, (text) => {
        expect(keyOf(text)).toBe(keyOf(foldName(squashName(text))))
      }),
    )
  })

  it("hashText and hashBytes agree", () => {
    fc.assert(
      fc.property(fc.string(), (text) => {
        const bytes = Buffer.from(text, "latin1")
        expect(hashText(text)).toBe(hashBytes(bytes, 0, bytes.length))
      }),
    )
  })

  it("an index is the same after it was written and read", () => {
    const list = Buffer.from("react\nreact-dom\n@types/node\nlodash\n")
    const index = buildNameIndex("npm", list)
    const file = encodeNameIndex(index)
    expect(decodeNameIndex("npm", file)).toEqual(index)
    expect(decodeNameIndex("npm", file.subarray(0, 40))).toBeUndefined()
    expect(decodeNameIndex("npm", Buffer.alloc(400))).toBeUndefined()
  })

  it("a table finds everything under its key, lower ids first", () => {
    const keys = fc.array(fc.integer({ min: -3, max: 3 }), { maxLength: 40 })
    fc.assert(
      fc.property(keys, (list) => {
        const table = sortTable(list.map((key, id) => [key, id]))
        for (let key = -3; key <= 3; key++) {
          const seen: number[] = []
          expect(findId(table, key, (id) => seen.push(id) < 0)).toBe(-1)
          expect(seen).toEqual(list.flatMap((other, id) => (other === key ? [id] : [])))
        }
      }),
    )
  })
})

/** Optimal string alignment, the full table without any short cut. */
function textbookDistance(a: string, b: string): number {
  const d = Array.from({ length: a.length + 1 }, (_, i) =>
    Array.from({ length: b.length + 1 }, (_, j) => (i === 0 ? j : j === 0 ? i : 0)),
  )
  for (let i = 1; i <= a.length; i++) {
    for (let j = 1; j <= b.length; j++) {
      const cost = a[i - 1] === b[j - 1] ? 0 : 1
      d[i]![j] = Math.min(d[i - 1]![j]! + 1, d[i]![j - 1]! + 1, d[i - 1]![j - 1]! + cost)
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1])
        d[i]![j] = Math.min(d[i]![j]!, d[i - 2]![j - 2]! + 1)
    }
  }
  return d[a.length]![b.length]!
}
