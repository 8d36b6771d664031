// Whether anything in a directory was touched: what the file system says of every entry, without reading one.
import { createHash } from "node:crypto"
import { lstatSync, readdirSync } from "node:fs"
import { join } from "node:path"

/** A directory with more in it is not worth the time. */
const MAX_ENTRIES = 2000

/**
 * A digest of names, inodes, modes, owners, sizes and times of change of all that is in a directory; undefined where there is too much
 * of it. A box cannot set the time of change of an inode (stat(2), st_ctime), so whatever it did there makes another digest.
 */
export function stampOf(directory: string): string | undefined {
  const digest = createHash("sha256")
  const queue = [directory]
  let entries = 0
  for (let at = queue.pop(); at !== undefined; at = queue.pop()) {
    const stats = lstatSync(at, { bigint: true, throwIfNoEntry: false })
    entries++
    if (stats === undefined || entries > MAX_ENTRIES) return undefined
    const { dev, ino, mode, uid, gid, nlink, size, ctimeNs } = stats
    digest.update(JSON.stringify([at, ...[dev, ino, mode, uid, gid, nlink, size, ctimeNs].map(String)]))
    if (!stats.isDirectory()) continue
    const names = readdirSync(at)
    if (names.length > MAX_ENTRIES) return undefined
    for (const name of names.sort()) queue.push(join(at, name))
  }
  return digest.digest("hex")
}
