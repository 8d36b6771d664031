import { mkdirSync, writeFileSync } from "node:fs"
import { dirname, join } from "node:path"
import { describe, expect, it } from "vitest"
import { readCargoIndex } from "../../../src/packages/registries/cargo-config.ts"
import { boundTo, parseBase } from "../../../src/packages/registries/config-files.ts"
import { defaultBase } from "../../../src/packages/registries/defaults.ts"
import { readGoConfig } from "../../../src/packages/registries/go-config.ts"
import { readNpmConfig } from "../../../src/packages/registries/npm-config.ts"
import { readIndexConfig } from "../../../src/packages/registries/pip-config.ts"
import { createBaseOf, isLearntAddress } from "../../../src/packages/registries/upstreams.ts"
import { decide } from "../../../src/policy/decide.ts"
import { loadPolicy } from "../../../src/policy/load.ts"
import type { Ecosystem } from "../../../src/policy/types.ts"
import { contextWith } from "./server.ts"

function write(path: string, text: string): void {
  mkdirSync(dirname(path), { recursive: true })
  writeFileSync(path, text)
}

const variable = (name: string) => `\${${name}}`

/** A context whose home holds these files. */
function personWith(files: Record<string, string>, env: Record<string, string> = {}) {
  const ctx = contextWith(env)
  mkdirSync(ctx.cwd, { recursive: true })
  for (const [path, text] of Object.entries(files)) write(join(ctx.home, path), text)
  return ctx
}

describe("npm's configuration", () => {
  it("takes the environment before the user's file", () => {
    const files = { ".npmrc": "registry = https://registry.example/user/\n" }
    expect(readNpmConfig(personWith(files)).registry).toBe("https://registry.example/user")
    const env = { NPM_CONFIG_REGISTRY: "https://registry.example/env" }
    expect(readNpmConfig(personWith(files, env)).registry).toBe("https://registry.example/env")
    expect(readNpmConfig(personWith({})).registry).toBeUndefined()
  })

  it("reads comments, quotes and variables as npm does", () => {
    const npmrc = `; one\n# two\nregistry="https://${variable("HOST")}/${variable("MISSING?")}npm"\n//registry.example/npm/:_authToken=${variable("TOKEN")}\n`
    const config = readNpmConfig(personWith({ ".npmrc": npmrc }, { HOST: "registry.example", TOKEN: "t1" }))
    expect(config.registry).toBe("https://registry.example/npm")
    expect(config.authorize(new URL("https://registry.example/npm/left"))).toBe("Bearer t1")
  })

  it("sends a token to exactly the host and path that it is bound to", () => {
    const npmrc = "//registry.example/npm/:_authToken=t1\n//registry.example:8443/:_auth=dTpw\n"
    const { authorize } = readNpmConfig(personWith({ ".npmrc": npmrc }))
    const sent = (url: string) => authorize(new URL(url))
    expect(sent("https://registry.example/npm/left")).toBe("Bearer t1")
    expect(sent("https://registry.example/npm/@acme%2fx")).toBe("Bearer t1")
    expect(sent("https://registry.example:8443/any/thing")).toBe("Basic dTpw")
    for (const url of [
      "https://registry.example/",
      "https://registry.example/npmx/left",
      "https://registry.example/other/npm/left",
      "https://registry.example.evil.example/npm/left",
      "https://evil.example/registry.example/npm/left",
      "https://registry.example:444/npm/left",
    ])
      expect(sent(url), url).toBeUndefined()
  })

  it("sends no token that would break a header", () => {
    const { authorize } = readNpmConfig(
      personWith({ ".npmrc": `//registry.example/:_authToken=${variable("T")}\n` }, { T: "a\r\nb: c" }),
    )
    expect(authorize(new URL("https://registry.example/left"))).toBeUndefined()
  })

  it("reads scopes", () => {
    const { scopes } = readNpmConfig(
      personWith({ ".npmrc": "@acme:registry=https://acme.example/npm/\n@bad:registry=nope\n" }),
    )
    expect([...scopes]).toEqual([["@acme", "https://acme.example/npm"]])
  })

  it("does not read the repository's .npmrc, nor what npm exports of it", () => {
    const evil = "https://evil.example/"
    const ctx = personWith({}, { npm_config_registry: evil, npm_execpath: "/usr/bin/npm" })
    write(join(ctx.cwd, ".npmrc"), `registry=${evil}\n@acme:registry=${evil}\n`)
    const config = readNpmConfig(ctx)
    expect(config.registry).toBeUndefined()
    expect(config.scopes.size).toBe(0)
    // The same address without npm around is the person's own.
    expect(readNpmConfig({ ...ctx, env: { HOME: ctx.home, npm_config_registry: evil } }).registry).toBe(
      "https://evil.example",
    )
  })

  it("does not read a user configuration that lies in the repository", () => {
    const ctx = personWith({})
    write(join(ctx.cwd, "rc"), "registry=https://evil.example\n")
    const env = { ...ctx.env, npm_config_userconfig: join(ctx.cwd, "rc") }
    expect(readNpmConfig({ ...ctx, env }).registry).toBeUndefined()
  })

  it("reads npm's proxy", () => {
    const npmrc = "https-proxy=http://proxy.example:3128\nnoproxy=corp.example\n"
    expect(readNpmConfig(personWith({ ".npmrc": npmrc })).proxy).toEqual({
      HTTPS_PROXY: "http://proxy.example:3128",
      NO_PROXY: "corp.example",
    })
    expect(readNpmConfig(personWith({ ".npmrc": "proxy=null\n" })).proxy).toEqual({})
  })

  it("reads npm's global file beside its program, and the certificates of cafile", () => {
    const ctx = personWith({
      "prefix/bin/npm": "",
      "prefix/etc/npmrc": "registry=https://registry.example/global\n",
      ".npmrc": `cafile=${variable("HOME")}/ca.pem\n`,
      "ca.pem": "-----BEGIN CERTIFICATE-----\n",
    })
    const config = readNpmConfig({ ...ctx, env: { ...ctx.env, PATH: join(ctx.home, "prefix/bin") } })
    expect(config.registry).toBe("https://registry.example/global")
    expect(config.ca).toEqual(["-----BEGIN CERTIFICATE-----\n"])
  })
})

describe("pip's and uv's configuration", () => {
  const conf = "[global]\nindex-url = https://ana:p%40ss@pip.example/team/pypi/simple/\n"

  it("takes the environment before pip.conf", () => {
    const files = { ".config/pip/pip.conf": conf }
    expect(readIndexConfig(personWith(files)).index).toBe("https://pip.example/team/pypi/simple")
    const env = { PIP_INDEX_URL: "https://env.example/simple" }
    expect(readIndexConfig(personWith(files, env)).index).toBe("https://env.example/simple")
    const uv = { ...env, UV_DEFAULT_INDEX: "corp=https://uv.example/simple" }
    expect(readIndexConfig(personWith(files, uv)).index).toBe("https://uv.example/simple")
  })

  it("sends an address's credentials to that address only", () => {
    const { authorize } = readIndexConfig(personWith({ ".config/pip/pip.conf": conf }))
    const header = `Basic ${Buffer.from("ana:p@ss").toString("base64")}`
    expect(authorize(new URL("https://pip.example/team/pypi/simple/left/"))).toBe(header)
    expect(authorize(new URL("https://pip.example/other"))).toBeUndefined()
    expect(authorize(new URL("https://files.example/team/pypi/simple/left/"))).toBeUndefined()
  })
})

describe("cargo's configuration", () => {
  it("follows a source replacement to a sparse index, and to nothing else", async () => {
    const replaced = (toml: string) =>
      readCargoIndex(personWith({ ".cargo/config.toml": toml }), "https://crates.example")
    const start = '[source.crates-io]\nreplace-with = "corp"\n'
    expect(await replaced(`${start}[source.corp]\nregistry = "sparse+https://corp.example/index/"\n`)).toBe(
      "https://corp.example/index",
    )
    expect(await replaced(`${start}[registries.corp]\nindex = "sparse+https://corp.example/i/"\n`)).toBe(
      "https://corp.example/i",
    )
    expect(await replaced(`${start}[source.corp]\ndirectory = "vendor"\n`)).toBeUndefined()
    expect(await replaced(`${start}[source.corp]\nreplace-with = "crates-io"\n`)).toBe("https://index.crates.example")
    expect(await replaced("not = = toml")).toBe("https://index.crates.example")
  })

  it("learns the index's host from cargo's own state", async () => {
    const ctx = personWith({ ".cargo/registry/index/sparse.crates.example-1949cf8c6b5b557f/config.json": "{}" })
    expect(await readCargoIndex(ctx, "https://crates.example")).toBe("https://sparse.crates.example")
    expect(await readCargoIndex(ctx, "https://rates.example")).toBe("https://index.rates.example")
  })
})

describe("Go's configuration", () => {
  it("takes the environment, then go/env, then the go.env of the installed Go", () => {
    const files = { "go/go.env": "GOPROXY=https://root.example,direct\n" }
    const env = (ctx: ReturnType<typeof personWith>) => ({ ...ctx, env: { ...ctx.env, GOROOT: join(ctx.home, "go") } })
    const bases = (ctx: ReturnType<typeof personWith>) => readGoConfig(env(ctx)).proxies?.map(({ baseUrl }) => baseUrl)
    expect(bases(personWith(files))).toEqual(["https://root.example"])
    const user = {
      ...files,
      ".config/go/env": "GOPROXY=https://a.example|https://b.example,direct,https://never.example\n",
    }
    expect(bases(personWith(user))).toEqual(["https://a.example", "https://b.example"])
    expect(bases(personWith(user, { GOPROXY: "off" }))).toEqual([])
    expect(readGoConfig(personWith({})).proxies).toBeUndefined()
  })

  it.each([
    ["corp.example", "corp.example/a/b", true],
    ["*.corp.example", "git.corp.example/a", true],
    ["*.corp.example", "corp.example/a", false],
    ["corp.example/pr?vate", "corp.example/private/x", true],
    ["corp.example/private", "corp.example/privateer", false],
    ["corp.example/a/b", "corp.example/a", false],
    ["other.example,corp.example/*", "corp.example/x", true],
  ])("GOPRIVATE=%s: %s is private: %s", (pattern, name, answer) => {
    expect(readGoConfig(personWith({}, { GOPRIVATE: pattern })).isPrivate(name)).toBe(answer)
  })
})

describe("addresses", () => {
  it("knows a default for every ecosystem", async () => {
    for (const ecosystem of ["npm", "pypi", "cargo", "golang"] as const)
      expect(await defaultBase(ecosystem)).toMatch(/^https:\/\/[a-z.]+$/)
  })

  it("takes credentials out of an address", () => {
    expect(parseBase("https://u:p@registry.example/a/?x=1#y")).toEqual({
      baseUrl: "https://registry.example/a",
      basic: `Basic ${Buffer.from("u:p").toString("base64")}`,
    })
    expect(parseBase("ftp://registry.example")).toBeUndefined()
    expect(parseBase("https://u:%E0%A4%A@registry.example/")).toBeUndefined()
  })

  it("binds a header to a path by whole segments", () => {
    const bound = boundTo("https://registry.example/a", "h")
    expect(bound(new URL("https://registry.example/a"))).toBe("h")
    expect(bound(new URL("https://registry.example/a/b"))).toBe("h")
    expect(bound(new URL("https://registry.example/ab"))).toBeUndefined()
    expect(bound(new URL("http://registry.example/a"))).toBeUndefined()
  })

  it.each([
    ["https://files.example/x.whl", true],
    ["https://index.example/x.whl", true],
    ["http://files.example/x.whl", false],
    ["https://10.0.0.1/x.whl", false],
    ["https://[::1]/x.whl", false],
    ["https://localhost/x.whl", false],
    ["https://metadata.google.internal/x", false],
    ["https://u:p@files.example/x.whl", false],
    ["file:///etc/passwd", false],
    ["x.whl", false],
  ])("an index may name %s: %s", (address, answer) => {
    expect(isLearntAddress(address, "https://index.example")).toBe(answer)
  })

  it("matches pins by scope, by purl and by exact name", () => {
    const upstream = "https://corp.example"
    const npm = createBaseOf(
      "npm",
      [
        { scope: "@acme/*", upstream },
        { scope: "pkg:npm/tool-*", upstream },
      ],
      () => "default",
    )
    expect(["@acme/x", "@acmex/x", "tool-a", "toolbox"].map((name) => npm(name))).toEqual([
      upstream,
      "default",
      upstream,
      "default",
    ])
    const pypi = createBaseOf(
      "pypi",
      [
        { scope: "@acme/*", upstream },
        { scope: "pkg:pypi/acme", upstream },
      ],
      () => "default",
    )
    expect(["acme", "acme-x"].map((name) => pypi(name))).toEqual([upstream, "default"])
  })

  it.each<[Ecosystem, string, string]>([
    ["pypi", "pkg:pypi/Acme_*", "acme-x"],
    ["cargo", "pkg:cargo/acme-*", "acme_x"],
    ["golang", "pkg:golang/git.example/Team/*", "git.example/team/x"],
    ["npm", "pkg://NPM/%40acme/*", "@acme/x"],
  ])("asks the upstream for every %s name that the law holds for pinned by %s", (ecosystem, scope, name) => {
    const upstream = "https://corp.example"
    const base = createBaseOf(ecosystem, [{ scope, upstream }], () => "default")
    expect(base(name)).toBe(upstream)
    const policy = loadPolicy(
      `version: 1\npackages: { registries: [{ scope: "${scope}", upstream: "${upstream}" }] }`,
      "nanoguard.yaml",
    )
    const source = { kind: "registry" as const, origin: "https://other.example" }
    const action = { kind: "package" as const, purl: "", ecosystem, name, version: "1.0.0", source }
    expect(decide(policy, action, { now: 0 }).code).toBe("source.unverified")
  })
})
