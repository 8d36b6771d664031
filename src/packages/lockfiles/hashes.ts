// The spellings of hashes in lockfiles, all turned into one: `algorithm-base64` (Subresource Integrity, W3C).

/** Digest lengths in hex digits. An algorithm that is not listed, or a digest of another length, is no hash. */
const HEX_LENGTH: Readonly<Record<string, number>> = {
  md5: 32,
  sha1: 40,
  sha224: 56,
  sha256: 64,
  sha384: 96,
  sha512: 128,
  blake2b: 128,
  "sha3-256": 64,
  "sha3-384": 96,
  "sha3-512": 128,
}

/** `sha256-<base64>` from an algorithm and hex digits; undefined where it is no such hash. */
export function sriOfHex(algorithm: string, hex: string): string | undefined {
  const name = algorithm.toLowerCase()
  if (!Object.hasOwn(HEX_LENGTH, name) || HEX_LENGTH[name] !== hex.length || !/^[0-9a-f]+$/i.test(hex)) return undefined
  return `${name}-${Buffer.from(hex, "hex").toString("base64")}`
}

/** The same from `sha256:<hex>`, as pip, uv, Poetry, PDM and Pipenv spell it. */
export function sriOfPair(text: string): string | undefined {
  const colon = text.indexOf(":")
  return colon < 0 ? undefined : sriOfHex(text.slice(0, colon), text.slice(colon + 1))
}
