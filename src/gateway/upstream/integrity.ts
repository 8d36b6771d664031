// What metadata promised of an artifact's bytes (Subresource Integrity, W3C), and whether they keep it.
import { createHash, type Hash } from "node:crypto"

/** Digests of one algorithm, base64 with padding; one of them must hold. */
export interface Promised {
  algorithm: string
  digests: readonly string[]
}

/** Strongest first, with the bytes of a digest. md5 and sha1 are all that old releases have. */
const ALGORITHMS: readonly (readonly [string, number])[] = [
  ["sha512", 64],
  ["sha384", 48],
  ["sha256", 32],
  ["sha1", 20],
  ["md5", 16],
]

/**
 * The promise to hold an artifact to: that of the strongest algorithm. "none" where nothing was promised, undefined where nothing
 * of what was promised can be checked.
 */
export function choosePromise(integrity: readonly string[]): Promised | "none" | undefined {
  const items = integrity.flatMap((value) => value.split(/\s+/)).filter((item) => item !== "")
  if (items.length === 0) return "none"
  for (const [algorithm, bytes] of ALGORITHMS) {
    const digests = new Set(items.flatMap((item) => digestOf(item, algorithm, bytes)))
    if (digests.size > 0) return { algorithm, digests: [...digests].sort() }
  }
  return undefined
}

function digestOf(item: string, algorithm: string, bytes: number): string[] {
  const [hash = ""] = item.split("?", 1)
  const dash = hash.indexOf("-")
  const text = hash.slice(dash + 1)
  if (hash.slice(0, dash).toLowerCase() !== algorithm || !/^[A-Za-z0-9+/]+={0,2}$/.test(text)) return []
  const digest = Buffer.from(text, "base64")
  return digest.length === bytes ? [digest.toString("base64")] : []
}

/** `algorithm-base64` of each digest, the same for every spelling. */
export function spellPromise({ algorithm, digests }: Promised): string[] {
  return digests.map((digest) => `${algorithm}-${digest}`)
}

/** The promise that is the sha256 itself. */
export function promiseOf(sha256: string): Promised {
  return { algorithm: "sha256", digests: [Buffer.from(sha256, "hex").toString("base64")] }
}

export interface Check {
  update: (bytes: Uint8Array) => void
  /** After the last byte: the sha256 in hexadecimal digits, and the promised hash that holds, if one does. */
  end: () => { sha256: string; held: string | undefined }
}

/** Hashes bytes as they come: sha256 always, and once more only where another algorithm was promised. */
export function createCheck(promised: Promised | "none"): Check {
  const sha256 = createHash("sha256")
  const other: Hash | undefined =
    promised !== "none" && promised.algorithm !== "sha256" ? createHash(promised.algorithm) : undefined
  return {
    update: (bytes) => {
      sha256.update(bytes)
      other?.update(bytes)
    },
    end: () => {
      const digest = sha256.digest()
      const found = (other?.digest() ?? digest).toString("base64")
      const { algorithm, digests } = promised === "none" ? { algorithm: "sha256", digests: [found] } : promised
      return { sha256: digest.toString("hex"), held: digests.includes(found) ? `${algorithm}-${found}` : undefined }
    },
  }
}
