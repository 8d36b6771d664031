// An attestation: a Sigstore bundle around an in-toto statement (in-toto attestation framework, statement v0.1 and v1).
import { parseForeignJson } from "../../foreign-json.ts"
import type { Trust } from "./trust.ts"
import { boundedString, isRecord } from "./values.ts"

/** What an attestation has to be about. */
export interface Expected {
  /** Start of the predicate type: what kind of statement it is. */
  predicate: string
  subject: string
  algorithm: string
  /** Lower-case hexadecimal. */
  digest: string
}

/** Who built exactly this artifact, by a statement that holds; undefined where it does not. */
export function verifyAttestation(
  trust: Trust,
  bundle: unknown,
  expected: Expected,
): { issuer: string; repository: string } | undefined {
  try {
    const { signer, issuer, repository } = trust.verifyBundle(bundle)
    const statement = statementOf(bundle)
    if (!statement?.predicate.startsWith(expected.predicate) || expected.digest === "") return undefined
    const subject = statement.subjects.find(({ name }) => name === expected.subject)
    if (subject?.digests[expected.algorithm] !== expected.digest) return undefined
    // A build is vouched for by its workflow; a person's mail address vouches for no build.
    if (!signer.startsWith("https://")) return undefined
    const [from, source] = [boundedString(issuer), boundedString(repository)]
    return from === undefined || source === undefined ? undefined : { issuer: from, repository: source }
  } catch {
    return undefined
  }
}

/** The digest of an SRI hash in lower-case hexadecimal; "" where there is none of that algorithm. */
export function hexOf(integrity: readonly string[] | undefined, algorithm: string): string {
  const hash = integrity?.find((one) => one.startsWith(`${algorithm}-`))
  return hash === undefined ? "" : Buffer.from(hash.slice(algorithm.length + 1), "base64").toString("hex")
}

interface Statement {
  predicate: string
  subjects: readonly { name: string; digests: Readonly<Record<string, string>> }[]
}

const MAX_SUBJECTS = 1000

/** The statement that a Sigstore bundle signs; undefined where it holds none. Its signature is the caller's to check. */
function statementOf(bundle: unknown): Statement | undefined {
  const envelope = isRecord(bundle) ? bundle.dsseEnvelope : undefined
  if (!isRecord(envelope) || envelope.payloadType !== "application/vnd.in-toto+json") return undefined
  if (typeof envelope.payload !== "string") return undefined
  const statement: unknown = parseForeignJson(Buffer.from(envelope.payload, "base64").toString("utf8"))
  if (!isRecord(statement) || typeof statement.predicateType !== "string" || !Array.isArray(statement.subject))
    return undefined
  const subjects = statement.subject.slice(0, MAX_SUBJECTS).map((subject) => ({
    name: isRecord(subject) && typeof subject.name === "string" ? subject.name : "",
    digests: isRecord(subject) ? textsOf(subject.digest) : {},
  }))
  return { predicate: statement.predicateType, subjects }
}

function textsOf(value: unknown): Record<string, string> {
  const texts: Record<string, string> = Object.create(null)
  if (isRecord(value)) for (const [key, text] of Object.entries(value)) if (typeof text === "string") texts[key] = text
  return texts
}
