// How pnpm names packages: each lockfile version spells `name`, `version` and the peers it was resolved with differently.

/** What a key of "packages" says of a package; a version only where the key is one of a registry. */
export interface PnpmKey {
  name?: string
  version?: string
  /** Host and path of a registry other than the configured one, as versions 5 and 6 put it before the name. */
  registry?: string
}

/** The three families of the format: 5.x, 6.x and 9.x. */
export type PnpmFamily = 5 | 6 | 9

/** Takes a key apart: `/name/1.0.0_peers` (5), `/name@1.0.0(peers)` (6), `name@1.0.0` (9). */
export function parsePnpmKey(key: string, family: PnpmFamily): PnpmKey {
  const plain = family === 5 ? key : withoutPeers(key)
  if (family === 9) {
    const at = plain.indexOf("@", 1)
    if (at < 0) return {}
    const version = plain.slice(at + 1)
    return isVersion(version) ? { name: plain.slice(0, at), version } : { name: plain.slice(0, at) }
  }
  if (plain.startsWith("file:") || plain.startsWith("link:")) return {}
  const pattern =
    family === 5 ? /^(.*?)\/((?:@[^/@]+\/)?[^/@]+)\/([^/]+)$/s : /^(.*?)\/((?:@[^/@]+\/)?[^/@]+)@([^/]+)$/s
  const [, registry = "", name, rest = ""] = pattern.exec(plain) ?? []
  const version = family === 5 ? rest.replace(/_.*$/s, "") : rest
  if (name === undefined || !isVersion(version)) return {}
  return registry === "" ? { name, version } : { name, version, registry }
}

/**
 * Keys that a reference (`1.0.0`, `/other@1.0.0`, `other@1.0.0(peer@2.0.0)`, `file:x`) from a dependency called `name` may stand
 * for, likeliest first; empty for `link:`, which leads to a directory.
 */
export function keysOfReference(name: string, reference: string, family: PnpmFamily): string[] {
  if (reference.startsWith("link:")) return []
  if (family === 5) return reference.startsWith("/") ? [reference] : [`/${name}/${reference}`, reference]
  if (family === 6) return reference.startsWith("/") ? [reference] : [`/${name}@${reference}`, reference]
  return [`${name}@${reference}`, reference]
}

/** Without the `(peer@1.0.0)(patch_hash=...)` at the end of a key. */
export function withoutPeers(key: string): string {
  const open = key.indexOf("(")
  return open < 0 ? key : key.slice(0, open)
}

function isVersion(text: string): boolean {
  return /^\d+\.\d+\.\d+([-+][0-9A-Za-z.+-]*)?$/.test(text)
}
