import fc from "fast-check"
import { describe, expect, it } from "vitest"
import { readCargo } from "../../../../src/gateway/protocols/cargo/read.ts"
import type { RawRequest } from "../../../../src/gateway/types.ts"
import { planWith } from "../plan.ts"

const read = (path: string, method = "GET") =>
  readCargo({ method, path, query: "", accept: "*/*" } satisfies RawRequest)

describe("requests of cargo", () => {
  it.each([
    ["/index/1/a", "a"],
    ["/index/2/cc", "cc"],
    ["/index/3/l/log", "log"],
    ["/index/ax/io/axios-like", "axios-like"],
    ["/index/se/rd/serde_json", "serde_json"],
    ["/index/in/fl/inflector", "inflector"],
  ])("%s is the listing of %s", (path, name) => {
    expect(read(path)).toEqual({ kind: "listing", name, form: "" })
    expect(read(path, "HEAD")).toEqual({ kind: "listing", name, form: "" })
    expect(read(path, "POST")).toBeUndefined()
  })

  it("asks for the registry's configuration", () => {
    expect(read("/index/config.json")).toEqual({ kind: "service", service: "config" })
  })

  it.each([
    ["/crates/serde/1.0.0/download", "serde", "1.0.0"],
    ["/crates/Inflector/0.11.4/download", "inflector", "0.11.4"],
    ["/crates/zstd-sys/2.0.10+zstd.1.5.6/download", "zstd-sys", "2.0.10+zstd.1.5.6"],
    ["/crates/zstd-sys/2.0.10%2Bzstd.1.5.6/download", "zstd-sys", "2.0.10+zstd.1.5.6"],
    ["/crates/a/1.0.0-rc.1/download", "a", "1.0.0-rc.1"],
  ])("%s is a crate", (path, name, version) => {
    expect(read(path)).toEqual({ kind: "artifact", name, version, file: `${name}-${version}.crate` })
  })

  it("reads an address that spells a refusal as the crate that it is about", () => {
    const file = "zstd-sys-2.0.10+zstd.1.5.6.crate"
    const path = planWith({}).blockedPath("zstd-sys", "2.0.10+zstd.1.5.6", encodeURIComponent(file))
    expect(read(path)).toEqual({ kind: "artifact", name: "zstd-sys", version: "2.0.10+zstd.1.5.6", file })
    expect(read("/-/blocked/c/u/left/1.0.0/right-1.0.0.crate")).toBeUndefined()
  })

  it.each([
    ["GET", "/api/v1/crates", "search"],
    ["PUT", "/api/v1/crates/new", "publish"],
    ["DELETE", "/api/v1/crates/serde/1.0.0/yank", "yank"],
    ["PUT", "/api/v1/crates/serde/1.0.0/unyank", "yank"],
    ["GET", "/api/v1/crates/serde/owners", "owners"],
  ])("%s %s is refused politely", (method, path, what) => {
    expect(read(path, method)).toMatchObject({ kind: "unsupported", what })
  })

  it.each([
    "",
    "/",
    "index/1/a",
    "/index",
    "/index/",
    "/index/1/A",
    "/index/1/ab",
    "/index/2/a",
    "/index/3/x/log",
    "/index/se/rd/tokio",
    "/index/SE/RD/serde",
    "/index/se/rd/serde/",
    "/index//se/rd/serde",
    "/index/se/rd/../rd/serde",
    "/index/se/rd/%2e%2e",
    "/index/se%2frd/serde",
    "/index/se/rd/serde%00",
    "/index/se/rd/serde%2",
    "/index/se/rd/serd%C3%A9",
    "/index/se/rd/serdé",
    "/index/se/rd/serde%2520",
    "/index/co/nf/config.json",
    "/crates/serde/latest/download",
    "/crates/serde/1.0.0",
    "/crates/serde/1.0/download",
    "/crates/serde/1.0.0/download/x",
    "/crates/../1.0.0/download",
    "/crates/serde/1.0.0%2f..%2f2.0.0/download",
    `/crates/serde/1.0.0-${"a".repeat(200)}/download`,
    `/index/aa/aa/${"a".repeat(65)}`,
  ])("knows nothing of %j", (path) => {
    expect(read(path)).toBeUndefined()
  })

  it("gives only names and versions that its own addresses are made of, whatever comes", () => {
    const word = fc.oneof(
      fc.constantFrom(
        "index",
        "crates",
        "-",
        "blocked",
        "download",
        "..",
        "%2e",
        "%2F",
        "a",
        "1",
        "se",
        "rd",
        "serde",
        "1.0.0",
        "",
      ),
      fc.string({ maxLength: 8 }),
    )
    fc.assert(
      fc.property(fc.array(word, { maxLength: 8 }), (words) => {
        const request = read(`/${words.join("/")}`)
        if (request === undefined || request.kind === "unsupported" || request.kind === "service") return
        expect(request.name).toMatch(/^[a-z][a-z0-9_-]{0,63}$/)
        if (request.kind === "artifact") expect(request.version).toMatch(/^[0-9]+\.[0-9]+\.[0-9]+[0-9A-Za-z.+-]*$/)
      }),
      { numRuns: 2000 },
    )
  })
})
