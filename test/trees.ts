// Small lockfiles as npm writes them.
import { hashOf } from "./registry.ts"

/** An entry of `node_modules`: a version, or what npm writes of it beyond that. */
export type NpmEntry = string | (Record<string, unknown> & { version?: string | undefined })

/**
 * A package-lock.json (version 3) with every package in node_modules; those in `direct` (all where it is left out) are
 * dependencies of the project. Addresses lead to `base`, hashes are those of the test registry.
 */
export function npmLock(packages: Record<string, NpmEntry>, base = "https://registry.example", direct?: string[]) {
  const entries = Object.entries(packages).map(([name, given]) => {
    const entry = typeof given === "string" ? { version: given } : given
    const version = entry.version ?? "1.0.0"
    const file = `${name.split("/").at(-1)}-${version}.tgz`
    return [
      `node_modules/${name}`,
      { version, resolved: `${base}/${name}/-/${file}`, integrity: hashOf(name, version), ...entry },
    ]
  })
  const wanted = direct ?? Object.keys(packages)
  const dependencies = Object.fromEntries(wanted.map((name) => [name, "*"]))
  const root = { name: "project", version: "1.0.0", dependencies }
  const lock = {
    name: "project",
    version: "1.0.0",
    lockfileVersion: 3,
    packages: { "": root, ...Object.fromEntries(entries) },
  }
  return `${JSON.stringify(lock, null, 2)}\n`
}
