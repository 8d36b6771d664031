// The smallest exception that would let a package in: one code, one version, three months.
import type { Verdict } from "../policy/types.ts"
import { isPlainVersion } from "./commands.ts"
import { purlOf } from "./purl.ts"
import type { Dependency } from "./types.ts"

const DAYS = 90

/**
 * A line for `packages.exceptions`; owner and reason are for a person to fill in. Undefined where the package's version is
 * not one, because an exception for every version is not the smallest.
 */
export function writeException(dependency: Dependency, verdict: Verdict, now: number): string | undefined {
  const { ecosystem, name, version } = dependency
  if (!isPlainVersion(ecosystem, version)) return undefined
  const purl = purlOf(ecosystem, name)
  const expires = new Date(now + DAYS * 86_400_000).toISOString().slice(0, 10)
  const range = `${ecosystem === "pypi" ? "==" : "="}${version}`
  const fields = [`allow: "${purl}"`, `versions: "${range}"`, `of: ${verdict.code}`]
  return `- { ${fields.join(", ")}, owner: YOUR-ADDRESS, reason: WHY-IT-IS-FINE, expires: ${expires} }`
}
