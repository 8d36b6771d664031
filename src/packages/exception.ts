// The smallest exception that would let a package in: one code, one version, the advisories of today, three months.
import type { Verdict } from "../policy/types.ts"
import { isPlainVersion } from "./commands.ts"
import { purlOf } from "./purl.ts"
import type { Dependency } from "./types.ts"

const DAYS = 90

/** What the policy's schema takes for an id; a verdict writes "?" for characters that it does not show. */
const ADVISORY_ID = /^[A-Za-z0-9._:-]{1,80}$/

/**
 * A line for `packages.exceptions`; owner and reason are for a person to fill in. Undefined where the package's version is
 * not one or an advisory cannot be named, because an exception for every version or advisory is not the smallest.
 */
export function writeException(dependency: Dependency, verdict: Verdict, now: number): string | undefined {
  const { ecosystem, name, version } = dependency
  if (!isPlainVersion(ecosystem, version)) return undefined
  const purl = purlOf(ecosystem, name)
  const expires = new Date(now + DAYS * 86_400_000).toISOString().slice(0, 10)
  const range = `${ecosystem === "pypi" ? "==" : "="}${version}`
  const fields = [`allow: "${purl}"`, `versions: "${range}"`, `of: ${verdict.code}`]
  const ids = verdict.evidence.flatMap((item) => (item.kind === "advisory" ? [String(item["id"])] : []))
  if (ids.some((id) => !ADVISORY_ID.test(id))) return undefined
  if (ids.length > 0) fields.push(`advisories: ${JSON.stringify(ids).replaceAll(",", ", ")}`)
  return `- { ${fields.join(", ")}, owner: YOUR-ADDRESS, reason: WHY-IT-IS-FINE, expires: ${expires} }`
}
