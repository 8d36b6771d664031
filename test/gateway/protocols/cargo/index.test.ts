import fc from "fast-check"
import { describe, expect, it } from "vitest"
import { cargoProtocol as cargo, readDownloadTemplate } from "../../../../src/gateway/protocols/cargo/index.ts"
import { ListingError } from "../../../../src/gateway/types.ts"
import { planWith } from "../plan.ts"

const base = "https://index.registry.example"
const cksum = "ab".repeat(32)
const lineOf = (vers: string, more: object = {}) =>
  JSON.stringify({ name: "Left", vers, deps: [], cksum, features: {}, yanked: false, ...more })
const bodyOf = (...lines: string[]) => Buffer.from(lines.map((line) => `${line}\n`).join(""))
const parse = (...lines: string[]) => cargo.parse(bodyOf(...lines), "left", `${base}/le/ft/left`)
const listing = { kind: "listing", name: "left", form: "" } as const
const render = (document: ReturnType<typeof parse>, held: Parameters<typeof planWith>[0]) =>
  String(cargo.render(document, listing, planWith(held)).body)

describe("a crate's index file", () => {
  it("lies where cargo looks for it", () => {
    expect(cargo.source("left", base).url).toBe(`${base}/le/ft/left`)
    expect(cargo.source("A", base).url).toBe(`${base}/1/a`)
    expect(cargo.prepare?.(base).url).toBe(`${base}/config.json`)
  })

  it("lists versions and knows the name as the registry spells it", () => {
    const document = parse(lineOf("1.0.0"), lineOf("1.1.0", { yanked: true }), lineOf("2.0.0-rc.1+meta"))
    expect(cargo.versions(document)).toEqual(["1.0.0", "1.1.0", "2.0.0-rc.1+meta"])
    expect(cargo.nameOf?.(document)).toBe("Left")
    expect(cargo.tags(document)).toEqual({})
  })

  it("passes served versions on byte by byte, however they are spelled", () => {
    const odd = `{ "v":2, "features2":{"x":["dep:y"]},"name":"Left","vers":"1.0.0" ,"cksum":"${cksum}","links":null,"deps":[],"n":1e400}`
    const document = parse(odd, lineOf("1.1.0"))
    expect(render(document, {})).toBe(`${odd}\n${lineOf("1.1.0")}\n`)
  })

  it("never refuses the file itself: cargo reads it for crates that it will not build", () => {
    expect(cargo.refusesListing).toBe(false)
  })

  it("marks listed versions as yanked and leaves withheld ones out", () => {
    const deps = [
      { name: "d", req: "^1", features: [], optional: false, default_features: true, target: null, kind: "normal" },
    ]
    const document = parse(lineOf("1.0.0"), lineOf("1.1.0", { deps, v: 2 }), lineOf("1.2.0"))
    const lines = render(document, { "1.1.0": "listed", "1.2.0": "withheld" }).split("\n")
    expect(lines[0]).toBe(lineOf("1.0.0"))
    expect(JSON.parse(lines[1]!)).toEqual({ ...JSON.parse(lineOf("1.1.0", { deps, v: 2 })), yanked: true })
    expect(lines.slice(2)).toEqual([""])
  })

  it("leaves a listed version as it is where ranges have a newer one of its line", () => {
    const versions = ["1.0.0", "1.0.1", "1.0.2", "1.1.0", "0.1.0", "0.2.0"]
    const document = parse(...versions.map((version) => lineOf(version)))
    const yankedIn = (held: Parameters<typeof planWith>[0], of = document) =>
      render(of, held)
        .split("\n")
        .filter(Boolean)
        .map((line) => JSON.parse(line))
        .filter(({ yanked }) => yanked)
        .map(({ vers }) => vers)
    expect(yankedIn({ "1.0.1": "listed" })).toEqual([])
    expect(yankedIn({ "1.0.1": "listed", "1.0.2": "listed" })).toEqual(["1.0.1", "1.0.2"])
    expect(yankedIn({ "1.0.1": "listed", "1.0.2": "withheld" })).toEqual(["1.0.1"])
    expect(yankedIn({ "1.1.0": "listed", "0.1.0": "listed" })).toEqual(["1.1.0", "0.1.0"])
    // Nothing to take instead: the crate itself is asked for, and its refusal has the reason.
    const all = Object.fromEntries(versions.map((version) => [version, "listed" as const]))
    expect(yankedIn(all)).toEqual([])
    // What is yanked, a pre-release, or wants another Rust may be passed over: then the range would take the refused one.
    const other = lineOf("0.1.0")
    for (const top of [
      lineOf("1.0.2", { yanked: true }),
      lineOf("1.0.2-rc.1"),
      lineOf("1.0.2", { rust_version: "1.90" }),
    ]) {
      expect(yankedIn({ "1.0.1": "listed" }, parse(other, lineOf("1.0.1"), top))).toContain("1.0.1")
    }
  })

  it("takes the last of two lines for one version, and tells apart what build metadata tells apart", () => {
    const document = parse(lineOf("1.0.0+a"), lineOf("1.0.0+b"), lineOf("1.0.0+a", { cksum: "cd".repeat(32) }))
    expect(cargo.versions(document)).toEqual(["1.0.0+a", "1.0.0+b"])
    expect(render(document, { "1.0.0+b": "withheld" })).toBe(`${lineOf("1.0.0+a", { cksum: "cd".repeat(32) })}\n`)
  })

  it("passes over what cargo could not install, and shows none of it", () => {
    const document = parse(
      lineOf("1.0.0"),
      lineOf("not-a-version"),
      lineOf("1.1.0", { cksum: "short" }),
      lineOf("1.2.0\u202e"),
      JSON.stringify({ future: true }),
      "",
      "[]",
    )
    expect(cargo.versions(document)).toEqual(["1.0.0"])
    expect(render(document, {})).toBe(`${lineOf("1.0.0")}\n`)
  })

  it.each([
    ["no JSON", ["{"]],
    ["an HTML page", ["<html></html>"]],
    ["another crate's line", [lineOf("1.0.0"), lineOf("1.1.0", { name: "right" })]],
    ["two spellings", [lineOf("1.0.0"), lineOf("1.1.0", { name: "left" })]],
    ["nothing", []],
    ["deep nesting", [`${"[".repeat(100)}${"]".repeat(100)}`]],
  ])("is none with %s", (_what, lines) => {
    expect(() => parse(...lines)).toThrow(ListingError)
  })

  it("never shows a version that is held back, and never throws anything but ListingError", () => {
    const line = fc.oneof(
      fc.constantFrom("1.0.0", "1.1.0", "1.2.0").map((version) => lineOf(version)),
      fc.json().map((text) => text.replaceAll("\n", " ")),
      fc.string().map((text) => text.replaceAll("\n", " ")),
      fc
        .record({ name: fc.constant("Left"), vers: fc.string(), cksum: fc.anything(), yanked: fc.anything() })
        .map((entry) => {
          return JSON.stringify(entry) as string
        }),
    )
    fc.assert(
      fc.property(fc.array(line, { maxLength: 6 }), (lines) => {
        let document: ReturnType<typeof parse>
        try {
          document = parse(...lines)
        } catch (error) {
          expect(error).toBeInstanceOf(ListingError)
          return
        }
        const shown = render(document, { "1.1.0": "withheld", "1.2.0": "listed" })
          .split("\n")
          .filter(Boolean)
          .map((text) => JSON.parse(text))
        for (const entry of shown) {
          expect(entry.vers).not.toBe("1.1.0")
          if (entry.vers === "1.2.0" && cargo.versions(document).includes("1.0.0")) expect(entry.yanked).toBe(true)
        }
        expect(shown.length).toBe(cargo.versions(document).filter((version) => version !== "1.1.0").length)
      }),
      { numRuns: 500 },
    )
  })
})

describe("a crate's file", () => {
  const configOf = (dl: unknown) => Buffer.from(JSON.stringify({ dl, api: base }))
  const document = parse(lineOf("1.0.0+m"))
  const urlWith = (dl: unknown) => cargo.files(document, "1.0.0+m", base, configOf(dl))[0]?.url

  it("lies where the upstream's config.json says", () => {
    expect(urlWith("https://crates.registry.example/api")).toBe(
      "https://crates.registry.example/api/Left/1.0.0%2Bm/download",
    )
    expect(urlWith("https://c.example/{prefix}/{lowerprefix}/{crate}-{version}.crate")).toBe(
      "https://c.example/Le/ft/le/ft/Left-1.0.0%2Bm.crate",
    )
    expect(urlWith("https://c.example/{sha256-checksum}")).toBe(`https://c.example/${cksum}`)
  })

  it("comes with the hash that the index promises", () => {
    expect(cargo.files(document, "1.0.0+m", base, configOf("https://c.example"))).toEqual([
      {
        file: "left-1.0.0+m.crate",
        url: "https://c.example/Left/1.0.0%2Bm/download",
        integrity: [`sha256-${Buffer.from(cksum, "hex").toString("base64")}`],
        contentType: "application/octet-stream",
      },
    ])
    expect(cargo.files(document, "9.9.9", base, configOf("https://c.example"))).toEqual([])
  })

  it.each([undefined, "", 5, "not an address", "\u0007", "x".repeat(3000)])("is nowhere by a dl of %j", (dl) => {
    expect(() => urlWith(dl)).toThrow(ListingError)
  })

  it("is nowhere without a config.json, or with one that is none", () => {
    expect(() => cargo.files(document, "1.0.0+m", base)).toThrow(ListingError)
    expect(() => readDownloadTemplate(Buffer.from("null"))).toThrow(ListingError)
    expect(() => readDownloadTemplate(Buffer.from("{".repeat(99)))).toThrow(ListingError)
    expect(() => readDownloadTemplate(Buffer.alloc(100_000, " "))).toThrow(ListingError)
  })
})

describe("our own config.json", () => {
  it("sends cargo to our crates and names no API", () => {
    const answer = cargo.answerService?.({ kind: "service", service: "config" }, "http://127.0.0.1:1/cargo")
    expect(JSON.parse(String(answer?.body))).toEqual({
      dl: "http://127.0.0.1:1/cargo/crates/{crate}/{version}/download",
    })
    expect(cargo.answerService?.({ kind: "service", service: "other" }, "http://127.0.0.1:1/cargo")).toBeUndefined()
  })
})
