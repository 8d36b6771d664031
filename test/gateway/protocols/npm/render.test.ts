import fc from "fast-check"
import { describe, expect, it } from "vitest"
import { npmProtocol } from "../../../../src/gateway/protocols/npm/index.ts"
import type { Client } from "../../../../src/gateway/types.ts"
import { BASE, manifestOf, packumentOf, parse, planOf, rendered } from "./packuments.ts"

const VERSIONS = ["1.0.0", "1.0.1", "1.1.0", "2.0.0"]
const simple = () => parse(packumentOf("foo", VERSIONS))

describe("a document in which all is served", () => {
  it("says in full what the upstream said, but for addresses and its readme", () => {
    const { readme: _, ...upstream } = packumentOf("foo", VERSIONS)
    const { document, headers, contentType } = rendered(simple(), planOf(simple(), "npm", []))
    for (const [version, manifest] of Object.entries(upstream.versions))
      manifest.dist.tarball = `${BASE}/foo/-/foo-${version}.tgz`
    expect(document).toEqual(upstream)
    expect(contentType).toBe("application/json")
    expect(headers).toEqual({ vary: "accept, accept-encoding" })
  })

  it("says in short what installs need", () => {
    const versions = {
      "1.0.0": manifestOf("foo", "1.0.0", {
        deprecated: "use bar",
        bin: { foo: "./cli.js" },
        engines: { node: ">=18" },
        os: ["linux"],
        peerDependencies: { react: "*" },
        peerDependenciesMeta: { react: { optional: true } },
        optionalDependencies: { fsevents: "^2.0.0" },
        scripts: { postinstall: "node build.js" },
        _hasShrinkwrap: false,
        gitHead: "abc",
      }),
      "1.0.1": manifestOf("foo", "1.0.1", { hasInstallScript: false, scripts: { install: "x" } }),
    }
    const packument = parse(packumentOf("foo", ["1.0.0", "1.0.1"], { versions }))
    const { document, contentType } = rendered(packument, planOf(packument, "npm", []), "abbreviated")
    expect(contentType).toBe("application/vnd.npm.install-v1+json")
    expect(Object.keys(document)).toEqual(["name", "dist-tags", "versions", "modified"])
    expect(document.modified).toBe("2026-02-01T00:00:00.000Z")
    expect(document.versions["1.0.0"]).toEqual({
      name: "foo",
      version: "1.0.0",
      dependencies: { "left-pad": "^1.0.0" },
      optionalDependencies: { fsevents: "^2.0.0" },
      peerDependencies: { react: "*" },
      peerDependenciesMeta: { react: { optional: true } },
      bin: { foo: "./cli.js" },
      engines: { node: ">=18" },
      os: ["linux"],
      deprecated: "use bar",
      hasInstallScript: true,
      _hasShrinkwrap: false,
      dist: { ...versions["1.0.0"].dist, tarball: `${BASE}/foo/-/foo-1.0.0.tgz` },
    })
    expect(document.versions["1.0.1"].hasInstallScript).toBe(false)
  })

  it("keeps modified of an abbreviated document, and the addresses of scoped names and builds readable", () => {
    const versions = { "1.0.0+b.1": manifestOf("@s/foo", "1.0.0+b.1") }
    const upstream = {
      name: "@s/foo",
      modified: "2026-02-01T00:00:00.000Z",
      "dist-tags": { latest: "1.0.0+b.1" },
      versions,
    }
    const packument = parse(upstream, "@s/foo")
    const { document } = rendered(packument, planOf(packument, "npm", []), "abbreviated")
    expect(document.modified).toBe("2026-02-01T00:00:00.000Z")
    const address = document.versions["1.0.0+b.1"].dist.tarball
    expect(address).toBe(`${BASE}/@s/foo/-/foo-1.0.0%2Bb.1.tgz`)
    const path = address.slice(BASE.length)
    expect(npmProtocol.read({ method: "GET", path, query: "", accept: "" })).toMatchObject({ version: "1.0.0+b.1" })
  })

  it("moves the address of attestations to the path at which npm asks this registry for them", () => {
    const attestations = {
      url: "https://registry.example/x/-/npm/v1/attestations/foo@1.0.0",
      provenance: { predicateType: "p" },
    }
    const versions = { "1.0.0": manifestOf("foo", "1.0.0", { dist: { attestations } }) }
    const packument = parse(packumentOf("foo", ["1.0.0"], { versions }))
    const { dist } = rendered(packument, planOf(packument, "npm", [])).document.versions["1.0.0"]
    expect(dist.attestations).toEqual({ ...attestations, url: `${BASE}/-/npm/v1/attestations/foo@1.0.0` })
    expect(dist.signatures).toEqual([{ keyid: "SHA256:key", sig: "c2ln" }])
  })

  it("shows a deprecation without what could move a cursor", () => {
    const versions = { "1.0.0": manifestOf("foo", "1.0.0", { deprecated: "old\u001b[2J\u202e\nnpm error" }) }
    const packument = parse(packumentOf("foo", ["1.0.0"], { versions }))
    const { deprecated } = rendered(packument, planOf(packument, "pnpm", [])).document.versions["1.0.0"]
    expect(deprecated).toBe("old\\u{1b}[2J\\u{202e}\\u{a}npm error")
  })
})

describe("versions that are held back", () => {
  it("leave tags, times and versions where a client would choose them, and are restrictions then", () => {
    const { document, headers } = rendered(simple(), planOf(simple(), "other", ["1.0.1", "2.0.0"]))
    expect(Object.keys(document.versions)).toEqual(["1.0.0", "1.1.0"])
    expect(Object.keys(document.time)).toEqual(["created", "modified", "1.0.0", "1.1.0"])
    expect(document["dist-tags"]).toEqual({ latest: "1.1.0" })
    expect(Object.keys(document.policyRestrictions.versions)).toEqual(["1.0.1", "2.0.0"])
    expect(document.policyRestrictions.versions["2.0.0"]).toEqual({ name: "foo", version: "2.0.0" })
    expect(document.policyRestrictions.message).toBe(
      [
        "Held back by policy:",
        "  foo@2.0.0 refused by policy: vulnerability.severity. It has a known vulnerability of severity critical.",
        "  foo@1.0.1 refused by policy: vulnerability.severity. It has a known vulnerability of severity critical.",
        "Use foo@1.1.0: npm install foo@1.1.0.",
      ].join("\n"),
    )
    expect(headers).toEqual({ vary: "accept, accept-encoding" })
  })

  it("are told to npm in a notice", () => {
    const { document, headers } = rendered(simple(), planOf(simple(), "npm", ["1.0.1", "2.0.0"]))
    expect(document.policyRestrictions).toBeUndefined()
    expect(Object.keys(document.versions)).toEqual(VERSIONS)
    expect(Object.keys(document.time)).toHaveLength(6)
    expect(headers).toMatchObject({
      "npm-notice": "nanoguard: foo@2.0.0 is held back (vulnerability.severity); foo@1.1.0 takes its place.",
    })
  })

  it("stay in the list for pnpm, deprecated and with an address that spells the refusal", () => {
    const { document, headers } = rendered(simple(), planOf(simple(), "pnpm", ["2.0.0"]), "abbreviated")
    expect(document.policyRestrictions).toBeUndefined()
    expect(headers).toEqual({ vary: "accept, accept-encoding" })
    expect(document["dist-tags"]).toEqual({ latest: "1.1.0" })
    expect(document.versions["2.0.0"].deprecated).toBe(
      "foo@2.0.0 refused by policy: vulnerability.severity. It has a known vulnerability of severity critical. Use foo@1.1.0: pnpm add foo@1.1.0.",
    )
    const address = document.versions["2.0.0"].dist.tarball
    expect(address).toBe(`${BASE}/-/blocked/vulnerability.severity/use-1.1.0/foo/2.0.0/foo-2.0.0.tgz`)
    expect(document.versions["2.0.0"].dist.integrity).toBe(manifestOf("foo", "2.0.0").dist.integrity)
  })

  it("keep their tags where nothing is served, so that the reason is found", () => {
    for (const client of ["npm", "pnpm", "bun"] as const) {
      const { document } = rendered(simple(), planOf(simple(), client, VERSIONS))
      expect(document["dist-tags"]).toEqual({ latest: "2.0.0" })
      expect(document.versions["2.0.0"].dist.tarball).toContain("/-/blocked/vulnerability.severity/held-back/foo/")
    }
  })

  it("that wait for a person say so", () => {
    const fields = { effect: "ask" as const, code: "script.unapproved", reason: "It runs install scripts: postinstall" }
    const { document } = rendered(simple(), planOf(simple(), "other", ["2.0.0"], fields))
    expect(document.policyRestrictions.message).toContain(
      "foo@2.0.0 waits for approval: script.unapproved. It runs install scripts: postinstall.\n",
    )
  })

  it("are named one by one only up to a point", () => {
    const versions = Array.from({ length: 40 }, (_, index) => `1.${index}.0`)
    const packument = parse(packumentOf("@s/foo", versions), "@s/foo")
    const { document } = rendered(packument, planOf(packument, "other", versions.slice(0, 39)))
    const lines: string[] = document.policyRestrictions.message.split("\n")
    expect(lines).toHaveLength(11)
    expect(lines[1]).toMatch(/^ {2}@s\/foo@1\.38\.0 refused/)
    expect(lines[9]).toBe("  and 31 more: `nanoguard why pkg:npm/%40s/foo@<version>`")
  })

  it("give the tags alone, re-pointed", () => {
    expect(rendered(simple(), planOf(simple(), "yarn", ["2.0.0"]), "dist-tags").document).toEqual({ latest: "1.1.0" })
  })
})

describe("the notice", () => {
  const noticeOf = (versions: string[], refused: string[], tags: Record<string, string>) => {
    const packument = parse(packumentOf("foo", versions, { "dist-tags": tags }))
    return rendered(packument, planOf(packument, "npm", refused)).headers?.["npm-notice"]
  }

  it("is for a version that something else was chosen for, not for old ones that nobody would get", () => {
    expect(noticeOf(VERSIONS, ["1.0.0", "1.0.1"], { latest: "2.0.0" })).toBeUndefined()
    expect(noticeOf(VERSIONS, ["1.0.0", "1.0.1", "1.1.0"], { latest: "2.0.0" })).toBeUndefined()
    expect(noticeOf(VERSIONS, ["1.1.0"], { latest: "2.0.0" })).toMatch(/foo@1\.1\.0 is held back .*; foo@1\.0\.1 takes/)
    expect(noticeOf(["1.0.0", "1.1.0-rc.1"], ["1.1.0-rc.1"], { latest: "1.0.0" })).toBeUndefined()
    expect(noticeOf(VERSIONS, VERSIONS, { latest: "2.0.0" })).toBeUndefined()
  })
})

describe("one version", () => {
  it("is its manifest in full", () => {
    const request = { kind: "release" as const, name: "foo", version: "latest", form: "full" }
    const { body } = npmProtocol.renderRelease!(simple(), request, "2.0.0", planOf(simple(), "npm", []))
    const manifest = manifestOf("foo", "2.0.0")
    const dist = { ...manifest.dist, tarball: `${BASE}/foo/-/foo-2.0.0.tgz` }
    expect(JSON.parse(body.toString())).toEqual({ ...manifest, dist })
  })
})

const HOSTILE = fc.oneof(
  fc.jsonValue(),
  fc.string({ unit: "binary" }),
  fc.constantFrom("https://evil.example/x.tgz", "\u001b[2J", "\u202e", "</script>", '"}}'),
)

describe("whatever the upstream says", () => {
  it("a version that is not served has no address that leads to it, and no other host is named as its archive's", () => {
    const clients = fc.constantFrom<Client>("npm", "pnpm", "yarn", "yarn-classic", "bun", "other")
    const versions = fc.uniqueArray(
      fc
        .tuple(fc.nat(2), fc.nat(2), fc.nat(3), fc.constantFrom("", "", "-rc.1", "+b"))
        .map(([a, b, c, d]) => `${a}.${b}.${c}${d}`),
      { minLength: 1, maxLength: 12 },
    )
    const manifests = fc.dictionary(
      fc.constantFrom("scripts", "deprecated", "bin", "dist", "name", "_resolved", "policyRestrictions", "x"),
      HOSTILE,
    )
    fc.assert(
      fc.property(
        versions,
        clients,
        fc.infiniteStream(manifests),
        fc.infiniteStream(fc.boolean()),
        (all, client, extra, coins) => {
          const members = all.map((version) => {
            const { dist, ...hostile } = extra.next().value
            const fields = {
              ...hostile,
              dist: typeof dist === "object" && dist !== null && !Array.isArray(dist) ? dist : {},
            }
            return [version, manifestOf("foo", version, fields)] as const
          })
          const packument = parse(
            packumentOf("foo", all, {
              versions: Object.fromEntries(members),
              policyRestrictions: { versions: {}, message: "evil" },
            }),
          )
          const refused = npmProtocol.versions(packument).filter(() => coins.next().value)
          const plan = planOf(packument, client, refused)
          for (const form of ["full", "abbreviated"]) {
            const { document, headers } = rendered(packument, plan, form)
            for (const [version, manifest] of Object.entries(
              document.versions as Record<string, { dist: { tarball: string } }>,
            )) {
              const { tarball } = manifest.dist
              expect(tarball.startsWith(`${BASE}/`)).toBe(true)
              const request = npmProtocol.read({
                method: "GET",
                path: tarball.slice(BASE.length),
                query: "",
                accept: "",
              })
              expect(request).toMatchObject({ kind: "artifact", name: "foo", version })
              expect(tarball.includes("/-/blocked/")).toBe(refused.includes(version))
            }
            if (plan.replacement !== undefined || refused.length === 0)
              for (const target of Object.values(document["dist-tags"])) expect(refused).not.toContain(target)
            const restricted = Object.keys(document.policyRestrictions?.versions ?? {})
            expect(restricted.every((version) => refused.includes(version) && !(version in document.versions))).toBe(
              true,
            )
            const words = `${document.policyRestrictions?.message ?? ""}${headers?.["npm-notice"] ?? ""}`
            expect(words).toMatch(/^[\n\x20-\x7e]*$/)
            expect(words).not.toContain("evil")
          }
        },
      ),
      { numRuns: 300 },
    )
  })
})
