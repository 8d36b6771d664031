// Which file is which format, and the reader for each. Readers load on first use: a vet of one npm lock pays for one.
import type { LockfileFormat, LockfileParser } from "../types.ts"

interface Format {
  format: LockfileFormat
  /** Matches a file's base name. */
  name: RegExp
  load: () => Promise<LockfileParser>
}

export const FORMATS: readonly Format[] = [
  {
    format: "npm-shrinkwrap.json",
    name: /^npm-shrinkwrap\.json$/,
    load: async () => (await import("./npm.ts")).parseNpmLock,
  },
  {
    format: "package-lock.json",
    name: /^package-lock\.json$/,
    load: async () => (await import("./npm.ts")).parseNpmLock,
  },
  { format: "pnpm-lock.yaml", name: /^pnpm-lock\.yaml$/, load: async () => (await import("./pnpm.ts")).parsePnpmLock },
  { format: "yarn.lock", name: /^yarn\.lock$/, load: async () => (await import("./yarn.ts")).parseYarnLock },
  { format: "bun.lock", name: /^bun\.lock$/, load: async () => (await import("./bun.ts")).parseBunLock },
  {
    format: "requirements.txt",
    name: /^[\w.-]*requirements[\w.-]*\.txt$/,
    load: async () => (await import("./requirements.ts")).parseRequirements,
  },
  {
    format: "Pipfile.lock",
    name: /^Pipfile\.lock$/,
    load: async () => (await import("./pipfile.ts")).parsePipfileLock,
  },
  { format: "poetry.lock", name: /^poetry\.lock$/, load: async () => (await import("./poetry.ts")).parsePoetryLock },
  { format: "uv.lock", name: /^uv\.lock$/, load: async () => (await import("./uv.ts")).parseUvLock },
  { format: "pdm.lock", name: /^pdm\.lock$/, load: async () => (await import("./pdm.ts")).parsePdmLock },
  {
    format: "pylock.toml",
    name: /^pylock(\.[^.]+)?\.toml$/,
    load: async () => (await import("./pylock.ts")).parsePylock,
  },
  { format: "Cargo.lock", name: /^Cargo\.lock$/, load: async () => (await import("./cargo.ts")).parseCargoLock },
  { format: "go.mod", name: /^go\.mod$/, load: async () => (await import("./go.ts")).parseGoMod },
  {
    format: "cyclonedx",
    name: /^(bom|[\w.-]*\.cdx)\.json$/,
    load: async () => (await import("./cyclonedx.ts")).parseCycloneDx,
  },
  { format: "spdx", name: /\.spdx\.json$/, load: async () => (await import("./spdx.ts")).parseSpdx },
]
