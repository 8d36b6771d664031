// A log's name where only simple names are allowed: in files and git refs.

/** `nanoguard/0123abcd` as `0123abcd`; of other origins whatever is not a letter, a digit or a hyphen becomes one. */
export function logId(origin: string): string {
  return origin
    .replace(/^nanoguard\//, "")
    .replace(/[^A-Za-z0-9-]/g, "-")
    .slice(0, 100)
}
