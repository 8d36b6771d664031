// Packages that nobody published, for benches that want thousands: ten versions each, of some kilobytes.
import { createHash } from "node:crypto"

const DAY = 86_400_000

/** Bytes of a version: any will do, as long as they are always the same. */
export function makeArchive(name: string, version: string): Buffer {
  return Buffer.from(`${name}@${version}\n`.repeat(200))
}

/** A full document whose archives are at `base`. */
export function makePackument(name: string, base: string): object {
  const time: Record<string, string> = {}
  const versions: Record<string, object> = {}
  for (let minor = 0; minor < 10; minor++) {
    const version = `1.${minor}.0`
    const integrity = `sha512-${createHash("sha512").update(makeArchive(name, version)).digest("base64")}`
    time[version] = new Date(Date.now() - (100 - minor) * DAY).toISOString()
    versions[version] = {
      ...{ name, version, license: "MIT", description: "A package of the bench", _id: `${name}@${version}` },
      dependencies: Object.fromEntries(Array.from({ length: 6 }, (_, n) => [`synthetic-${n}`, `^1.${n}.0`])),
      scripts: { test: "node --test" },
      dist: { tarball: `${base}/${name}/-/${name}-${version}.tgz`, integrity },
    }
  }
  return { _id: name, name, "dist-tags": { latest: "1.9.0" }, versions, time, maintainers: [{ name: "bench" }] }
}
