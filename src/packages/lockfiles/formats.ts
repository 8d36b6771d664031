// Which file is which format, and the reader for each. Readers load on first use: a vet of one npm lock pays for one.
import type { LockfileFormat, LockfileParser } from "../types.ts"

interface Format {
  format: LockfileFormat
  /** Matches a file's base name, in any case: where file names have none, a package manager finds Package-Lock.json too. */
  name: RegExp
  load: () => Promise<LockfileParser>
}

export const FORMATS: readonly Format[] = [
  {
    format: "npm-shrinkwrap.json",
    name: /^npm-shrinkwrap\.json$/i,
    load: async () => (await import("./npm.ts")).parseNpmLock,
  },
  {
    format: "package-lock.json",
    name: /^package-lock\.json$/i,
    load: async () => (await import("./npm.ts")).parseNpmLock,
  },
  { format: "pnpm-lock.yaml", name: /^pnpm-lock\.yaml$/i, load: async () => (await import("./pnpm.ts")).parsePnpmLock },
  { format: "yarn.lock", name: /^yarn\.lock$/i, load: async () => (await import("./yarn.ts")).parseYarnLock },
  { format: "bun.lock", name: /^bun\.lock$/i, load: async () => (await import("./bun.ts")).parseBunLock },
  {
    format: "requirements.txt",
    name: /^[\w.-]*requirements[\w.-]*\.txt$/i,
    load: async () => (await import("./requirements.ts")).parseRequirements,
  },
  {
    format: "Pipfile.lock",
    name: /^Pipfile\.lock$/i,
    load: async () => (await import("./pipfile.ts")).parsePipfileLock,
  },
  { format: "poetry.lock", name: /^poetry\.lock$/i, load: async () => (await import("./poetry.ts")).parsePoetryLock },
  { format: "uv.lock", name: /^uv\.lock$/i, load: async () => (await import("./uv.ts")).parseUvLock },
  { format: "pdm.lock", name: /^pdm\.lock$/i, load: async () => (await import("./pdm.ts")).parsePdmLock },
  {
    format: "pylock.toml",
    name: /^pylock(\.[^.]+)?\.toml$/i,
    load: async () => (await import("./pylock.ts")).parsePylock,
  },
  { format: "Cargo.lock", name: /^Cargo\.lock$/i, load: async () => (await import("./cargo.ts")).parseCargoLock },
  { format: "go.mod", name: /^go\.mod$/i, load: async () => (await import("./go.ts")).parseGoMod },
  {
    format: "cyclonedx",
    name: /^(bom|[\w.-]*\.cdx)\.json$/i,
    load: async () => (await import("./cyclonedx.ts")).parseCycloneDx,
  },
  { format: "spdx", name: /\.spdx\.json$/i, load: async () => (await import("./spdx.ts")).parseSpdx },
]

// Common names only: a search that took any text in such a directory for requirements would end at a note that somebody put there.
const IN_REQUIREMENTS =
  /(^|\/)requirements\/(base|common|core|main|all|prod|production|deploy|staging|dev|develop|development|local|tests?|testing|docs?|ci|lint|build|tools)\.txt$/i

/** The format of a file by its path with forward slashes: by its name, or as one of several requirements in a directory called that. */
export function formatOf(path: string): Format | undefined {
  const name = path.slice(path.lastIndexOf("/") + 1)
  return (
    FORMATS.find((format) => format.name.test(name)) ??
    (IN_REQUIREMENTS.test(path) ? FORMATS.find(({ format }) => format === "requirements.txt") : undefined)
  )
}
