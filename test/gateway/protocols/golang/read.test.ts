import fc from "fast-check"
import { describe, expect, it } from "vitest"
import {
  escapeCase,
  isModulePath,
  isModuleVersion,
  unescapeCase,
} from "../../../../src/gateway/protocols/golang/names.ts"
import { readGolang } from "../../../../src/gateway/protocols/golang/read.ts"

const read = (path: string, method = "GET") => readGolang({ method, path, query: "", accept: "*/*" })

describe("requests of go", () => {
  it.each([
    ["/golang.org/x/text/@v/list", { kind: "listing", name: "golang.org/x/text", form: "" }],
    ["/github.com/!azure/azure-sdk/@v/list", { kind: "listing", name: "github.com/Azure/azure-sdk", form: "" }],
    // As go sends it: net/url escapes the exclamation mark.
    ["/github.com/%21azure/azure-sdk/@v/list", { kind: "listing", name: "github.com/Azure/azure-sdk", form: "" }],
    ["/golang.org/x/text/@latest", { kind: "release", name: "golang.org/x/text", version: "latest", form: "latest" }],
    [
      "/golang.org/x/text/@v/master.info",
      { kind: "release", name: "golang.org/x/text", version: "master", form: "revision" },
    ],
    ["/mod.example/a/@v/!head.info", { kind: "release", name: "mod.example/a", version: "Head", form: "revision" }],
    // Not a version of a module without a suffix: the proxy makes v2.0.0+incompatible of it.
    ["/mod.example/a/@v/v2.0.0.info", { kind: "release", name: "mod.example/a", version: "v2.0.0", form: "revision" }],
  ])("%s", (path, request) => {
    expect(read(path)).toEqual(request)
    expect(read(path, "HEAD")).toEqual(request)
    expect(read(path, "POST")).toBeUndefined()
  })

  it.each([
    ["/golang.org/x/text/@v/v0.3.0.zip", "golang.org/x/text", "v0.3.0", "zip"],
    ["/golang.org/x/text/@v/v0.3.0.mod", "golang.org/x/text", "v0.3.0", "mod"],
    ["/golang.org/x/text/@v/v0.3.0.info", "golang.org/x/text", "v0.3.0", "info"],
    ["/mod.example/a/v2/@v/v2.1.0.zip", "mod.example/a/v2", "v2.1.0", "zip"],
    ["/mod.example/a/@v/v2.0.0+incompatible.zip", "mod.example/a", "v2.0.0+incompatible", "zip"],
    ["/mod.example/a/@v/v2.0.0%2Bincompatible.zip", "mod.example/a", "v2.0.0+incompatible", "zip"],
    ["/mod.example/yaml.v3/@v/v3.0.1.zip", "mod.example/yaml.v3", "v3.0.1", "zip"],
    ["/mod.example/a/@v/v1.0.0-!r!c1.mod", "mod.example/a", "v1.0.0-RC1", "mod"],
    [
      "/mod.example/a/@v/v0.0.0-20191109021931-daa7c04131f5.zip",
      "mod.example/a",
      "v0.0.0-20191109021931-daa7c04131f5",
      "zip",
    ],
    [
      "/golang.org/toolchain/@v/v0.0.1-go1.26.0.linux-amd64.zip",
      "golang.org/toolchain",
      "v0.0.1-go1.26.0.linux-amd64",
      "zip",
    ],
  ])("%s is a file of a version", (path, name, version, extension) => {
    expect(read(path)).toEqual({ kind: "artifact", name, version, file: `${version}.${extension}` })
  })

  it.each([
    "/sum.example.org/lookup/mod.example/a@v1.0.0",
    "/sumdb/sum.example.org/supported",
    "/sumdb/sum.example.org/latest",
    "/sumdb/sum.example.org/lookup/github.com/!azure/a@v1.0.0",
    "/sumdb/sum.example.org/lookup/mod.example/a@v2.0.0+incompatible",
    "/sumdb/sum.example.org/tile/8/0/x001/x234/067",
    "/sumdb/sum.example.org/tile/8/data/x001/234.p/17",
    "/sumdb/sum.example.org/path/tile/8/1/000.p/255",
  ])("%s", (path) => {
    const rest = path.replace(/^\/sumdb\//, "")
    expect(read(path)).toEqual(path.startsWith("/sumdb/") ? { kind: "service", service: "sumdb", rest } : undefined)
  })

  it.each([
    "/",
    "/@v/list",
    "/golang.org/x/text/@v/",
    "/golang.org/x/text/@v/list/",
    "/golang.org/x/text/@v/v0.3.0.exe",
    "/golang.org/x/text/@v/.info",
    "/golang.org/x/text/@v/v0.3.0.zip.info/x",
    "/golang.org/x/text/@v/v0.3.zip",
    "/golang.org/x/text/@v/v0.3.0+meta.zip",
    "/golang.org/x/text/@v/master.zip",
    "/golang.org/x/text/@v/v2.0.0.zip",
    "/mod.example/a/v2/@v/v1.0.0.zip",
    "/mod.example/a/v2/@v/v2.0.0+incompatible.zip",
    "/golang.org/x/../x/text/@v/list",
    "/golang.org//x/@v/list",
    "/golang.org/x%2ftext/@v/list",
    "/golang.org/x/%2e%2e/@v/list",
    "/github.com/Azure/a/@v/list",
    "/github.com/!Azure/a/@v/list",
    "/github.com/!/a/@v/list",
    "/github.com/!!a/@v/list",
    "/text/@v/list",
    "/Golang.org/@v/list",
    "/-a.org/@v/list",
    "/mod.example/.hidden/@v/list",
    "/mod.example/trailing./@v/list",
    "/mod.example/con/@v/list",
    "/mod.example/a/aux.go/@v/list",
    "/mod.example/exampl~1/@v/list",
    "/mod.example/a/v1/@v/list",
    "/mod.example/a/v02/@v/list",
    "/mod.example/a/v2.1/@v/list",
    "/mod.example/a b/@v/list",
    "/mod.example/a%00/@v/list",
    "/mod.example/%C3%A4/@v/list",
    "/sumdb/",
    "/sumdb/sum.example.org",
    "/sumdb/localhost/supported",
    "/sumdb/127.0.0.1:80/supported",
    "/sumdb/sum.example.org/other",
    "/sumdb/sum.example.org/supported/x",
    "/sumdb/sum.example.org/lookup/mod.example/a",
    "/sumdb/sum.example.org/lookup/mod.example/A@v1.0.0",
    "/sumdb/sum.example.org/lookup/../latest",
    "/sumdb/sum.example.org/tile/8/0/1",
    "/sumdb/sum.example.org/tile/31/0/000/extra",
    "/sumdb/sum.example.org/tile/0/0/000",
    "/sumdb/sum.example.org/tile/8/0/000.p/256",
    "/sumdb/sum.example.org/tile/8/0/000.p/0",
    `/mod.example/${"a/".repeat(300)}@v/list`,
  ])("knows nothing of %j", (path) => {
    expect(read(path)).toBeUndefined()
  })

  it("gives only paths and versions that its own addresses are made of, whatever comes", () => {
    const word = fc.oneof(
      fc.constantFrom(
        "golang.org",
        "x",
        "text",
        "@v",
        "@latest",
        "list",
        "v1.0.0.zip",
        "v1.0.0.info",
        "..",
        "%2e%2e",
        "!a",
        "sumdb",
        "v2",
        "",
      ),
      fc.string({ maxLength: 8 }),
    )
    fc.assert(
      fc.property(fc.array(word, { maxLength: 7 }), (words) => {
        const request = read(`/${words.join("/")}`)
        if (request === undefined || request.kind === "unsupported") return
        if (request.kind === "service") {
          expect(request.rest).toMatch(/^[a-z0-9][A-Za-z0-9._~!@+/-]+$/)
          return
        }
        expect(isModulePath(request.name)).toBe(true)
        if (request.kind === "artifact") expect(isModuleVersion(request.name, request.version)).toBe(true)
      }),
      { numRuns: 2000 },
    )
  })
})

describe("case in paths", () => {
  it("has one spelling each way", () => {
    fc.assert(
      fc.property(fc.stringMatching(/^[A-Za-z0-9._~/!-]{0,20}$/), (text) => {
        const plain = unescapeCase(text)
        if (plain !== undefined) expect(escapeCase(plain)).toBe(text)
        if (!text.includes("!")) expect(unescapeCase(escapeCase(text))).toBe(text)
      }),
    )
  })
})
