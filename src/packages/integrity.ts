// The lockfile's hashes against the registry's.

type Comparison = "match" | "partial" | "mismatch" | "none" | "incomparable" | "unreadable"

/** Strongest first; an algorithm that is not listed counts as weaker than all of these. */
const STRENGTH = ["sha512", "sha384", "sha256", "sha1", "md5"]

/** One SRI item as [algorithm, digest]: options after `?` and padding dropped, so that spelling never makes a difference. */
function splitHash(item: string): [string, string] | undefined {
  const dash = item.indexOf("-")
  if (dash < 1 || dash === item.length - 1) return undefined
  const options = item.indexOf("?", dash)
  const digest = item.slice(dash + 1, options < 0 ? undefined : options).replace(/=+$/, "")
  return digest === "" ? undefined : [item.slice(0, dash).toLowerCase(), digest]
}

function groupByAlgorithm(items: readonly string[]): Map<string, Set<string>> {
  const groups = new Map<string, Set<string>>()
  for (const item of items) {
    const hash = splitHash(item)
    if (hash === undefined) continue
    const digests = groups.get(hash[0])
    if (digests === undefined) groups.set(hash[0], new Set([hash[1]]))
    else digests.add(hash[1])
  }
  return groups
}

function rankOf(algorithm: string): number {
  const index = STRENGTH.indexOf(algorithm)
  return index < 0 ? STRENGTH.length : index
}

/**
 * Compares `algorithm-base64` hashes (Subresource Integrity, W3C) under the strongest algorithm that the lockfile states, as
 * package managers do: a right SHA-1 beside a wrong SHA-512 is a mismatch. A release may have more files than a lockfile
 * lists, but every hash that it lists lets a file in: "partial" where the registry has some of them and not the others.
 */
export function compareIntegrity(lockfile: readonly string[], registry: readonly string[]): Comparison {
  if (lockfile.length === 0) return "none"
  const ours = groupByAlgorithm(lockfile)
  if (ours.size === 0) return "unreadable"
  const theirs = groupByAlgorithm(registry)
  const common = [...ours.keys()].filter((algorithm) => theirs.has(algorithm)).sort((a, b) => rankOf(a) - rankOf(b))
  const strongest = common[0]
  // Package managers hold an archive against the strongest hash in the lockfile: agreement on a weaker one says nothing.
  const held = [...ours.keys()].sort((a, b) => rankOf(a) - rankOf(b))[0]
  if (strongest === undefined || strongest !== held) return "incomparable"
  const known = theirs.get(strongest)!
  const wanted = [...ours.get(strongest)!]
  const found = wanted.filter((digest) => known.has(digest)).length
  return found === wanted.length ? "match" : found === 0 ? "mismatch" : "partial"
}
