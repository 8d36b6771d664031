// The name that is decided is the name that is fetched: however an address is spelled, what a protocol reads out of it has one
// spelling, stays below the upstream's base, and is refused or served as that.
import fc from "fast-check"
import { describe, expect, it } from "vitest"
import { PROTOCOLS } from "../../src/gateway/protocols/index.ts"
import { readTarget } from "../../src/gateway/target.ts"
import type { FrontRequest } from "../../src/gateway/types.ts"
import { parsePurl, purlOf } from "../../src/packages/purl.ts"
import type { Ecosystem } from "../../src/policy/types.ts"

const BASE = "https://registry.example/root/of/it"
const ADDRESSES: Readonly<Record<Ecosystem, readonly string[]>> = {
  npm: [
    "/evil",
    "/@acme%2fevil",
    "/evil/1.0.0",
    "/evil/-/evil-1.0.0.tgz",
    "/@acme/evil/-/evil-1.0.0.tgz",
    "/-/blocked/a/b/evil/1.0.0/evil-1.0.0.tgz",
    "/-/package/evil/dist-tags",
    "/-/npm/v1/attestations/evil@1.0.0",
  ],
  pypi: [
    "/simple/evil-lib/",
    "/simple/Evil_Lib/",
    "/files/evil-lib/evil_lib-1.0.tar.gz",
    "/files/evil-lib/evil_lib-1.0-py3-none-any.whl.metadata",
    "/-/blocked/a/b/evil-lib/1.0/evil_lib-1.0.tar.gz",
  ],
  cargo: [
    "/index/ev/il/evil_lib",
    "/index/config.json",
    "/crates/evil_lib/1.0.0/download",
    "/-/blocked/a/b/evil_lib/1.0.0/evil_lib-1.0.0.crate",
  ],
  golang: [
    "/registry.example/!evil/@v/list",
    "/registry.example/evil/@v/v1.0.0.zip",
    "/registry.example/evil/@latest",
    "/sumdb/sum.golang.example/lookup/registry.example/evil@v1.0.0",
  ],
}
/** What attackers put into an address. */
const TRICKS = [
  "/",
  "//",
  ".",
  "..",
  "/../",
  "%2f",
  "%2F",
  "%5c",
  "\\",
  "%00",
  "%0a",
  "%0d%0a",
  "%25",
  "%252f",
  "%2e%2e",
  "%c0%af",
  "%ef%bc%8f",
  "%e2%80%ae",
  ";",
  "?",
  "#",
  "@",
  "%40",
  "!",
  "!!",
  "+",
  "%2b",
  "~",
  "-",
  "_",
  "A",
  "E",
  "é",
  "ı",
  "K",
  "\u202e",
  "\u0000",
  "\r\n",
  " ",
  "\t",
  "*",
  ":",
  "&",
  "=",
  "1",
  "v",
  ".tgz",
  ".metadata",
  "%",
  "'",
  "(",
  "\ud800",
]

/** An address with some of its characters taken out, doubled, or exchanged for tricks. */
const spelled = (ecosystem: Ecosystem) =>
  fc
    .tuple(
      fc.constantFrom(...ADDRESSES[ecosystem]),
      fc.array(
        fc.tuple(
          fc.nat(60),
          fc.constantFrom("insert", "replace", "cut", "upper", "escape"),
          fc.constantFrom(...TRICKS),
        ),
        { maxLength: 4 },
      ),
    )
    .map(([address, edits]) =>
      edits.reduce((text, [at, kind, trick]) => {
        const i = at % (text.length + 1)
        const char = text[i] ?? ""
        if (kind === "insert") return text.slice(0, i) + trick + text.slice(i)
        if (kind === "replace") return text.slice(0, i) + trick + text.slice(i + 1)
        if (kind === "cut") return text.slice(0, i) + text.slice(i + 1)
        if (kind === "upper") return text.slice(0, i) + char.toUpperCase() + text.slice(i + 1)
        const code = char.charCodeAt(0)
        return code < 128 ? `${text.slice(0, i)}%${code.toString(16).padStart(2, "0")}${text.slice(i + 1)}` : text
      }, address),
    )

const textsOf = (request: FrontRequest) =>
  Object.entries(request).flatMap(([key, value]) => (key === "what" || key === "hint" ? [] : [String(value)]))

describe.each([...PROTOCOLS])("%s", (ecosystem, protocol) => {
  it("has one name for whatever it reads, and asks for that below the upstream's base", () => {
    let read = 0
    fc.assert(
      fc.property(spelled(ecosystem), fc.constantFrom("GET", "HEAD", "POST", "PUT", "DELETE"), (path, method) => {
        const request = protocol.read({ method, path, query: "", accept: "" })
        if (request === undefined || request.kind === "unsupported") return
        read++
        // Nothing that could leave a header, a line, a terminal or a path.
        for (const text of textsOf(request)) {
          expect(text).toMatch(/^[\x21-\x7e]*$/)
          expect(text.split(/[/\\]/)).not.toContain("..")
        }
        if (!("name" in request)) return
        const { name } = request
        // A name that a purl spells in one way alone: the one that rules are compared with.
        const version = "version" in request && request.kind === "artifact" ? request.version : "1.0.0"
        expect(parsePurl(purlOf(ecosystem, name, version))?.name).toBe(name)
        const { url } = protocol.source(name, BASE)
        expect(new URL(url).href).toBe(url)
        expect(url.startsWith(`${BASE}/`)).toBe(true)
        expect(new URL(url).search + new URL(url).hash).toBe("")
        if (request.kind === "artifact") expect(request.file).not.toMatch(/[/\\%]/)
      }),
      { numRuns: 3_000 },
    )
    // Otherwise this would hold of a protocol that reads nothing.
    expect(read).toBeGreaterThan(200)
  })

  it("throws for nothing, whatever the address", () => {
    fc.assert(
      fc.property(fc.oneof(fc.string({ unit: "binary" }), fc.string(), spelled(ecosystem)), (path) => {
        protocol.read({ method: "GET", path, query: path, accept: path })
        const target = readTarget(path)
        if (target !== undefined) expect(target.path.startsWith("/")).toBe(true)
      }),
      { numRuns: 1_000 },
    )
  })
})

describe("names that look alike", () => {
  const read = (ecosystem: Ecosystem, path: string) => {
    const request = PROTOCOLS.get(ecosystem)!.read({ method: "GET", path, query: "", accept: "" })
    return request !== undefined && "name" in request ? request.name : undefined
  }

  it("are one where the registry takes them for one, and two where it does not", () => {
    for (const spelling of ["evil-lib", "Evil.Lib", "EVIL__lib", "evil-_.lib"])
      expect(read("pypi", `/simple/${spelling}/`)).toBe("evil-lib")
    expect(read("pypi", "/files/Evil.Lib/evil_lib-1.0.tar.gz")).toBeUndefined()
    expect(read("cargo", "/index/ev/il/Evil_lib")).toBeUndefined()
    expect(read("cargo", "/index/ev/il/evil-lib")).toBe("evil-lib")
    expect(read("cargo", "/index/xx/xx/evil-lib")).toBeUndefined()
    expect(read("golang", "/registry.example/!evil/@v/list")).toBe("registry.example/Evil")
    expect(read("golang", "/registry.example/Evil/@v/list")).toBeUndefined()
    expect([read("npm", "/Evil"), read("npm", "/evil")]).toEqual(["Evil", "evil"])
  })
})
