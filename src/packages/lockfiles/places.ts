// Local paths in lockfiles: part of the repository, or something beside it.
import { posix } from "node:path"
import type { PackageSource } from "../../policy/types.ts"

/**
 * The source of a package that a lockfile at `lockfile` takes from a local directory or file: the repository's own code where the path
 * stays inside the vetted root, else a file. Nothing on the disk is looked at.
 */
export function localSource(lockfile: string, path: string): PackageSource {
  const inside = pathInside(lockfile, path)
  return inside === undefined ? { kind: "file", path } : { kind: "workspace", path: inside }
}

/** A file that lies beside the lockfile, by its path from the vetted root, as errors name it. */
export function besideOf(lockfile: string, relative: string): string {
  return posix.join(posix.dirname(lockfile), relative)
}

/** `path`, which is relative to the directory of `lockfile`, as a path from the vetted root; undefined where it leads out of it. */
export function pathInside(lockfile: string, path: string): string | undefined {
  const forward = path.replaceAll("\\", "/")
  if (forward.startsWith("/") || forward.startsWith("~") || /^[a-z]:/i.test(forward) || forward.includes("\0"))
    return undefined
  const joined = posix.join(posix.dirname(lockfile), forward)
  if (joined === ".." || joined.startsWith("../")) return undefined
  return joined.length > 1 ? joined.replace(/\/+$/, "") : joined
}
