// Verifies what npm's registry says of where a version comes from: its attestations (npm's documentation: provenance statements)
// and its own signatures (npm's documentation: ECDSA registry signatures).
import { verify as verifySignature } from "node:crypto"
import { parseForeignJson } from "../../foreign-json.ts"
import { purlOf } from "../purl.ts"
import type { PackageDocument, ReleaseInfo } from "../types.ts"
import { hexOf, verifyAttestation } from "./attestation.ts"
import { fetchDetail } from "./fetch-detail.ts"
import type { Services } from "./fetch-document.ts"
import { reviseReleases } from "./revise.ts"
import { loadTrust, type Trust } from "./trust.ts"
import { isRecord } from "./values.ts"

/** Where a document came from. */
export interface Place {
  base: string
  authorize: (url: URL) => string | undefined
}

/** Attestations of one version are a few; more is not an answer that an honest registry gives. */
const MAX_BUNDLES = 8
/** SLSA provenance, any version (slsa.dev/spec). */
const PROVENANCE = "https://slsa.dev/provenance/"
const MAX_TEXT = 4 * 1024 * 1024

/** The document with the provenance of the wanted versions verified: "verified", or not there because it does not hold. */
export function verifyReleases(
  services: Services,
  document: PackageDocument,
  versions: readonly string[],
  place: Place,
): Promise<PackageDocument> {
  return reviseReleases(document, versions, async (release) => {
    if (release.provenance !== "attested" && release.provenance !== "signed") return undefined
    const trust = await loadTrust()
    if (checkSignatures(trust, document.name, release) === "invalid") return withoutProvenance(release)
    return release.provenance === "attested" && services.spendVerification()
      ? checkAttestations(services, trust, document.name, release, place)
      : undefined
  })
}

/** A release whose stated provenance does not hold. */
export function withoutProvenance({ provenance: _provenance, ...release }: ReleaseInfo): ReleaseInfo {
  return { ...release, provenanceInvalid: true }
}

/** One signature by a key that is known here has to hold, none may fail. */
function checkSignatures(trust: Trust, name: string, release: ReleaseInfo): "valid" | "invalid" | "unknown" {
  const integrity = release.integrity?.find((hash) => hash.startsWith("sha512-"))
  let answer: "valid" | "unknown" = "unknown"
  for (const { key: id, signature } of release.signatures ?? []) {
    const known = trust.keys.get(id)
    if (known === undefined || integrity === undefined) continue
    const message = Buffer.from(`${name}@${release.version}:${integrity}`)
    const holds = verifySignature("sha256", message, known.key, Buffer.from(signature, "base64"))
    if (!holds || (release.published ?? 0) >= known.end) return "invalid"
    answer = "valid"
  }
  return answer
}

async function checkAttestations(
  services: Services,
  trust: Trust,
  name: string,
  release: ReleaseInfo,
  { base, authorize }: Place,
): Promise<ReleaseInfo> {
  const url = `${base}/-/npm/v1/attestations/${name.replace("/", "%2f")}@${encodeURIComponent(release.version)}`
  const detail = await fetchDetail(
    services,
    ["attestations"],
    { url, accept: "application/json", authorize },
    (body) => (body.length > MAX_TEXT ? undefined : { text: body.toString("utf8") }),
  )
  // Not served: the registry's word is all there is.
  if (typeof detail?.text !== "string") return release
  const bundles = provenanceBundles(detail.text)
  if (bundles === undefined) return withoutProvenance(release)
  const expected = {
    predicate: PROVENANCE,
    subject: purlOf("npm", name, release.version),
    algorithm: "sha512",
    digest: hexOf(release.integrity, "sha512"),
  }
  for (const bundle of bundles) {
    if (!trust.knowsLog(bundle)) continue
    const builder = verifyAttestation(trust, bundle, expected)
    return builder === undefined
      ? withoutProvenance(release)
      : { ...release, provenance: "verified", provenanceOf: builder }
  }
  return release
}

/** The Sigstore bundles of build provenance; undefined where the answer is none of npm's. */
function provenanceBundles(text: string): unknown[] | undefined {
  try {
    const answer: unknown = parseForeignJson(text)
    const list =
      isRecord(answer) && Array.isArray(answer.attestations) ? answer.attestations.slice(0, MAX_BUNDLES) : undefined
    return list
      ?.filter((entry) => isRecord(entry) && String(entry.predicateType).startsWith(PROVENANCE))
      .map((entry: Record<string, unknown>) => entry.bundle)
  } catch {
    return undefined
  }
}
