// A package-lock.json of any size with the shape of real ones: nested folders, flags, ranges, integrity.
import { createHash } from "node:crypto"
import { readFileSync } from "node:fs"
import { PackageURL, UrlConverter } from "@socketregistry/packageurl-js"

const popular = readFileSync(new URL("../../data/popular/npm.txt", import.meta.url), "utf8")
  .trimEnd()
  .split("\n")

/**
 * Name of the n-th package; shared with the advisory generator, so that some of them have records. In real trees 99 names of
 * 100 are on the list of well-known ones, and only the others are compared with it letter by letter: here it is 95.
 */
export function packageName(n: number): string {
  const known = n % 20 === 19 ? undefined : popular[n]
  return known ?? (n % 40 === 39 ? `@scope${n % 7}/package-${n}` : `package-${n}`)
}

/** The address of an archive on the ecosystem's own registry, as locks have it. */
function addressOf(name: string, version: string): string {
  const slash = name.indexOf("/")
  const purl = new PackageURL(
    "npm",
    slash < 0 ? undefined : name.slice(0, slash),
    name.slice(slash + 1),
    version,
    undefined,
    undefined,
  )
  return UrlConverter.toDownloadUrl(purl)!.url
}

/**
 * A v3 lock with `size` packages, each wanting up to three later ones; 1 in 25 is nested, 1 in 4 for development only. With
 * `major` 0 the versions are as old as what advisories are about; with a high one, the tree is up to date and has no findings.
 */
export function makeLock(size: number, major = 0): string {
  const packages: Record<string, unknown> = {
    "": {
      name: "bench",
      version: "1.0.0",
      dependencies: Object.fromEntries(
        range(0, Math.min(20, size)).map((n) => [packageName(n), `^${major + (n % 5)}.0.0`]),
      ),
    },
  }
  for (const n of range(0, size)) {
    const path =
      n % 25 === 24
        ? `node_modules/${packageName(n - 1)}/node_modules/${packageName(n)}`
        : `node_modules/${packageName(n)}`
    const wants = [n * 2 + 1, n * 2 + 2, n + 7].filter((other) => other > n && other < size)
    packages[path] = {
      version: `${major + (n % 5)}.${n % 17}.${n % 11}`,
      resolved: addressOf(packageName(n), `${major + (n % 5)}.${n % 17}.${n % 11}`),
      integrity: `sha512-${createHash("sha512").update(String(n)).digest("base64")}`,
      ...(n % 4 === 3 && { dev: true }),
      license: "MIT",
      ...(wants.length && {
        dependencies: Object.fromEntries(wants.map((other) => [packageName(other), `^${major + (other % 5)}.0.0`])),
      }),
      engines: { node: ">=18" },
    }
  }
  return `${JSON.stringify({ name: "bench", version: "1.0.0", lockfileVersion: 3, requires: true, packages }, null, 2)}\n`
}

function range(from: number, to: number): number[] {
  return Array.from({ length: to - from }, (_, index) => from + index)
}
