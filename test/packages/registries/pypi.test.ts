import fc from "fast-check"
import { describe, expect, it, onTestFinished } from "vitest"
import { openRegistries } from "../../../src/packages/registries/index.ts"
import { JsonError } from "../../../src/packages/registries/json-pick.ts"
import { reduceLegacyProject, reduceSimpleProject } from "../../../src/packages/registries/pypi-document.ts"
import { reduceCoreMetadata } from "../../../src/packages/registries/pypi-metadata.ts"
import { contextWith, routes, startServer } from "./server.ts"

const SHA = "58cd2187c01e70e6e26505bca751777aa9f2ee0b7f4300988b709f44e013003eb".slice(0, 64)
const SRI = `sha256-${Buffer.from(SHA, "hex").toString("base64")}`

const file = (filename: string, more: object = {}) => ({
  filename,
  url: `https://files.example/${filename}`,
  hashes: { sha256: SHA },
  "upload-time": "2023-05-22T15:12:42.313790Z",
  ...more,
})
const simple = (page: object) =>
  reduceSimpleProject(Buffer.from(JSON.stringify({ name: "Left_Pad", ...page })), "left-pad", 5)

describe("a project page by PEP 691", () => {
  it("groups files by version and keeps what decisions need", () => {
    const document = simple({
      versions: ["1.0", "2.0rc1", "0.9"],
      files: [
        file("left_pad-1.0-py3-none-any.whl", { "requires-python": ">=3.8", provenance: "https://index.example/p" }),
        file("left-pad-1.0.tar.gz", { "upload-time": "2023-05-23T00:00:00Z", provenance: "https://index.example/q" }),
        file("left_pad-2.0rc1.tar.gz", { yanked: "broken", provenance: null }),
        file("Left.Pad-0.9.zip", { yanked: true, provenance: null }),
        file("left_pad-0.9.win32.exe", { yanked: true, provenance: null }),
        file("other-1.0.tar.gz"),
        file("left_pad-1.0.exe.asc"),
        7,
      ],
    })!
    expect([...document.releases.keys()]).toEqual(["1.0", "2.0rc1", "0.9"])
    expect(document.releases.get("1.0")).toEqual({
      version: "1.0",
      installScripts: [],
      yanked: false,
      integrity: [SRI, SRI],
      // The newer of its two files.
      published: Date.UTC(2023, 4, 23),
      provenance: "attested",
      engine: ">=3.8",
    })
    expect(document.releases.get("2.0rc1")).toMatchObject({
      installScripts: ["setup.py"],
      yanked: true,
      provenance: "none",
    })
    expect(document.tags.latest).toBe("1.0")
    expect({ ...document.links }).toEqual({ "1.0": "https://files.example/left_pad-1.0-py3-none-any.whl" })
  })

  it("states no provenance where the index has no notion of it", () => {
    expect(simple({ files: [file("left_pad-1.0.tar.gz")] })!.releases.get("1.0")).not.toHaveProperty("provenance")
  })

  it("reads a project's status (PEP 792)", () => {
    const page = { files: [file("left_pad-1.0.tar.gz")], "project-status": { status: "archived" } }
    expect(simple(page)!.releases.get("1.0")!.deprecated).toBe(true)
  })

  it("has no time for a version of which one file has none", () => {
    const files = [file("left_pad-1.0.tar.gz"), file("left_pad-1.0-py3-none-any.whl", { "upload-time": undefined })]
    expect(simple({ files })!.releases.get("1.0")).not.toHaveProperty("published")
  })

  it("is that of the project asked for", () => {
    expect(simple({ name: "right-pad", files: [] })).toBeUndefined()
    expect(simple({ files: {} })).toBeUndefined()
    expect(() => reduceSimpleProject(Buffer.from("<!DOCTYPE html>"), "left-pad", 5)).toThrow(JsonError)
  })
})

describe("a project in PyPI's older JSON", () => {
  it("says the same of files, and names the owners", () => {
    const project = {
      info: { name: "Left.Pad" },
      ownership: {
        roles: [
          { role: "Owner", user: "ana" },
          { role: "Maintainer", user: "ana" },
        ],
      },
      releases: {
        "1.0": [
          {
            filename: "left_pad-1.0.tar.gz",
            digests: { sha256: SHA },
            upload_time_iso_8601: "2023-05-22T15:12:44Z",
            yanked: true,
          },
        ],
        "0.1": [],
      },
    }
    const document = reduceLegacyProject(Buffer.from(JSON.stringify(project)), "left-pad", 5)!
    expect(document.maintainers).toEqual(["ana"])
    expect([...document.releases.values()]).toEqual([
      {
        version: "1.0",
        installScripts: ["setup.py"],
        yanked: true,
        integrity: [SRI],
        published: Date.UTC(2023, 4, 22, 15, 12, 44),
      },
    ])
  })
})

describe("core metadata", () => {
  const licenseOf = (...lines: string[]) =>
    reduceCoreMetadata(Buffer.from(["Name: Left_Pad", ...lines, "", "Body: x"].join("\n")), "left-pad")?.license

  it.each<[string[], unknown]>([
    [["License-Expression: MIT OR Apache-2.0", "License: other"], "MIT OR Apache-2.0"],
    [["License: Apache 2.0", "Classifier: License :: OSI Approved :: Apache Software License"], "Apache-2.0"],
    [
      [
        "Classifier: License :: OSI Approved :: MIT License",
        "Classifier: License :: OSI Approved :: ISC License (ISCL)",
      ],
      "ISC AND MIT",
    ],
    [["License: BSD-3-Clause", "Classifier: License :: OSI Approved :: BSD License"], "BSD-3-Clause"],
    [["Classifier: License :: OSI Approved :: BSD License"], "BSD License"],
    [["License: UNKNOWN"], ""],
    [[], ""],
  ])("%j is %j", (lines, license) => {
    expect(licenseOf(...lines)).toBe(license)
  })

  it("lists requirements, but not those of extras", () => {
    const text =
      "Name: left-pad\nRequires-Dist: Idna<4,>=2.5\nRequires-Dist: a_b (>=1)\nRequires-Dist: c ; extra == 'x'\nRequires-Dist: d>=1; python_version<'3'\n"
    expect({ ...(reduceCoreMetadata(Buffer.from(text), "left-pad")!.requires as object) }).toEqual({
      idna: "<4,>=2.5",
      "a-b": ">=1",
      d: ">=1",
    })
  })

  it("is that of the project asked for", () => {
    expect(reduceCoreMetadata(Buffer.from("Name: right\nLicense: MIT\n"), "left-pad")).toBeUndefined()
  })

  it("never throws", () => {
    fc.assert(
      fc.property(
        fc.uint8Array({ maxLength: 200 }),
        (bytes) => void reduceCoreMetadata(Buffer.from(bytes), "left-pad"),
      ),
    )
    const value = fc.jsonValue({ maxDepth: 3 })
    const page = fc.record({
      name: fc.constant("left-pad"),
      files: fc.oneof(
        value,
        fc.array(
          fc.oneof(
            value,
            fc.record({
              filename: fc.oneof(fc.string(), fc.constant("left-pad-1.0.tar.gz")),
              url: value,
              hashes: value,
              yanked: value,
            }),
          ),
        ),
      ),
      versions: value,
      "project-status": value,
    })
    fc.assert(fc.property(page, (any) => void reduceSimpleProject(Buffer.from(JSON.stringify(any)), "left-pad", 5)))
    const project = fc.record({
      info: fc.constant({ name: "left-pad" }),
      releases: fc.oneof(value, fc.dictionary(fc.string(), fc.oneof(value, fc.array(value)))),
      ownership: value,
    })
    fc.assert(fc.property(project, (any) => void reduceLegacyProject(Buffer.from(JSON.stringify(any)), "left-pad", 5)))
  })
})

describe("openRegistries for PyPI", () => {
  it("asks by PEP 691 and reads a wanted version's licence from its wheel's metadata", async () => {
    const answers: Record<string, unknown> = {
      "/files/left_pad-1.0-py3-none-any.whl.metadata": "Name: left-pad\nLicense-Expression: MIT\n",
    }
    const { base, requests } = await startServer(routes(answers))
    answers["/simple/left-pad/"] = {
      name: "left-pad",
      // Relative to the page.
      files: [file("left_pad-1.0-py3-none-any.whl", { url: "../../files/left_pad-1.0-py3-none-any.whl" })],
    }
    const registries = await openRegistries(contextWith({ PIP_INDEX_URL: `${base}/simple` }))
    onTestFinished(() => registries.close())
    const ask = async (versions: string[]) =>
      (await registries.documents([{ ecosystem: "pypi", name: "left-pad", versions }]))[0]!
    const result = await ask(["1.0", "9.9"])
    expect(result.ok && result.document.releases.get("1.0")).toMatchObject({ license: "MIT" })
    expect(requests[0]!.headers.accept).toMatch(/^application\/vnd\.pypi\.simple\.v1\+json, /)
    // Asked for once, then kept for good.
    await ask(["1.0"])
    expect(requests.map((request) => request.url)).toEqual([
      "/simple/left-pad/",
      "/files/left_pad-1.0-py3-none-any.whl.metadata",
    ])
  })

  it("asks an index at its own address, whatever that ends in", async () => {
    const { base, requests } = await startServer(
      routes({ "/root/+simple/left-pad/": { name: "left-pad", files: [file("left_pad-1.0.tar.gz")] } }),
    )
    const registries = await openRegistries(contextWith({ PIP_INDEX_URL: `${base}/root/+simple/` }))
    const result = await registries.get("pypi")!.document("left-pad", { versions: ["1.0"] })
    await registries.close()
    expect(result).toMatchObject({ ok: true, document: { name: "left-pad" } })
    expect(requests.map((request) => request.url)).toEqual(["/root/+simple/left-pad/"])
  })

  it("takes a page that it cannot read, and no older JSON, for no proof that the project is not there", async () => {
    const { base } = await startServer(routes({ "/simple/a/": "<html><a href=b-1.0.tar.gz>" }))
    const registries = await openRegistries(contextWith({ PIP_INDEX_URL: `${base}/simple` }))
    const result = await registries.get("pypi")!.document("a")
    await registries.close()
    expect(result).toMatchObject({ ok: false, reason: "invalid" })
  })

  it("falls back to the older JSON, and remembers that for the next project", async () => {
    const project = (name: string) => ({ info: { name }, releases: {} })
    const { base, requests } = await startServer(
      routes({ "/simple/a/": "<html>", "/pypi/a/json": project("a"), "/pypi/b/json": project("b") }),
    )
    const registries = await openRegistries(contextWith({ PIP_INDEX_URL: `${base}/simple` }), {
      concurrency: 1,
      cache: false,
    })
    onTestFinished(() => registries.close())
    const results = await registries.documents(["a", "b"].map((name) => ({ ecosystem: "pypi" as const, name })))
    expect(results.map((result) => result.ok)).toEqual([true, true])
    expect(requests.map((request) => request.url)).toEqual(["/simple/a/", "/pypi/a/json", "/pypi/b/json"])
  })

  it("reads HTML where there is nothing else, and remembers that, too", async () => {
    const link = `<a href="../f/b-1.0.tar.gz#sha256=${SHA}" data-requires-python="&gt;=3.8">b-1.0.tar.gz</a>`
    const { base, requests } = await startServer(
      routes({ "/simple/a/": "<!DOCTYPE html><a href=/f/a-1.0-py3-none-any.whl data-yanked>", "/simple/b/": link }),
    )
    const registries = await openRegistries(contextWith({ PIP_INDEX_URL: `${base}/simple` }), {
      concurrency: 1,
      cache: false,
    })
    onTestFinished(() => registries.close())
    const results = await registries.documents(["a", "b"].map((name) => ({ ecosystem: "pypi" as const, name })))
    expect(results.map((result) => result.ok && [...result.document.releases.values()])).toEqual([
      [{ version: "1.0", installScripts: [], yanked: true, integrity: [] }],
      [{ version: "1.0", installScripts: ["setup.py"], yanked: false, integrity: [SRI], engine: ">=3.8" }],
    ])
    expect(requests.map((request) => request.url)).toEqual(["/simple/a/", "/pypi/a/json", "/simple/a/", "/simple/b/"])
  })

  it("asks for no metadata inside its own network, and sends no name that is none", async () => {
    const inside = await startServer(routes({}))
    const answers: Record<string, unknown> = {}
    const { base, requests } = await startServer(routes(answers))
    answers["/simple/left-pad/"] = {
      name: "left-pad",
      files: [file("left_pad-1.0-py3-none-any.whl", { url: `${inside.base}/x.whl` })],
    }
    const registries = await openRegistries(contextWith({ PIP_INDEX_URL: `${base}/simple` }))
    onTestFinished(() => registries.close())
    await registries.documents([{ ecosystem: "pypi", name: "left-pad", versions: ["1.0"] }])
    expect(inside.requests).toHaveLength(0)
    const [result] = await registries.documents([{ ecosystem: "pypi", name: "../x" }])
    expect(result).toMatchObject({ ok: false, reason: "invalid" })
    expect(requests).toHaveLength(1)
  })
})
