// What every bill of materials in CycloneDX form (ECMA-424) shares.
import { createHash } from "node:crypto"

/** The same document has the same serial number: one drawn from its content, in the form of a UUID (RFC 9562, version 8). */
export function serialOf(bom: object): string {
  const hex = createHash("sha256").update(JSON.stringify(bom)).digest("hex")
  const variant = "89ab"[Number.parseInt(hex[16]!, 16) % 4]
  return `urn:uuid:${hex.slice(0, 8)}-${hex.slice(8, 12)}-8${hex.slice(13, 16)}-${variant}${hex.slice(17, 20)}-${hex.slice(20, 32)}`
}

const ALGORITHMS: Record<string, [name: string, bytes: number]> = {
  md5: ["MD5", 16],
  sha1: ["SHA-1", 20],
  sha256: ["SHA-256", 32],
  sha384: ["SHA-384", 48],
  sha512: ["SHA-512", 64],
}

/**
 * A hash as CycloneDX has it, from subresource integrity (`sha512-<base64>`) or `sha256:<hex>`; undefined for what it has no name for.
 */
export function describeHash(integrity: string): { alg: string; content: string } | undefined {
  const [, hex] = /^sha256:([0-9a-f]{64})$/i.exec(integrity) ?? []
  if (hex !== undefined) return { alg: "SHA-256", content: hex.toLowerCase() }
  const dash = integrity.indexOf("-")
  const name = integrity.slice(0, Math.max(0, dash))
  const bytes = Buffer.from(integrity.slice(dash + 1, dash + 200), "base64")
  const known = Object.hasOwn(ALGORITHMS, name) ? ALGORITHMS[name] : undefined
  return known !== undefined && bytes.length === known[1]
    ? { alg: known[0], content: bytes.toString("hex") }
    : undefined
}
