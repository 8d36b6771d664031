import { readFileSync } from "node:fs"
import { describe, expect, it, onTestFinished } from "vitest"
import { openRegistries, type RegistryOptions } from "../../../src/packages/registries/index.ts"
import { contextWith, routes, startServer } from "./server.ts"

// The real attestation of a real release: npm's sigstore@0.4.0, January 2023.
const REAL = readFileSync(new URL("fixtures/sigstore-0.4.0.attestations.json", import.meta.url), "utf8")
const INTEGRITY = "sha512-KCwMX6k20mQyFkNYG2XT3lwK9u1P36wS9YURFd85zCXPrwrSLZCEh7/vMBFNYcJXRiBtGDS+T4/RZZF493zABA=="

interface Case {
  attestations?: string
  name?: string
  version?: string
  dist?: object
  options?: RegistryOptions
}

/** The release after verification, from a registry that serves these attestations for this package. */
async function verified({ attestations, name = "sigstore", version = "0.4.0", dist, options }: Case) {
  const packument = {
    name,
    time: { [version]: "2023-01-11T00:00:00Z" },
    versions: {
      [version]: { dist: { integrity: INTEGRITY, attestations: { provenance: { predicateType: "slsa" } }, ...dist } },
    },
  }
  const { base, requests } = await startServer(
    routes({
      [`/${name}`]: packument,
      ...(attestations && { [`/-/npm/v1/attestations/${name}@${version}`]: attestations }),
    }),
  )
  const registries = await openRegistries(contextWith({ npm_config_registry: base }), { cache: false, ...options })
  onTestFinished(() => registries.close())
  const [result] = await registries.documents([{ ecosystem: "npm", name, versions: [version], verify: true }])
  if (!result?.ok) throw new Error("no document")
  return { release: result.document.releases.get(version)!, requests }
}

function changed(
  change: (bundle: {
    dsseEnvelope: { payload: string; signatures: { sig: string }[] }
    verificationMaterial: Record<string, unknown[]>
  }) => void,
) {
  const answer = JSON.parse(REAL)
  change(answer.attestations[0].bundle)
  return JSON.stringify(answer)
}

const INVALID = { provenanceInvalid: true }

describe("provenance on npm", () => {
  it("is verified where the attestation holds for exactly this artifact, and says who built it", async () => {
    const { release } = await verified({ attestations: REAL })
    expect(release.provenance).toBe("verified")
    expect(release.provenanceOf!.repository).toBe("sigstore/sigstore-js")
    expect(release.provenanceOf!.issuer).toBe("https://token.actions.githubusercontent.com")
  })

  it("proves nothing where the answer has something else in place of a log's name", async () => {
    const attestations = changed((bundle) => {
      bundle.verificationMaterial.tlogEntries = [{ logId: { keyId: { toString: 1 } } }]
    })
    const { release } = await verified({ attestations })
    expect(release).toMatchObject({ provenance: "attested" })
    expect(release).not.toHaveProperty("provenanceOf")
  })

  it("is not that of another version, another package or other bytes", async () => {
    const cases: Case[] = [
      { version: "0.4.1" },
      { name: "sigstor" },
      { dist: { integrity: `sha512-${Buffer.alloc(64).toString("base64")}` } },
      { dist: { integrity: undefined } },
    ]
    for (const one of cases) {
      const { release } = await verified({ attestations: REAL, ...one })
      expect(release, JSON.stringify(one)).toMatchObject(INVALID)
      expect(release).not.toHaveProperty("provenance")
    }
  })

  it("does not hold once anything signed was changed", async () => {
    const swap = (text: string) =>
      Buffer.from(Buffer.from(text, "base64").toString().replace("sigstore-js", "sigstore-jz")).toString("base64")
    const cases = [
      changed(({ dsseEnvelope }) => {
        dsseEnvelope.payload = swap(dsseEnvelope.payload)
      }),
      changed(({ dsseEnvelope }) => {
        dsseEnvelope.signatures[0]!.sig = Buffer.alloc(70, 1).toString("base64")
      }),
      changed(({ dsseEnvelope }) => {
        dsseEnvelope.signatures = []
      }),
      changed(({ verificationMaterial }) => {
        const entry = verificationMaterial.tlogEntries![0] as Record<string, unknown>
        entry.inclusionPromise = { signedEntryTimestamp: Buffer.alloc(70, 1).toString("base64") }
      }),
    ]
    for (const attestations of cases) expect((await verified({ attestations })).release).toMatchObject(INVALID)
  })

  it("is the registry's word where the log is one that nanoguard does not know, or nothing is served", async () => {
    const unknown = changed(({ verificationMaterial }) => {
      const entry = verificationMaterial.tlogEntries![0] as { logId: { keyId: string } }
      entry.logId.keyId = Buffer.alloc(32).toString("base64")
    })
    expect((await verified({ attestations: unknown })).release.provenance).toBe("attested")
    expect((await verified({})).release.provenance).toBe("attested")
  })

  it("is invalid where the answer is no attestation", async () => {
    for (const attestations of ["<html>", "[]", '{"attestations":5}'])
      expect((await verified({ attestations })).release).toMatchObject(INVALID)
    const junk = '{"attestations":[null,5,{"predicateType":"https://slsa.dev/provenance/v1"},{"bundle":{}}]}'
    expect((await verified({ attestations: junk })).release.provenance).not.toBe("verified")
  })

  it("is asked for no more often than allowed", async () => {
    const { release, requests } = await verified({ attestations: REAL, options: { verifications: 0 } })
    expect(release.provenance).toBe("attested")
    expect(requests.map((request) => request.url)).toEqual(["/sigstore"])
  })
})

describe("npm's own signatures", () => {
  // The registry's real signature of a real release.
  const signed = {
    name: "@isaacs/namespace-test",
    integrity: "sha512-5ZYe1LgwHIaag0p9loMwsf5N/wJ4XAuHVNhSO+qulQOXWnyJVuco6IZjo+5u4ZLF/GimdHJcX+QK892ONfOCqQ==",
    keyid: "SHA256:jl3bwswu80PjjokCgh0o2w5c2U4LhQAE57gj9cz1kzA",
    sig: "MEQCIHXwKYe70+xcDOvFhM1etZQFUKEwz9VarppUbp5/Ie1+AiAM7aZcT1a2JR0oF/XwjNb13YEHwiagnDapLgYbklRvtA==",
  }

  async function check(signature: { keyid: string; sig: string }, more: { integrity?: string; time?: string } = {}) {
    const { integrity = signed.integrity, time = "2016-01-01T00:00:00Z" } = more
    const packument = {
      name: signed.name,
      time: { "1.0.0": time },
      versions: { "1.0.0": { dist: { integrity, signatures: [signature] } } },
    }
    const { base } = await startServer(routes({ "/@isaacs%2fnamespace-test": packument }))
    const registries = await openRegistries(contextWith({ npm_config_registry: base }), { cache: false })
    onTestFinished(() => registries.close())
    const wanted = { ecosystem: "npm" as const, name: signed.name, versions: ["1.0.0"], verify: true }
    const [result] = await registries.documents([wanted])
    return result?.ok ? result.document.releases.get("1.0.0") : result
  }

  it("hold for what was signed", async () => {
    expect(await check(signed)).toMatchObject({ provenance: "signed" })
  })

  it("do not hold for other bytes, by another signature, or after the key's end", async () => {
    expect(await check(signed, { integrity: INTEGRITY })).toMatchObject(INVALID)
    expect(await check({ ...signed, sig: "bm9wZQ==" })).toMatchObject(INVALID)
    expect(await check(signed, { time: "2026-01-01T00:00:00Z" })).toMatchObject(INVALID)
  })

  it("by an unknown key are the registry's word", async () => {
    expect(await check({ ...signed, keyid: "SHA256:unknown" })).toMatchObject({ provenance: "signed" })
  })
})
