import { mkdirSync, writeFileSync } from "node:fs"
import { dirname, join } from "node:path"
import fc from "fast-check"
import { describe, expect, it } from "vitest"
import { resolveAddresses } from "../../../src/packages/registries/addresses.ts"
import { readCargoToken } from "../../../src/packages/registries/cargo-credentials.ts"
import { parseNetrc, readNetrc } from "../../../src/packages/registries/netrc.ts"
import { contextWith } from "./server.ts"

const basic = (pair: string) => `Basic ${Buffer.from(pair).toString("base64")}`

/** A context whose home, and whose repository, hold these files. */
function personWith(files: Record<string, string>, env: Record<string, string> = {}) {
  const ctx = contextWith(env)
  mkdirSync(ctx.cwd, { recursive: true })
  for (const [path, text] of Object.entries(files)) {
    const file = join(ctx.home, path)
    mkdirSync(dirname(file), { recursive: true })
    writeFileSync(file, text)
  }
  return ctx
}

describe("a netrc", () => {
  it("is read in its forms: lines or one line, comments, macros, quotes", () => {
    const text = `# machine commented.example login a password b
machine one.example login ada password s3cret
machine two.example
  login bob
  account none
  password "with \\"quotes\\" and spaces"
macdef init
machine macro.example login x password y
quit

machine Three.example password only
machine one.example login second password second
machine four.example login nobody
default login anyone password everywhere
`
    expect(Object.fromEntries(parseNetrc(text))).toEqual({
      "one.example": basic("ada:s3cret"),
      "two.example": basic('bob:with "quotes" and spaces'),
      "three.example": basic(":only"),
    })
  })

  it("never throws, and gives header values only", () => {
    const word = fc.oneof(
      fc.constantFrom(
        "machine",
        "login",
        "password",
        "default",
        "account",
        "macdef",
        "a.example",
        "\n",
        "#",
        '"',
        "\\",
      ),
      fc.string({ unit: "binary" }),
    )
    fc.assert(
      fc.property(fc.array(word), (words) => {
        for (const value of parseNetrc(words.join(" ")).values()) expect(value).toMatch(/^Basic [A-Za-z0-9+/]+=*$/)
      }),
    )
  })

  it("goes to the host that it names, for Python and Go, and never from the repository", async () => {
    const netrc = "machine registry.example login ci password token\ndefault login x password y\n"
    const env = { PIP_INDEX_URL: "https://registry.example/pypi/simple", GOPROXY: "https://registry.example/go" }
    const ctx = personWith({ ".netrc": netrc }, env)
    const { endpoints } = await resolveAddresses(ctx, [])
    for (const ecosystem of ["pypi", "golang"] as const) {
      const { authorize } = endpoints.get(ecosystem)!
      expect(authorize(new URL("https://registry.example/pypi/simple/a/"))).toBe(basic("ci:token"))
      for (const url of [
        "https://files.registry.example/a",
        "https://registry.example.evil.example/a",
        "https://other.example/",
      ])
        expect(authorize(new URL(url))).toBeUndefined()
    }
    expect(endpoints.get("npm")?.authorize(new URL("https://registry.example/a"))).toBeUndefined()
    const inside = join(ctx.cwd, "netrc")
    writeFileSync(inside, netrc)
    expect(
      readNetrc({ ...ctx, env: { ...ctx.env, NETRC: inside } })(new URL("https://registry.example/")),
    ).toBeUndefined()
  })

  it("does not go before what an index' own address says", async () => {
    const env = { PIP_INDEX_URL: "https://own:word@registry.example/pypi/simple" }
    const ctx = personWith({ ".netrc": "machine registry.example login ci password token" }, env)
    const { authorize } = (await resolveAddresses(ctx, [])).endpoints.get("pypi")!
    expect(authorize(new URL("https://registry.example/pypi/simple/a/"))).toBe(basic("own:word"))
    expect(authorize(new URL("https://registry.example/elsewhere"))).toBe(basic("ci:token"))
  })
})

describe("a token for a cargo registry", () => {
  const index = "https://registry.example/cargo/index"
  const config = `[source.crates-io]\nreplace-with = "my-art"\n[registries.my-art]\nindex = "sparse+${index}/"\n`
  const credentials = '[registries.my-art]\ntoken = "Bearer t1"\n[registry]\ntoken = "publishes"\n'

  it("goes to the host of the index that it belongs to", async () => {
    const ctx = personWith({ ".cargo/config.toml": config, ".cargo/credentials.toml": credentials })
    const { authorize, baseUrl } = (await resolveAddresses(ctx, [])).endpoints.get("cargo")!
    expect(baseUrl).toBe(index)
    expect(authorize(new URL(`${index}/config.json`))).toBe("Bearer t1")
    expect(authorize(new URL("https://registry.example/cargo/v1/crates/a/1.0.0/download"))).toBe("Bearer t1")
    for (const url of [
      "https://static.registry.example/a",
      "http://registry.example/cargo/index/a",
      "https://registry.example:8443/",
    ])
      expect(authorize(new URL(url))).toBeUndefined()
  })

  it("may be in the environment, and is none of another registry", async () => {
    const files = { ".cargo/config.toml": config, ".cargo/credentials": credentials }
    const env = personWith(files, { CARGO_REGISTRIES_MY_ART_TOKEN: "from-env" })
    expect((await readCargoToken(env, index))(new URL(index))).toBe("from-env")
    const ctx = personWith(files)
    expect((await readCargoToken(ctx, index))(new URL(index))).toBe("Bearer t1")
    const other = "https://index.registry.example"
    expect((await readCargoToken(ctx, other))(new URL(other))).toBeUndefined()
    for (const token of ['"a\\nb"', "3", '""', '"ä"']) {
      const broken = personWith({ ...files, ".cargo/credentials": `[registries.my-art]\ntoken = ${token}` })
      expect((await readCargoToken(broken, index))(new URL(index))).toBeUndefined()
    }
    const damaged = personWith({ ...files, ".cargo/credentials": "[[[" })
    expect((await readCargoToken(damaged, index))(new URL(index))).toBeUndefined()
  })
})

describe("configured origins", () => {
  it("are those of every base, scope, fallback and pin", async () => {
    const env = {
      PIP_INDEX_URL: "https://u:p@pypi.registry.example/simple",
      GOPROXY: "https://go.registry.example|https://go2.registry.example:8443/x,direct",
      npm_config_registry: "http://127.0.0.1:4873/",
    }
    const files = {
      ".npmrc": "@acme:registry=https://acme.registry.example/npm\n",
      ".cargo/config.toml":
        '[source.crates-io]\nreplace-with = "a"\n[source.a]\nregistry = "sparse+https://cargo.registry.example/i/"\n',
    }
    const pins = [
      { scope: "@own/*", upstream: "https://pin.registry.example/npm" },
      { upstream: "https://listed.registry.example" },
    ]
    const { origins } = await resolveAddresses(personWith(files, env), pins)
    expect([...origins].sort()).toEqual([
      "http://127.0.0.1:4873",
      "https://acme.registry.example",
      "https://cargo.registry.example",
      "https://go.registry.example",
      "https://go2.registry.example:8443",
      "https://listed.registry.example",
      "https://pin.registry.example",
      "https://pypi.registry.example",
    ])
  })
})
