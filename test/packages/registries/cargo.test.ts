import { createHash } from "node:crypto"
import { mkdirSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { gzipSync } from "node:zlib"
import fc from "fast-check"
import { describe, expect, it, onTestFinished } from "vitest"
import { reduceCrateIndex } from "../../../src/packages/registries/cargo-document.ts"
import { reduceCrate } from "../../../src/packages/registries/crate-archive.ts"
import { openRegistries } from "../../../src/packages/registries/index.ts"
import { JsonError } from "../../../src/packages/registries/json-pick.ts"
import { contextWith, routes, startServer } from "./server.ts"

/** A ustar archive, as tar writes it. */
function tarOf(files: Record<string, string>, change: (header: Buffer, name: string) => void = () => {}): Buffer {
  const blocks = Object.entries(files).flatMap(([name, text]) => {
    const header = Buffer.alloc(512)
    header.write(name, 0)
    header.write("0000644\0", 100)
    header.write(`${Buffer.byteLength(text).toString(8).padStart(11, "0")}\0`, 124)
    header.write("0ustar\x0000", 156)
    change(header, name)
    const body = Buffer.alloc(Math.ceil(Buffer.byteLength(text) / 512) * 512)
    body.write(text)
    return [header, body]
  })
  return Buffer.concat([...blocks, Buffer.alloc(1024)])
}

const crateOf = (files: Record<string, string>) => gzipSync(tarOf(files))
const hashOf = (bytes: Buffer) => createHash("sha256").update(bytes)
const manifest = (more: string) => `[package]\nname = "left"\nversion = "1.0.0"\n${more}`

describe("a crate's file in the index", () => {
  const lines = (...entries: object[]) => Buffer.from(entries.map((entry) => JSON.stringify(entry)).join("\n"))
  const cksum = "ab".repeat(32)

  it("keeps what decisions need", () => {
    const document = reduceCrateIndex(
      lines(
        {
          name: "Left",
          vers: "1.0.0",
          cksum,
          yanked: false,
          pubtime: "2020-01-02T03:04:05Z",
          rust_version: "1.56",
          deps: [],
        },
        {
          name: "left",
          vers: "2.0.0-rc.1",
          cksum: "short",
          yanked: false,
          deps: [
            { name: "alias", package: "real", req: "^1", kind: "normal" },
            { name: "d", req: "*", kind: "dev" },
          ],
        },
        { name: "left", vers: "1.1.0", cksum, yanked: true, deps: [] },
      ),
      "left",
      5,
      true,
    )!
    expect(document.releases.get("1.0.0")).toEqual({
      version: "1.0.0",
      yanked: false,
      integrity: [`sha256-${Buffer.from(cksum, "hex").toString("base64")}`],
      published: Date.UTC(2020, 0, 2, 3, 4, 5),
      engine: "1.56",
      requires: Object.create(null),
    })
    expect(document.releases.get("2.0.0-rc.1")).toMatchObject({ integrity: [], requires: { real: "^1" } })
    expect(document.releases.get("1.1.0")!.yanked).toBe(true)
    expect({ ...document.tags }).toEqual({ latest: "1.0.0" })
  })

  it("is that of the crate asked for, and JSON", () => {
    expect(reduceCrateIndex(lines({ name: "right", vers: "1.0.0" }), "left", 5)).toBeUndefined()
    expect(reduceCrateIndex(lines({ name: { toString: 1 }, vers: "1.0.0" }), "left", 5)).toBeUndefined()
    expect(reduceCrateIndex(Buffer.from(""), "left", 5)).toBeUndefined()
    expect(() => reduceCrateIndex(Buffer.from("<html>"), "left", 5)).toThrow(JsonError)
  })

  it("throws nothing but JsonError", () => {
    const line = fc.oneof(
      fc.string(),
      fc
        .record({ name: fc.constant("left"), vers: fc.jsonValue(), cksum: fc.jsonValue(), deps: fc.jsonValue() })
        .map((entry) => JSON.stringify(entry)),
    )
    fc.assert(
      fc.property(fc.array(line, { maxLength: 5 }), (all) => {
        try {
          reduceCrateIndex(Buffer.from(all.join("\n")), "left", 5, true)
        } catch (error) {
          expect(error).toBeInstanceOf(JsonError)
        }
      }),
    )
  })
})

describe("a crate", () => {
  const reduce = (files: Record<string, string>) => {
    const bytes = crateOf(files)
    return reduceCrate(bytes, "left", "1.0.0", `sha256-${hashOf(bytes).digest("base64")}`)
  }

  it.each<[string, Record<string, string>, object]>([
    [
      "without a build script",
      { "left-1.0.0/Cargo.toml": manifest('license = "MIT"\n') },
      { license: "MIT", installScripts: [] },
    ],
    [
      "with build.rs",
      { "left-1.0.0/Cargo.toml": manifest(""), "left-1.0.0/build.rs": "fn main(){}" },
      { license: "", installScripts: ["build.rs"] },
    ],
    [
      "with one by another name",
      { "left-1.0.0/Cargo.toml": manifest('build = "b/main.rs"\n') },
      { license: "", installScripts: ["build.rs"] },
    ],
    [
      "with build = false",
      { "left-1.0.0/build.rs": "", "left-1.0.0/Cargo.toml": manifest("build = false\n") },
      { license: "", installScripts: [] },
    ],
    [
      "with build.rs below",
      { "left-1.0.0/x/build.rs": "", "left-1.0.0/Cargo.toml": manifest("") },
      { license: "", installScripts: [] },
    ],
  ])("%s", async (_, files, expected) => {
    expect(await reduce(files)).toEqual(expected)
  })

  it("is evidence only with the index's hash, and only for itself", async () => {
    const bytes = crateOf({ "left-1.0.0/Cargo.toml": manifest("") })
    expect(await reduceCrate(bytes, "left", "1.0.0", "sha256-AAAA")).toBeUndefined()
    expect(await reduce({ "left-1.0.0/Cargo.toml": '[package]\nname = "right"\nversion = "1.0.0"\n' })).toBeUndefined()
    expect(await reduce({ "other/Cargo.toml": manifest("") })).toBeUndefined()
  })

  const own = manifest("")
  const unpacked = (bytes: Buffer) => reduceCrate(bytes, "left", "1.0.0", `sha256-${hashOf(bytes).digest("base64")}`)

  it.each<[string, Buffer]>([
    ["by a step that stays", crateOf({ "left-1.0.0/Cargo.toml": own, "left-1.0.0/./build.rs": "" })],
    ["by an empty step", crateOf({ "left-1.0.0/Cargo.toml": own, "left-1.0.0//build.rs": "" })],
    ["in capitals", crateOf({ "left-1.0.0/Cargo.toml": own, "left-1.0.0/BUILD.rs": "" })],
    [
      "by a long name of GNU's",
      gzipSync(
        tarOf({ "left-1.0.0/Cargo.toml": own, "././@LongLink": "left-1.0.0/build.rs\0", x: "" }, (header, name) => {
          if (name.endsWith("Link")) header.write("L", 156)
        }),
      ),
    ],
    [
      "behind other bytes where POSIX has a prefix",
      gzipSync(
        tarOf({ "left-1.0.0/Cargo.toml": own, "left-1.0.0/build.rs": "" }, (header) => {
          header.write("ustar  \0", 257)
          header.write("x", 345)
        }),
      ),
    ],
    [
      "with a name that is its prefix alone",
      gzipSync(
        tarOf({ "left-1.0.0/Cargo.toml": own, prefix: "", "left-1.0.0/build.rs": "" }, (header, name) => {
          if (name !== "prefix") return
          header.fill(0, 0, 100)
          header.write("left-1.0.0/x", 345)
        }),
      ),
    ],
    [
      "before another member of the file, which cargo does not read",
      Buffer.concat([
        gzipSync(tarOf({ "left-1.0.0/Cargo.toml": own, "left-1.0.0/build.rs": "" }).subarray(0, -1024)),
        crateOf({ "left-1.0.0/Cargo.toml": manifest("build = false\n") }),
      ]),
    ],
  ])("finds the build script that cargo finds: %s", async (_, bytes) => {
    expect(await unpacked(bytes)).toEqual({ license: "", installScripts: ["build.rs"] })
  })

  it.each<[string, Buffer]>([
    [
      "another name for the next file",
      gzipSync(
        tarOf(
          { "left-1.0.0/Cargo.toml": own, pax: "19 path=x\n" },
          (header, name) => void (name === "pax" && header.write("x", 156)),
        ),
      ),
    ],
    [
      "a link",
      gzipSync(
        tarOf({ "left-1.0.0/Cargo.toml": own, l: "" }, (header, name) => void (name === "l" && header.write("2", 156))),
      ),
    ],
    [
      "a size in binary",
      gzipSync(
        tarOf(
          { "left-1.0.0/Cargo.toml": own, b: "" },
          (header, name) => void (name === "b" && header.writeUInt8(0x80, 124)),
        ),
      ),
    ],
    ["two manifests", crateOf({ "left-1.0.0/Cargo.toml": own, "left-1.0.0/./Cargo.toml": own })],
    ["a name that leads up", crateOf({ "left-1.0.0/Cargo.toml": own, "left-1.0.0/x/../build.rs": "" })],
  ])("says nothing of an archive with %s", async (_, bytes) => {
    expect(await unpacked(bytes)).toBeUndefined()
  })

  it("that is cut or no archive is refused, never a hang", async () => {
    const whole = tarOf({ "left-1.0.0/Cargo.toml": manifest("") })
    await fc.assert(
      fc.asyncProperty(fc.nat(whole.length), fc.uint8Array({ maxLength: 20 }), async (cut, noise) => {
        const bytes = gzipSync(Buffer.concat([whole.subarray(0, cut), noise]))
        await reduceCrate(bytes, "left", "1.0.0", `sha256-${hashOf(bytes).digest("base64")}`).catch(() => {})
      }),
      { numRuns: 50 },
    )
  })
})

describe("openRegistries for cargo", () => {
  it("asks the sparse index, then the crate of a wanted version", async () => {
    const crate = crateOf({
      "left-1.0.0/Cargo.toml": manifest('license = "MIT OR Apache-2.0"\n'),
      "left-1.0.0/build.rs": "",
    })
    const answers: Record<string, unknown> = { "/dl/left/left-1.0.0.crate": crate }
    const { base, requests } = await startServer(routes(answers))
    answers["/config.json"] = { dl: `${base}/dl/{crate}/{crate}-{version}.crate`, api: "https://registry.example" }
    answers["/le/ft/left"] = JSON.stringify({
      name: "left",
      vers: "1.0.0",
      cksum: hashOf(crate).digest("hex"),
      yanked: false,
    })
    const ctx = contextWith()
    mkdirSync(join(ctx.home, ".cargo"), { recursive: true })
    const source = `[source.crates-io]\nreplace-with = "here"\n[source.here]\nregistry = "sparse+${base}/"\n`
    writeFileSync(join(ctx.home, ".cargo", "config.toml"), source)
    const registries = await openRegistries(ctx)
    onTestFinished(() => registries.close())
    const [result] = await registries.documents([{ ecosystem: "cargo", name: "left", versions: ["1.0.0"] }])
    expect(result!.ok && result!.document.releases.get("1.0.0")).toMatchObject({
      license: "MIT OR Apache-2.0",
      installScripts: ["build.rs"],
    })
    expect(requests.map((request) => request.url)).toEqual(["/le/ft/left", "/config.json", "/dl/left/left-1.0.0.crate"])
    const unknown = ["a", "ab", "abc"].map((name) => ({ ecosystem: "cargo" as const, name }))
    await registries.documents(unknown)
    // Asked at once, so they arrive in any order.
    expect(
      requests
        .slice(3)
        .map((request) => request.url)
        .sort(),
    ).toEqual(["/1/a", "/2/ab", "/3/a/abc"])
  })

  it("asks for no crate where no rule needs what it says", async () => {
    const answers = {
      "/le/ft/left": JSON.stringify({ name: "left", vers: "1.0.0", cksum: "ab".repeat(32), yanked: false }),
    }
    const { base, requests } = await startServer(routes(answers))
    const registries = await openRegistries(contextWith(), {
      policyRegistries: [{ scope: "pkg:cargo/*", upstream: base }],
      needs: new Set(["published", "yanked"]),
    })
    onTestFinished(() => registries.close())
    const [result] = await registries.documents([{ ecosystem: "cargo", name: "left", versions: ["1.0.0"] }])
    expect(result).toMatchObject({ ok: true })
    expect(requests).toHaveLength(1)
  })
})
