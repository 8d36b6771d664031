// Verifies what npm's registry says of where a version comes from: its attestations (docs.npmjs.com: provenance statements)
// and its own signatures (docs.npmjs.com: ECDSA registry signatures).
import { verify as verifySignature } from "node:crypto"
import { purlOf } from "../purl.ts"
import type { PackageDocument, ReleaseInfo } from "../types.ts"
import { fetchDetail } from "./fetch-detail.ts"
import type { Services } from "./fetch-document.ts"
import { statementOf } from "./statement.ts"
import { loadTrust, type Trust } from "./trust.ts"
import { boundedString, isRecord } from "./values.ts"

interface Place {
  base: string
  authorize: (url: URL) => string | undefined
}

/** Attestations of one version are a few; more is not an answer that an honest registry gives. */
const MAX_BUNDLES = 8
const MAX_TEXT = 4 * 1024 * 1024

/** The document with the provenance of the wanted versions verified: "verified", or not there because it does not hold. */
export async function verifyReleases(
  services: Services,
  document: PackageDocument,
  versions: readonly string[],
  place: Place,
): Promise<PackageDocument> {
  const releases = new Map(document.releases)
  for (const version of new Set(versions)) {
    const release = releases.get(version)
    if (release?.provenance !== "attested" && release?.provenance !== "signed") continue
    const trust = await loadTrust()
    const signed = checkSignatures(trust, document.name, release)
    if (signed === "invalid") releases.set(version, withoutProvenance(release))
    else if (release.provenance === "attested" && services.spendVerification())
      releases.set(version, await checkAttestations(services, trust, document.name, release, place))
  }
  return { ...document, releases }
}

function withoutProvenance({ provenance: _provenance, ...release }: ReleaseInfo): ReleaseInfo {
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
  for (const bundle of bundles) {
    if (!trust.knowsLog(bundle)) continue
    const builder = verifyOne(trust, bundle, name, release)
    return builder === undefined
      ? withoutProvenance(release)
      : { ...release, provenance: "verified", provenanceOf: builder }
  }
  return release
}

/** The Sigstore bundles of build provenance; undefined where the answer is none of npm's. */
function provenanceBundles(text: string): unknown[] | undefined {
  try {
    const answer: unknown = JSON.parse(text)
    const list =
      isRecord(answer) && Array.isArray(answer.attestations) ? answer.attestations.slice(0, MAX_BUNDLES) : undefined
    return list
      ?.filter((entry) => isRecord(entry) && String(entry.predicateType).startsWith("https://slsa.dev/provenance/"))
      .map((entry: Record<string, unknown>) => entry.bundle)
  } catch {
    return undefined
  }
}

/** Who built exactly this artifact, by a statement that holds; undefined where it does not. */
function verifyOne(trust: Trust, bundle: unknown, name: string, release: ReleaseInfo) {
  try {
    const { signer, issuer, repository } = trust.verifyBundle(bundle)
    const statement = statementOf(bundle)
    const hash = release.integrity?.find((one) => one.startsWith("sha512-"))
    const digest = Buffer.from(hash?.slice("sha512-".length) ?? "", "base64").toString("hex")
    const subject = statement?.subjects.find((one) => one.name === purlOf("npm", name, release.version))
    if (!statement?.predicate.startsWith("https://slsa.dev/provenance/")) return undefined
    if (digest === "" || subject?.digests.sha512 !== digest) return undefined
    // A build is vouched for by its workflow; a person's mail address vouches for no build.
    if (!signer.startsWith("https://")) return undefined
    const [from, source] = [boundedString(issuer), boundedString(repository)]
    return from === undefined || source === undefined ? undefined : { issuer: from, repository: source }
  } catch {
    return undefined
  }
}
