// Verifies what a Python index says of where its files come from (PEP 740: index support for digital attestations).
import { parseForeignJson } from "../../foreign-json.ts"
import type { PackageDocument, ReleaseInfo } from "../types.ts"
import { type Expected, verifyAttestation } from "./attestation.ts"
import { fetchDetail } from "./fetch-detail.ts"
import type { Services } from "./fetch-document.ts"
import { type Place, withoutProvenance } from "./npm-provenance.ts"
import { reviseReleases } from "./revise.ts"
import { loadTrust, type Trust } from "./trust.ts"
import { isLearntAddress } from "./upstreams.ts"
import { isRecord } from "./values.ts"

/** A release with more files than this stays on the index's word: each one costs a request. */
const MAX_FILES = 12
const MAX_ATTESTATIONS = 8
const MAX_TEXT = 1024 * 1024

type Builder = { issuer: string; repository: string }

/** The document with the provenance of the wanted versions verified, where every file of them has an attestation. */
export function verifyFiles(
  services: Services,
  document: PackageDocument,
  versions: readonly string[],
  place: Place,
): Promise<PackageDocument> {
  return reviseReleases(document, versions, async (release) =>
    release.provenance === "attested" ? verifyRelease(services, release, place) : undefined,
  )
}

async function verifyRelease(services: Services, release: ReleaseInfo, place: Place): Promise<ReleaseInfo> {
  const files = release.attestations ?? []
  if (files.length === 0 || files.length > MAX_FILES) return release
  const trust = await loadTrust()
  let builder: Builder | undefined
  for (const { file, sha256, url } of files) {
    if (!isLearntAddress(url, place.base) || !services.spendVerification()) return release
    const answer = await askProvenance(services, url, sha256, place)
    if (answer === undefined) return release
    const expected = { predicate: "https://", subject: file, algorithm: "sha256", digest: sha256 }
    const found = verifyProvenance(trust, answer, expected)
    if (found === "unknown") return release
    if (found === "invalid") return withoutProvenance(release)
    builder = found
  }
  return builder === undefined ? release : { ...release, provenance: "verified", provenanceOf: builder }
}

async function askProvenance(
  services: Services,
  url: string,
  sha256: string,
  { authorize }: Place,
): Promise<string | undefined> {
  const request = { url, accept: "application/vnd.pypi.integrity.v1+json", authorize }
  const detail = await fetchDetail(services, ["provenance", sha256], request, (body) =>
    body.length > MAX_TEXT ? undefined : { text: body.toString("utf8") },
  )
  return typeof detail?.text === "string" ? detail.text : undefined
}

/** Who built a file, by a provenance object; "unknown" where no log is known here that its attestations are entered in. */
function verifyProvenance(trust: Trust, text: string, expected: Expected): Builder | "unknown" | "invalid" {
  let provenance: unknown
  try {
    provenance = parseForeignJson(text)
  } catch {
    return "invalid"
  }
  const groups =
    isRecord(provenance) && Array.isArray(provenance.attestation_bundles) ? provenance.attestation_bundles : []
  const attestations = groups
    .slice(0, MAX_ATTESTATIONS)
    .flatMap((group) => (isRecord(group) && Array.isArray(group.attestations) ? group.attestations : []))
  if (attestations.length === 0) return "invalid"
  const bundles = attestations.slice(0, MAX_ATTESTATIONS).map(bundleOf)
  const known = bundles.filter((bundle) => trust.knowsLog(bundle))
  if (known.length === 0) return "unknown"
  const builders = known.map((bundle) => verifyAttestation(trust, bundle, expected))
  return builders.includes(undefined) ? "invalid" : builders[0]!
}

/** PEP 740's attestation object in the form of a Sigstore bundle (sigstore/protobuf-specs, bundle v0.3). */
function bundleOf(attestation: unknown): unknown {
  if (!isRecord(attestation) || !isRecord(attestation.verification_material) || !isRecord(attestation.envelope))
    return undefined
  const { certificate, transparency_entries } = attestation.verification_material
  const { statement, signature } = attestation.envelope
  return {
    mediaType: "application/vnd.dev.sigstore.bundle.v0.3+json",
    verificationMaterial: { certificate: { rawBytes: certificate }, tlogEntries: transparency_entries },
    dsseEnvelope: {
      payload: statement,
      payloadType: "application/vnd.in-toto+json",
      signatures: [{ sig: signature }],
    },
  }
}
