// What signatures are verified with: the trusted root and the registry keys that ship inside @sigstore/tuf, signed there by
// Sigstore's own root. Nothing a registry sends can add to them.
import { createPublicKey, type KeyObject } from "node:crypto"
import { isRecord } from "./values.ts"

export interface RegistryKey {
  key: KeyObject
  /** Milliseconds since the epoch; what was published later is not signed by it. */
  end: number
}

export interface Trust {
  /** The provenance statement, its signer's identity checked; throws where the bundle does not hold. */
  verifyBundle: (bundle: unknown) => { signer: string; issuer: string; repository: string }
  /** Whether this trust knows the log that a bundle is entered in: one that it does not know proves nothing either way. */
  knowsLog: (bundle: unknown) => boolean
  /** npm's signing keys by id. */
  keys: ReadonlyMap<string, RegistryKey>
}

let loaded: Promise<Trust> | undefined

/** Loads once and only where something is to be verified. */
export function loadTrust(): Promise<Trust> {
  loaded ??= load()
  return loaded
}

async function load(): Promise<Trust> {
  const { default: seeds } = await import("@sigstore/tuf/seeds.json", { with: { type: "json" } })
  const { TrustedRoot } = await import("@sigstore/protobuf-specs")
  const { bundleFromJSON } = await import("@sigstore/bundle")
  const { toSignedEntity, toTrustMaterial, Verifier } = await import("@sigstore/verify")
  const targets: Record<string, string> = Object.values(seeds)[0]!.targets
  const target = (matches: (name: string) => boolean): Record<string, unknown> => {
    const name = Object.keys(targets).find(matches)
    return name === undefined ? {} : JSON.parse(Buffer.from(targets[name]!, "base64").toString("utf8"))
  }
  const root = TrustedRoot.fromJSON(target((name) => name === "trusted_root.json"))
  const verifier = new Verifier(toTrustMaterial(root))
  const logs = new Set(root.tlogs.map((log) => Buffer.from(log.logId?.keyId ?? []).toString("base64")))
  return {
    verifyBundle: (bundle) => {
      const { identity } = verifier.verify(toSignedEntity(bundleFromJSON(bundle)))
      const oids = new Map(identity?.oids?.map(({ oid, value }) => [oid?.id.join("."), Buffer.from(value)]))
      return {
        signer: identity?.subjectAlternativeName ?? "",
        issuer: identity?.extensions?.issuer ?? "",
        repository: derText(oids.get(SOURCE_REPOSITORY)) ?? oids.get(GITHUB_REPOSITORY)?.toString("utf8") ?? "",
      }
    },
    knowsLog: (bundle) => logIdsOf(bundle).some((id) => logs.has(id)),
    keys: keysOf(target((name) => name.endsWith("keys.json"))),
  }
}

/** Fulcio's certificate extensions (github.com/sigstore/fulcio: OID information). */
const SOURCE_REPOSITORY = "1.3.6.1.4.1.57264.1.12"
const GITHUB_REPOSITORY = "1.3.6.1.4.1.57264.1.5"

/** A DER UTF8String of less than 128 bytes, or with a one-byte length after 0x81. */
function derText(value: Buffer | undefined): string | undefined {
  if (value?.[0] !== 0x0c) return undefined
  return value.toString("utf8", value[1] === 0x81 ? 3 : 2)
}

function logIdsOf(bundle: unknown): string[] {
  const material = isRecord(bundle) ? bundle.verificationMaterial : undefined
  const entries = isRecord(material) && Array.isArray(material.tlogEntries) ? material.tlogEntries.slice(0, 8) : []
  const ids = entries.map((entry) => (isRecord(entry) && isRecord(entry.logId) ? entry.logId.keyId : undefined))
  return ids.filter((id) => typeof id === "string")
}

function keysOf({ keys }: Record<string, unknown>): Map<string, RegistryKey> {
  const found = new Map<string, RegistryKey>()
  for (const entry of Array.isArray(keys) ? keys : []) {
    if (!isRecord(entry) || entry.keyUsage !== "npm:signatures" || !isRecord(entry.publicKey)) continue
    const { rawBytes, validFor } = entry.publicKey
    const key = createPublicKey({ key: Buffer.from(String(rawBytes), "base64"), format: "der", type: "spki" })
    const end =
      isRecord(validFor) && typeof validFor.end === "string" ? Date.parse(validFor.end) : Number.POSITIVE_INFINITY
    found.set(String(entry.keyId), { key, end })
  }
  return found
}
