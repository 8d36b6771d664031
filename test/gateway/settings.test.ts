import { execFileSync } from "node:child_process"
import fc from "fast-check"
import { describe, expect, it } from "vitest"
import { clientSettings, renderSettings } from "../../src/gateway/settings.ts"

const BASE = "http://127.0.0.1:4873"
const DIRECTORY = "/home/ana/.nanoguard/clients"
const plain = clientSettings({ base: BASE, directory: DIRECTORY })
const named = clientSettings({ base: BASE, directory: DIRECTORY, token: "ngt_a-B" })

describe("what points clients at the gate", () => {
  it("names the mount of each", () => {
    expect(plain.env).toMatchObject({
      npm_config_registry: `${BASE}/npm/`,
      pnpm_config_registry: `${BASE}/npm/`,
      BUN_CONFIG_REGISTRY: `${BASE}/npm/`,
      YARN_NPM_REGISTRY_SERVER: `${BASE}/npm`,
      YARN_UNSAFE_HTTP_WHITELIST: "127.0.0.1",
      PIP_INDEX_URL: `${BASE}/pypi/simple/`,
      UV_DEFAULT_INDEX: `${BASE}/pypi/simple/`,
      PDM_PYPI_URL: `${BASE}/pypi/simple/`,
      CARGO_REGISTRIES_NANOGUARD_INDEX: `sparse+${BASE}/cargo/index/`,
      CARGO_HOME: `${DIRECTORY}/cargo`,
      GOPROXY: `${BASE}/go`,
    })
    expect(plain.files).toEqual([
      { path: `${DIRECTORY}/npmrc`, text: `registry=${BASE}/npm/\n` },
      { path: `${DIRECTORY}/cargo/config.toml`, text: '[source.crates-io]\nreplace-with = "nanoguard"\n' },
    ])
    expect(plain.notes.join("\n")).toContain(`poetry source add --priority=primary nanoguard ${BASE}/pypi/simple/`)
  })

  it("leaves no other place to fall back to", () => {
    expect(plain.env["GOPROXY"]).not.toMatch(/[,|]|direct/)
    expect(plain.env).toMatchObject({
      GONOPROXY: "none",
      PIP_EXTRA_INDEX_URL: "",
      UV_INDEX: "",
      UV_EXTRA_INDEX_URL: "",
    })
  })

  it("gives each client a credential of its own kind, and keeps the token out of files", () => {
    expect(named.env).toMatchObject({
      npm_config_userconfig: `${DIRECTORY}/npmrc`,
      NANOGUARD_TOKEN: "ngt_a-B",
      YARN_NPM_AUTH_TOKEN: "ngt_a-B",
      YARN_NPM_ALWAYS_AUTH: "true",
      PIP_INDEX_URL: "http://nanoguard:ngt_a-B@127.0.0.1:4873/pypi/simple/",
      POETRY_HTTP_BASIC_NANOGUARD_PASSWORD: "ngt_a-B",
      CARGO_REGISTRIES_NANOGUARD_TOKEN: "Bearer ngt_a-B",
      GOPROXY: `${BASE}/t/ngt_a-B/go`,
    })
    expect(named.files[0]!.text).toBe(`registry=${BASE}/npm/\n//127.0.0.1:4873/npm/:_authToken=\${NANOGUARD_TOKEN}\n`)
    expect(JSON.stringify(named.files)).not.toContain("ngt_a-B")
    expect(JSON.stringify(plain)).not.toMatch(/token/i)
  })

  it("tells Yarn 1 alone to send it for archives", () => {
    const of = (...command: string[]) =>
      clientSettings({ base: BASE, directory: DIRECTORY, token: "x", command }).env["npm_config_always_auth"]
    expect([of("yarn"), of("/usr/bin/yarn", "add"), of("npm", "ci"), of("yarn-check"), of()]).toEqual([
      "true",
      "true",
      undefined,
      undefined,
      undefined,
    ])
  })

  it("carries over what a person's npmrc says of other things than registries", () => {
    const npmrc = [
      "ignore-scripts=true",
      "registry=https://registry.example/",
      "@acme:registry = https://acme.example/",
      "//acme.example/:_authToken=secret",
      "_auth=secret",
      "https-proxy=http://proxy.example",
      "cafile=/x",
      '"registry"=https://registry.example/',
      "; ignore-scripts=false",
      "[section]",
      "save-exact = true",
      "engine-strict",
    ].join("\r\n")
    expect(clientSettings({ base: BASE, directory: DIRECTORY, npmrc }).files[0]!.text).toBe(
      `ignore-scripts=true\nsave-exact = true\nengine-strict\nregistry=${BASE}/npm/\n`,
    )
  })

  it("keeps proxies off the gate, and what they were kept off before", () => {
    const of = (env: Record<string, string>, base = BASE) =>
      clientSettings({ base, directory: DIRECTORY, env }).env["no_proxy"]
    expect(of({})).toBe("127.0.0.1")
    expect(of({ NO_PROXY: ".acme.example, 10.0.0.1" })).toBe(".acme.example,10.0.0.1,127.0.0.1")
    expect(of({ no_proxy: "127.0.0.1" })).toBe("127.0.0.1")
    expect(of({}, "http://[::1]:80")).toBe("::1")
  })

  it("installs programs where they were installed before", () => {
    const of = (env: Record<string, string>) =>
      clientSettings({ base: BASE, directory: DIRECTORY, env }).env["CARGO_INSTALL_ROOT"]
    expect([of({ HOME: "/home/ana" }), of({ HOME: "/home/ana", CARGO_HOME: "/c" }), of({})]).toEqual([
      "/home/ana/.cargo",
      "/c",
      undefined,
    ])
  })
})

describe("settings for a shell", () => {
  const value = fc.string({ minLength: 1, maxLength: 30 }).filter((text) => !/\p{Cc}/u.test(text))

  it("mean the same to sh, whatever is in them", (ctx) => {
    if (process.platform === "win32") return ctx.skip("a POSIX shell is missing: run this on Linux or macOS")
    const values = fc.sample(value, { numRuns: 100 }).concat("'", "\\", "a'b\"c$(id)`id`!{}*", "-n")
    const env = Object.fromEntries(values.map((one, index) => [`V${index}`, one.toWellFormed()]))
    const text = renderSettings({ env: { ...env, GONE: "" }, notes: ["a note"] }, "posix")
    const names = [...Object.keys(env), "GONE"]
    const script = `${text}${names.map((name) => `printf '%s\\0' "\${${name}-unset}"`).join("\n")}`
    const output = execFileSync("sh", ["-s"], { input: script, env: { GONE: "still here" }, encoding: "utf8" })
    expect(output.split("\0").slice(0, -1)).toEqual([...Object.values(env), "unset"])
  })

  it("are quoted by each shell's own rule", () => {
    const settings = { env: { A: "it's $x \\", B: "" }, notes: ["say\nid"] }
    expect(renderSettings(settings, "posix")).toBe("export A='it'\\''s $x \\'\nunset B\n# say id\n")
    expect(renderSettings(settings, "fish")).toBe("set -gx A 'it\\'s $x \\\\'\nset -e B\n# say id\n")
    expect(renderSettings(settings, "powershell")).toBe(
      "$env:A = 'it''s $x \\'\nRemove-Item -ErrorAction Ignore Env:B\n# say id\n",
    )
    expect(renderSettings({ env: { A: "\u2019; calc" }, notes: [] }, "powershell")).toBe(
      "$env:A = '\u2019\u2019; calc'\n",
    )
  })

  it("have no line that is not meant", () => {
    expect(() => renderSettings({ env: { A: "x\nid" }, notes: [] }, "posix")).toThrow(RangeError)
    expect(() => renderSettings({ env: { "A=1 id;B": "x" }, notes: [] }, "posix")).toThrow(RangeError)
    for (const shell of ["posix", "fish", "powershell"] as const) {
      const lines = renderSettings(named, shell).trim().split("\n")
      expect(lines).toHaveLength(Object.keys(named.env).length + named.notes.length)
    }
  })
})
