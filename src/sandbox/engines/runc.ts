// Known ways out of a container through its runtime, by the runtime's version.

/** The first releases of each line in which they are closed. */
const FIXED = [
  { below: [1, 1, 12], cve: "CVE-2024-21626" },
  { below: [1, 2, 8], cve: "CVE-2025-31133, CVE-2025-52565 and CVE-2025-52881" },
] as const

/**
 * A warning where that runc has known holes, by its version as an engine tells it (`1.1.5+ds1-1+deb12u1`, `v1.3.0-0-g4ca628d1`).
 * A distribution may have closed them in an older version, which its number does not say.
 */
export function runcWarning(version: string): string | undefined {
  const found = /(\d+)\.(\d+)\.(\d+)(-rc)?/.exec(version)
  if (found === null) return undefined
  const number = found.slice(1, 4).map(Number)
  const open = FIXED.filter(({ below }) => isBelow(number, below)).map(({ cve }) => cve)
  // 1.3.0 to 1.3.2 are of a line of their own.
  if (number[0] === 1 && number[1] === 3 && isBelow(number, [1, 3, 3])) open.push(FIXED[1].cve)
  if (open.length === 0) return undefined
  return `runc ${found[0]} has known escapes (${open.join(", ")}) unless your distribution closed them: update runc to 1.2.8, 1.3.3 or later`
}

function isBelow(version: readonly number[], other: readonly number[]): boolean {
  const at = other.findIndex((part, index) => version[index] !== part)
  return at !== -1 && (version[at] ?? 0) < (other[at] ?? 0)
}
