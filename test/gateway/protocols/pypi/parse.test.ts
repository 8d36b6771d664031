import fc from "fast-check"
import { describe, expect, it } from "vitest"
import { pypiProtocol } from "../../../../src/gateway/protocols/pypi/index.ts"
import { ListingError } from "../../../../src/gateway/types.ts"
import { reduceSimpleProject } from "../../../../src/packages/registries/pypi-document.ts"
import { file, PAGE, parseHtml, parseJson, SHA, SRI } from "./page.ts"

const { files, versions, source } = pypiProtocol

describe("a page in JSON", () => {
  it("names versions in its order, and of each the files with what was promised of them", () => {
    const project = parseJson([
      file("left_pad-1.0-py3-none-any.whl"),
      file("left-pad-1.0.tar.gz", { "core-metadata": true, hashes: { md5: "0".repeat(32), sha256: SHA } }),
      file("left_pad-2.0rc1.tar.gz", {
        url: "../../f/left_pad-2.0rc1.tar.gz#sha256=x",
        "core-metadata": false,
        size: "1",
      }),
    ])
    expect(versions(project)).toEqual(["1.0", "2.0rc1"])
    const type = { contentType: "application/octet-stream" }
    const at = "https://files.registry.example/packages/"
    const wheel = "left_pad-1.0-py3-none-any.whl"
    expect(files(project, "1.0", "")).toEqual([
      { file: wheel, url: at + wheel, integrity: [SRI], size: 1234, ...type },
      { file: `${wheel}.metadata`, url: `${at}${wheel}.metadata`, integrity: [SRI], ...type },
      { file: "left-pad-1.0.tar.gz", url: `${at}left-pad-1.0.tar.gz`, integrity: [SRI], size: 1234, ...type },
      { file: "left-pad-1.0.tar.gz.metadata", url: `${at}left-pad-1.0.tar.gz.metadata`, integrity: [], ...type },
    ])
    expect(files(project, "2.0rc1", "")).toEqual([
      {
        file: "left_pad-2.0rc1.tar.gz",
        url: "https://registry.example/f/left_pad-2.0rc1.tar.gz",
        integrity: [SRI],
        ...type,
      },
    ])
    expect(files(project, "3.0", "")).toEqual([])
    expect(pypiProtocol.tags(project)).toEqual({})
  })

  it("leaves out what nobody can decide about or fetch", () => {
    const project = parseJson([
      file("left_pad-1.0.tar.gz"),
      // The same name again, with other bytes.
      file("left_pad-1.0.tar.gz", { url: "https://evil.example/x", hashes: {} }),
      file("right_pad-1.0.tar.gz"),
      file("right_pad-1.0-py3-none-any.whl"),
      file("left_pad-2004d.tar.gz"),
      file("left_pad-1.1.tar.gz.asc"),
      file("left_pad-1.2.tar.gz", { url: "file:///etc/passwd" }),
      file("left_pad-1.3.tar.gz", { url: "https://user:secret@registry.example/x" }),
      file("left_pad-1.4.tar.gz", { url: "x".repeat(3000) }),
      file("left_pad-1.5.tar.gz", { url: 7 }),
      file("../left_pad-1.6.tar.gz"),
      file("left_pad-1.7\u202e.tar.gz"),
      null,
      "left_pad-1.8.tar.gz",
    ])
    expect(versions(project)).toEqual(["1.0"])
    expect(files(project, "1.0", "")[0]).toMatchObject({
      url: "https://files.registry.example/packages/left_pad-1.0.tar.gz",
    })
  })

  it("takes weak hashes only where there are no others, and none that is no digest", () => {
    const md5 = "0".repeat(32)
    const [weak, odd] = [{ md5 }, { sha256: "zz", blake2b: SHA, __proto__: { sha256: SHA } }].map((hashes) =>
      files(
        parseJson([file("left_pad-1.0.tar.gz", { hashes, "core-metadata": null, "dist-info-metadata": null })]),
        "1.0",
        "",
      ),
    )
    expect(weak![0]!.integrity).toEqual(["md5-AAAAAAAAAAAAAAAAAAAAAA=="])
    expect(odd![0]!.integrity).toEqual([])
  })

  it("is the page of the project that was asked for, in API 1", () => {
    for (const more of [{ name: "right-pad" }, { name: 7 }, { meta: { "api-version": "2.0" } }, { files: {} }])
      expect(() => parseJson([], more), JSON.stringify(more)).toThrow(ListingError)
    expect(versions(parseJson([], { name: "Left.Pad", meta: undefined }))).toEqual([])
    const parse = (text: string) => pypiProtocol.parse(Buffer.from(text), "left-pad", PAGE)
    for (const text of ["", "{", "[]", "7", "not found", "{}", '{"name":"left-pad"}'])
      expect(() => parse(text), text).toThrow(ListingError)
  })

  it("has no more files than anybody has", () => {
    expect(() => parseJson(Array(100_001).fill(0))).toThrow(/more than 100000 files/)
    expect(() => parseHtml(`<a href=x>`.repeat(100_001))).toThrow(/more than 100000 files/)
  })
})

describe("a page in HTML", () => {
  it("says the same in attributes", () => {
    const project = parseHtml(`<!DOCTYPE html><html><head><title>Links for left-pad</title></head><body>
      <!-- <a href="left_pad-6.0.tar.gz">left_pad-6.0.tar.gz</a> -->
      <a href="/f/left_pad-1.0-py3-none-any.whl#sha256=${SHA}" data-requires-python="&gt;=3.8&#44;&#x3c;4"
         data-dist-info-metadata="sha256=${SHA}">left_pad-1.0-py3-none-any.whl</a><br>
      <A HREF='left_pad-2.0.tar.gz#egg=left-pad&amp;sha256=${SHA.toUpperCase()}' DATA-YANKED>left_pad-2.0.tar.gz</A>
      <a data-core-metadata=true href=https://other.example/left_pad-3.0%2Blocal.tar.gz?a=1&amp;b=2 rel=x>y</a>
      <a name="top">no address</a><abbr href="left_pad-7.0.tar.gz">no anchor</abbr>
    </body></html>`)
    expect(project.files).toMatchObject([
      { version: "1.0", url: "https://registry.example/f/left_pad-1.0-py3-none-any.whl", requiresPython: ">=3.8,<4" },
      { version: "2.0", url: `${PAGE}left_pad-2.0.tar.gz`, yanked: true, hashes: [{ algorithm: "sha256", hex: SHA }] },
      {
        version: "3.0+local",
        url: "https://other.example/left_pad-3.0%2Blocal.tar.gz?a=1&b=2",
        metadata: true,
        hashes: [],
      },
    ])
    expect(project.files[0]!.metadata).toEqual({ algorithm: "sha256", hex: SHA })
    expect(project.files.map((one) => one.yanked)).toEqual([false, true, false])
  })

  it("resolves against its first base", () => {
    const html = '<base href="/a/"><base href="/b/"><a href="left_pad-1.0.tar.gz">x</a>'
    expect(parseHtml(html).files[0]!.url).toBe("https://registry.example/a/left_pad-1.0.tar.gz")
  })

  it("reads what is broken as far as it goes, in time that grows with the text alone", () => {
    expect(parseHtml('<a href="left_pad-1.0.tar.gz').files).toEqual([])
    expect(parseHtml('<a href="left_pad-1.0.tar.gz"<a href="left_pad-2.0.tar.gz">').files).toHaveLength(1)
    expect(
      parseHtml("<a href=javascript:alert(1)><a href='http://['><a href=%ff><a href=left_pad-1.0.tar.gz>").files,
    ).toHaveLength(1)
    for (const piece of ["<a ", "<", "<a x=", '<a x="', "<!--", "<a x='\"", "&#", "<a\n/", "<base ", "<a x=y"])
      parseHtml(`<${piece.repeat(200_000)}`)
  })
})

describe("any page", () => {
  it("is read or refused, and nothing in it gets past its own grammar", () => {
    const text = fc.oneof(
      fc.string(),
      fc.constantFrom("left_pad-1.0.tar.gz", "https://a.example/b", `sha256=${SHA}`, "\r\nx: y", '"><a'),
    )
    const any = fc.oneof(fc.jsonValue({ maxDepth: 2 }), text, fc.record({ sha256: text }))
    const keys = ["filename", "url", "hashes", "yanked", "size", "upload-time", "requires-python", "core-metadata"]
    const entry = fc.record(Object.fromEntries(keys.map((key) => [key, any])), { requiredKeys: [] })
    const listed = entry.map((one) => ({ ...one, filename: "left_pad-1.0.tar.gz", url: "x" }))
    fc.assert(
      fc.property(fc.array(fc.oneof(entry, listed, any), { maxLength: 5 }), (list) => {
        for (const one of parseJson(list).files) {
          expect(one.url).toMatch(/^https?:\/\/[^\s<>"]+$/)
          expect(one.requiresPython ?? "").toMatch(/^[A-Za-z0-9.*+!_=<>~, -]*$/)
          expect(one.uploaded ?? "").toMatch(/^[0-9TZ:.-]*$/)
        }
      }),
    )
    const piece = fc.constantFrom(
      "<a ",
      "href=",
      "'",
      '"',
      ">",
      "left_pad-1.0.tar.gz",
      "data-yanked",
      "&lt;",
      "&#0;",
      "<!--",
      "-->",
      " ",
      "/",
      "#sha256=",
    )
    fc.assert(fc.property(fc.array(piece, { maxLength: 40 }), (pieces) => void parseHtml(`<${pieces.join("")}`)))
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 100 }), (bytes) => {
        try {
          pypiProtocol.parse(Buffer.from(bytes), "left-pad", PAGE)
        } catch (error) {
          expect(error).toBeInstanceOf(ListingError)
        }
      }),
    )
  })

  it("says the same to decisions as the registry's own reader finds in it", () => {
    const time = fc.constantFrom("2023-05-22T15:12:42.313790Z", "2024-01-01T00:00:00+02:00", undefined)
    const name = fc.constantFrom(
      "left_pad-1.0-py3-none-any.whl",
      "left-pad-1.0.tar.gz",
      "left_pad-2.0-rc1.zip",
      "left_pad-3.0.tar.gz",
      "x-1.0.tar.gz",
    )
    const one = fc.record({
      time,
      yanked: fc.constantFrom(true, false, "why"),
      provenance: fc.constantFrom(null, "https://a.example/p", undefined),
    })
    const entries = fc.uniqueArray(fc.tuple(name, one), { selector: ([filename]) => filename })
    const status = fc.constantFrom({}, { "project-status": { status: "archived" } })
    fc.assert(
      fc.property(entries, status, (list, more) => {
        const listed = list.map(([filename, { time, yanked, provenance }]) =>
          file(filename, { "upload-time": time, yanked, provenance }),
        )
        const project = parseJson(listed, more)
        const body = Buffer.from(JSON.stringify({ name: "left-pad", files: listed, ...more }))
        expect(pypiProtocol.facts!(project, 7)).toEqual(reduceSimpleProject(body, "left-pad", 7))
        expect(new Set(versions(project))).toEqual(new Set(pypiProtocol.facts!(project, 7).releases.keys()))
      }),
    )
  })

  it("has addresses as the parser of addresses writes them", () => {
    const piece = fc.constantFrom(
      "https://",
      "http://",
      "files",
      ".",
      "example",
      "/",
      "a",
      "..",
      "%2e",
      "left_pad-1.0.tar.gz",
      "//",
      "@",
      ":443",
      "1",
      "-",
      "A",
    )
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 9 }), (pieces) => {
        const url = pieces.join("")
        const [one] = parseJson([file("left_pad-1.0.tar.gz", { url })]).files
        if (one !== undefined) expect(one.url).toBe(URL.parse(url, PAGE)!.href)
      }),
      { numRuns: 2000 },
    )
  })

  it("lies right below its index", () => {
    expect(source("left-pad", "https://registry.example/pypi/local").url).toBe(
      "https://registry.example/pypi/local/simple/left-pad/",
    )
    expect(source("left-pad", "https://registry.example/root/+simple").url).toBe(
      "https://registry.example/root/+simple/left-pad/",
    )
  })
})
