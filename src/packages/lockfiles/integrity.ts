// Hashes as npm-family lockfiles write them.

/** Base64 length of a digest by algorithm: a hash of another length can match nothing. */
const LENGTHS: ReadonlyMap<string, number> = new Map([
  ["sha512", 88],
  ["sha384", 64],
  ["sha256", 44],
  ["sha1", 28],
  ["md5", 24],
])
const NONE: readonly string[] = []

/**
 * The well-formed hashes of a Subresource Integrity text (W3C), options after `?` dropped. What is malformed is left out,
 * as package managers leave it out: it protects nothing.
 */
export function readIntegrity(text: unknown): readonly string[] {
  if (typeof text !== "string" || text === "") return NONE
  if (isHash(text)) return [text]
  const hashes = text.split(/\s+/, 50).map((item) => item.replace(/\?.*$/, ""))
  return [...new Set(hashes.filter(isHash))]
}

function isHash(text: string): boolean {
  const dash = text.indexOf("-")
  return LENGTHS.get(text.slice(0, dash)) === text.length - dash - 1 && /^[\w]+-[A-Za-z0-9+/]+={0,2}$/.test(text)
}

/** A hexadecimal SHA-1, as yarn 1 appends to addresses, as an SRI hash. */
export function hexToIntegrity(algorithm: string, hex: string): string {
  return `${algorithm}-${Buffer.from(hex, "hex").toString("base64")}`
}
