// Which setting points which manager at the gate. That they then come through it is shown in test/long/clients.
import { execFileSync } from "node:child_process"
import { readFileSync } from "node:fs"
import { join } from "node:path"
import { describe, expect, it } from "vitest"
import { main } from "../../src/cli.ts"
import { planGateway } from "../../src/scaffold/gateway.ts"
import { readFlags } from "../../src/scaffold/options.ts"
import type { FoundManager } from "../../src/scaffold/types.ts"
import { temporaryDirectory, testContext } from "../context.ts"

const GATE = "http://127.0.0.1:8471"
const settings = (manager: FoundManager, hasUvToml = false) =>
  planGateway(GATE, [manager], hasUvToml).edits.flatMap(({ path, additions }) =>
    additions.map((addition) => `${path}: ${addition.path.join(".")}=${JSON.stringify(addition.value)}`),
  )
const npmrc = [`.npmrc: registry="${GATE}/npm/"`, ".npmrc: omit-lockfile-registry-resolved=true"]

describe("planGateway", () => {
  it.each<[FoundManager, string[]]>([
    [{ name: "npm", why: "" }, npmrc],
    [{ name: "pnpm", why: "" }, npmrc],
    [{ name: "bun", why: "" }, npmrc],
    [{ name: "yarn", why: "", major: 1 }, npmrc],
    [
      { name: "yarn", why: "", major: 4 },
      [`.yarnrc.yml: npmRegistryServer="${GATE}/npm"`, '.yarnrc.yml: unsafeHttpWhitelist=["127.0.0.1"]'],
    ],
    [{ name: "uv", why: "" }, [`pyproject.toml: tool.uv.index-url="${GATE}/pypi/simple/"`]],
    [{ name: "pdm", why: "" }, [`pdm.toml: pypi.url="${GATE}/pypi/simple/"`]],
    [
      { name: "cargo", why: "" },
      [
        '.cargo/config.toml: source.crates-io.replace-with="nanoguard"',
        `.cargo/config.toml: source.nanoguard.registry="sparse+${GATE}/cargo/index/"`,
      ],
    ],
  ])("%o", (manager, expected) => {
    expect(settings(manager)).toEqual(expected)
  })

  it("says by hand what no file of a repository can", () => {
    const notes = (name: FoundManager["name"]) => planGateway(GATE, [{ name, why: "" }], false).notes
    expect(notes("go")).toEqual([expect.stringContaining(`GOPROXY=${GATE}/go`)])
    expect(notes("pip")).toEqual([expect.stringContaining(`PIP_INDEX_URL=${GATE}/pypi/simple/`)])
    expect(notes("poetry")).toEqual([expect.stringContaining("poetry source add")])
  })

  it("writes each file once", () => {
    const managers: FoundManager[] = [
      { name: "npm", why: "" },
      { name: "pnpm", why: "" },
    ]
    expect(planGateway(GATE, managers, false).edits).toHaveLength(1)
  })
})

describe("--gateway", () => {
  it("takes an origin, and loopback where none is given", () => {
    expect(readFlags({ gateway: true })).toEqual({ gateway: GATE })
    expect(readFlags({ gateway: "https://gate.acme.example" })).toEqual({ gateway: "https://gate.acme.example" })
    for (const wrong of ["gate", "ftp://x.example", "https://a.example/npm", "https://u:p@a.example"]) {
      expect(() => readFlags({ gateway: wrong })).toThrow("that is no address of a gate")
    }
  })

  it("is what a real npm then asks, and keeps what is in the files", async () => {
    const root = temporaryDirectory({
      "package.json": '{"name":"a","version":"1.0.0"}\n',
      ".npmrc": "save-exact=true\n",
    })
    const ctx = testContext(root)
    expect(await main(["node", "nanoguard", "init", "--yes", "--native", "--gateway"], ctx)).toBe(0)
    expect(readFileSync(join(root, ".npmrc"), "utf8")).toMatch(
      /^save-exact=true\n[\s\S]*registry=http:\/\/127\.0\.0\.1:8471\/npm\/\n/,
    )
    const npm = execFileSync("npm", ["config", "get", "registry"], { cwd: root, encoding: "utf8" })
    expect(npm.trim()).toBe(`${GATE}/npm/`)
  })
})
