import { readFileSync } from "node:fs"
import { describe, expect, it, onTestFinished } from "vitest"
import { openRegistries } from "../../../src/packages/registries/index.ts"
import { contextWith, routes, startServer } from "./server.ts"

// The real provenance object of a real file.
const REAL = readFileSync(new URL("fixtures/pypi-attestations-0.0.19.provenance.json", import.meta.url), "utf8")
const FILE = "pypi_attestations-0.0.19.tar.gz"
const SHA256 = "9bb1add04b1b4e182be6b0b80931593f7a291eb49d69b4fd728a5d4cbcdc4bd3"

interface Listed {
  filename?: string
  sha256?: string
  provenance?: string | null
}

async function verified(provenance: string, files: Listed[] = [{}]) {
  const answers: Record<string, unknown> = { "/provenance": provenance }
  const { base } = await startServer(routes(answers))
  answers["/simple/pypi-attestations/"] = {
    name: "pypi-attestations",
    files: files.map(({ filename = FILE, sha256 = SHA256, provenance = `${base}/provenance` }) => ({
      filename,
      hashes: { sha256 },
      url: `${base}/${filename}`,
      provenance,
    })),
  }
  const registries = await openRegistries(contextWith({ PIP_INDEX_URL: `${base}/simple` }), { cache: false })
  onTestFinished(() => registries.close())
  const wanted = { ecosystem: "pypi" as const, name: "pypi-attestations", versions: ["0.0.19"], verify: true }
  const [result] = await registries.documents([wanted])
  return result?.ok ? result.document.releases.get("0.0.19") : undefined
}

describe("provenance on PyPI", () => {
  it("is verified where every file has an attestation that holds", async () => {
    expect(await verified(REAL)).toMatchObject({
      provenance: "verified",
      provenanceOf: { repository: "https://github.com/trailofbits/pypi-attestations" },
    })
  })

  it("is not that of another file or other bytes", async () => {
    const other = "pypi_attestations-0.0.19-py3-none-any.whl"
    expect(await verified(REAL, [{ filename: other }])).toMatchObject({ provenanceInvalid: true })
    expect(await verified(REAL, [{ sha256: "0".repeat(64) }])).toMatchObject({ provenanceInvalid: true })
    expect(await verified(REAL, [{}, { filename: other }])).not.toHaveProperty("provenance")
  })

  it("is none where one of its files has none", async () => {
    const wheel = { filename: "pypi_attestations-0.0.19-py3-none-any.whl", provenance: null }
    expect(await verified(REAL, [{}, wheel])).toMatchObject({ provenance: "none" })
  })

  it("does not hold once it was changed, and is not verified by an empty answer", async () => {
    const broken = JSON.parse(REAL)
    broken.attestation_bundles[0].attestations[0].envelope.signature = Buffer.alloc(70, 1).toString("base64")
    for (const answer of [JSON.stringify(broken), "{}", "<html>", '{"attestation_bundles":[]}'])
      expect(await verified(answer), answer.slice(0, 20)).toMatchObject({ provenanceInvalid: true })
    expect((await verified('{"attestation_bundles":[{"attestations":[null,{}]}]}'))?.provenance).toBe("attested")
  })
})
