// Reads the in-toto statement (in-toto attestation framework, statement v0.1 and v1) inside a DSSE envelope.
import { isRecord } from "./values.ts"

export interface Statement {
  predicate: string
  subjects: readonly { name: string; digests: Readonly<Record<string, string>> }[]
}

const MAX_SUBJECTS = 1000

/** The statement that a Sigstore bundle signs; undefined where it holds none. Its signature is the caller's to check. */
export function statementOf(bundle: unknown): Statement | undefined {
  const envelope = isRecord(bundle) ? bundle.dsseEnvelope : undefined
  if (!isRecord(envelope) || envelope.payloadType !== "application/vnd.in-toto+json") return undefined
  if (typeof envelope.payload !== "string") return undefined
  const statement: unknown = JSON.parse(Buffer.from(envelope.payload, "base64").toString("utf8"))
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
