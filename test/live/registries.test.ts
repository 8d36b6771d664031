// Against the registries that this machine is set up for: facts about published versions, which never change. A mirror
// may leave facts out; what it does state of a version has to be right. A handful of requests, no more.
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterAll, beforeAll, describe, expect, it, type TestContext } from "vitest"
import { processContext } from "../../src/context.ts"
import { openRegistries, type Registries, type Wanted } from "../../src/packages/registries/index.ts"
import type { PackageDocument } from "../../src/packages/types.ts"

let registries: Registries
const cache = mkdtempSync(join(tmpdir(), "nanoguard-live-"))

beforeAll(async () => {
  registries = await openRegistries(processContext(), { cache })
})
afterAll(async () => {
  await registries.close()
  rmSync(cache, { recursive: true, force: true })
})

/** The document, or the test skipped where its registry cannot be reached from here. */
async function ask(test: TestContext, wanted: Wanted): Promise<PackageDocument> {
  const [result] = await registries.documents([wanted])
  if (result?.ok) return result.document
  if (result?.reason === "unreachable" || result?.reason === "unsupported")
    test.skip(`the ${wanted.ecosystem} registry cannot be reached (${result.detail}): run this where it can`)
  throw new Error(`${wanted.name}: ${result?.reason}: ${result?.detail}`)
}

/** A day of UTC: mirrors keep a release's time to different precision. */
const dayOf = (time: number | undefined) => (time === undefined ? undefined : new Date(time).toISOString().slice(0, 10))

describe("npm", () => {
  it("axios 1.6.0", async (test) => {
    const { releases } = await ask(test, { ecosystem: "npm", name: "axios" })
    const release = releases.get("1.6.0")!
    // A mirror may state when it took a version over, which is later.
    if (release.publisher !== undefined) expect(dayOf(release.published)).toBe("2023-10-26")
    else expect(release.published).toBeGreaterThanOrEqual(Date.UTC(2023, 9, 26))
    expect(release).toMatchObject({ license: "MIT", installScripts: [] })
    expect(release.integrity).toContain(
      "sha512-EZ1DYihju9pwVB+jg67ogm+Tmqc6JmhamRN6I4Zt8DfZu5lbcQGw3ozH9lFejSJgs/ibaef3A9PMXPLeefFGJg==",
    )
  })

  it("esbuild runs a script when it is installed", async (test) => {
    const { releases } = await ask(test, { ecosystem: "npm", name: "esbuild" })
    expect(releases.get("0.25.0")!.installScripts).toEqual(["postinstall"])
  })

  it("request is deprecated, where the registry states deprecation", async (test) => {
    const { releases } = await ask(test, { ecosystem: "npm", name: "request" })
    expect(releases.get("2.88.2")!.license).toBe("Apache-2.0")
    const stated = [...releases.values()].some((release) => release.publisher !== undefined)
    if (!stated) test.skip("this registry is a mirror without publishers and deprecations: use the npm registry itself")
    expect(releases.get("2.88.2")!.deprecated).toBe(true)
  })

  it("sigstore 0.4.0 was built where its attestation says", async (test) => {
    const { releases } = await ask(test, { ecosystem: "npm", name: "sigstore", versions: ["0.4.0"], verify: true })
    const release = releases.get("0.4.0")!
    if (release.provenance === undefined && !release.provenanceInvalid)
      test.skip("this registry is a mirror without attestations: use the npm registry itself")
    expect(release).toMatchObject({ provenance: "verified", provenanceOf: { repository: "sigstore/sigstore-js" } })
  })

  it("does not know a name that nobody may take", async (test) => {
    const [result] = await registries.documents([{ ecosystem: "npm", name: "@nanoguard-does-not-exist/nothing" }])
    if (!result!.ok && result!.reason === "unreachable") test.skip("the npm registry cannot be reached")
    expect(result).toMatchObject({ ok: false, reason: "not-found" })
  })
})

describe("PyPI", () => {
  it("requests 2.31.0", async (test) => {
    const { releases } = await ask(test, { ecosystem: "pypi", name: "requests", versions: ["2.31.0"] })
    const release = releases.get("2.31.0")!
    expect(dayOf(release.published)).toBe("2023-05-22")
    expect(release).toMatchObject({ installScripts: [], yanked: false, engine: ">=3.7", license: "Apache-2.0" })
    expect(release.integrity).toContain("sha256-lCxadY+Y15Dq7Ropy27vx/+w0c968Fw9J5Flbb1q0eE=")
    // Of 2.32.0 PyPI says: yanked.
    expect(releases.get("2.32.0")?.yanked).toBe(true)
  })
})

describe("cargo", () => {
  it("serde 1.0.200", async (test) => {
    const { releases } = await ask(test, { ecosystem: "cargo", name: "serde", versions: ["1.0.200"] })
    expect(releases.get("1.0.200")).toMatchObject({
      yanked: false,
      license: "MIT OR Apache-2.0",
      installScripts: ["build.rs"],
      integrity: ["sha256-3cb5zJTWfA4hqvfto6AQ/Tr3jr9uCWqm4uE8eXSczk8="],
    })
  })
})

describe("Go", () => {
  it("golang.org/x/text v0.3.0", async (test) => {
    const { releases } = await ask(test, { ecosystem: "golang", name: "golang.org/x/text", versions: ["v0.3.0"] })
    expect(releases.get("v0.3.0")).toMatchObject({ published: Date.UTC(2017, 11, 14, 13, 8, 43), deprecated: false })
  })
})
