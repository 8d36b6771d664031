import fc from "fast-check"
import { describe, expect, it, onTestFinished } from "vitest"
import { isRetracted, readGoMod } from "../../../src/packages/registries/go-mod.ts"
import { reduceVersionList } from "../../../src/packages/registries/golang.ts"
import { openRegistries } from "../../../src/packages/registries/index.ts"
import { contextWith, routes, startServer } from "./server.ts"

describe("readGoMod", () => {
  it("reads deprecation, retractions and requirements", () => {
    const facts = readGoMod(`// Deprecated: use example.com/new instead.
module example.com/old

go 1.21

require example.com/a v1.2.3
require (
	example.com/b v0.0.0-20200101000000-abcdefabcdef // indirect
	"example.com/c" v2.0.0+incompatible
)

// Published by mistake.
retract v1.0.5
retract (
	[v1.1.0, v1.1.9] // broken
	v2.0.0
)
replace example.com/a => ../a
`)
    expect(facts.deprecated).toBe(true)
    expect({ ...facts.requires }).toEqual({
      "example.com/a": "v1.2.3",
      "example.com/b": "v0.0.0-20200101000000-abcdefabcdef",
      "example.com/c": "v2.0.0+incompatible",
    })
    const versions = ["v1.0.4", "v1.0.5", "v1.1.0", "v1.1.5", "v1.1.9", "v1.2.0", "v2.0.0"]
    expect(versions.filter((version) => isRetracted(facts, version))).toEqual([
      "v1.0.5",
      "v1.1.0",
      "v1.1.5",
      "v1.1.9",
      "v2.0.0",
    ])
  })

  it("takes no comment elsewhere for a deprecation", () => {
    expect(readGoMod("module example.com/a // Deprecated: gone\n").deprecated).toBe(true)
    expect(readGoMod("// Deprecated: not attached\n\nmodule example.com/a\n").deprecated).toBe(false)
    expect(readGoMod("module example.com/a\n// Deprecated: below\ngo 1.21\n").deprecated).toBe(false)
  })

  it("never throws", () => {
    const line = fc.oneof(
      fc.string(),
      fc.constantFrom("module (", "retract [v1.0.0,", "retract (", ")", "require x v1", "//"),
    )
    fc.assert(fc.property(fc.array(line), (lines) => void readGoMod(lines.join("\n"))))
  })
})

describe("reduceVersionList", () => {
  it("finds the newest release in any order", () => {
    const document = reduceVersionList(Buffer.from("v0.10.0\nv0.9.0\nv0.11.0-rc.1\n\n"), "example.com/a", 5)
    expect([...document.releases.keys()]).toEqual(["v0.10.0", "v0.9.0", "v0.11.0-rc.1"])
    expect(document.tags.latest).toBe("v0.10.0")
    expect(reduceVersionList(Buffer.from(""), "example.com/a", 5).releases.size).toBe(0)
    expect(() => reduceVersionList(Buffer.from("<html>"), "example.com/a", 5)).toThrow("not a list of versions")
  })
})

describe("openRegistries for Go", () => {
  const module = {
    "/github.com/!burnt!sushi/toml/@v/list": "v1.0.0\nv1.1.0\n",
    "/github.com/!burnt!sushi/toml/@v/v1.0.0.info": { Version: "v1.0.0", Time: "2020-01-01T00:00:00Z" },
    "/github.com/!burnt!sushi/toml/@v/v1.1.0.info": { Version: "v1.1.0", Time: "2022-01-01T00:00:00Z" },
    "/github.com/!burnt!sushi/toml/@v/v1.1.0.mod": "module github.com/BurntSushi/toml\n\nretract v1.0.0\n",
    "/github.com/!burnt!sushi/toml/@v/v1.0.1-0.20200601000000-abcdefabcdef.info": {
      Version: "v1.0.1-0.20200601000000-abcdefabcdef",
      Time: "2020-06-01T00:00:00Z",
    },
  }
  const name = "github.com/BurntSushi/toml"

  it("fills in times of wanted versions and of the newest, and what the newest takes back", async () => {
    const { base } = await startServer(routes(module))
    const registries = await openRegistries(contextWith({ GOPROXY: `${base},direct` }))
    onTestFinished(() => registries.close())
    const pseudo = "v1.0.1-0.20200601000000-abcdefabcdef"
    const [result] = await registries.documents([{ ecosystem: "golang", name, versions: ["v1.0.0", pseudo, "v9.9.9"] }])
    expect(result!.ok && [...result!.document.releases.values()]).toEqual([
      { version: "v1.0.0", published: Date.UTC(2020, 0, 1), deprecated: false, yanked: true },
      { version: "v1.1.0", published: Date.UTC(2022, 0, 1), deprecated: false, yanked: false },
      { version: pseudo, published: Date.UTC(2020, 5, 1), deprecated: false, yanked: false },
    ])
  })

  it("asks the next proxy only where one does not have the module, and none about a private one", async () => {
    const first = await startServer(routes({}))
    const second = await startServer(routes(module))
    const registries = await openRegistries(
      contextWith({ GOPROXY: `${first.base},${second.base}`, GOPRIVATE: "corp.example" }),
      { cache: false },
    )
    onTestFinished(() => registries.close())
    const names = [name, "corp.example/secret", "../x", "a//b"]
    const results = await registries.documents(names.map((one) => ({ ecosystem: "golang" as const, name: one })))
    expect(results.map((result) => result.ok || result.reason)).toEqual([true, "unsupported", "invalid", "invalid"])
    expect([...first.requests, ...second.requests].some((request) => request.url!.includes("corp"))).toBe(false)
  })

  it("has no registry where Go may ask none", async () => {
    const registries = await openRegistries(contextWith({ GOPROXY: "off" }))
    onTestFinished(() => registries.close())
    expect(registries.get("golang")).toBeUndefined()
    const [result] = await registries.documents([{ ecosystem: "golang", name }])
    expect(result).toMatchObject({ ok: false, reason: "unsupported" })
  })
})
