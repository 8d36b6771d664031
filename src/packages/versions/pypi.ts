// PyPI: PEP 440 (the Version specifiers specification), by @renovatebot/pep440 except where it is narrower than pip.
import { clean, compare, explain, type Pep440Version, satisfies, valid, validRange } from "@renovatebot/pep440"
import { poetryAlternatives } from "./poetry.ts"
import type { RangeOptions } from "./rules.ts"

/** The usual case, which is canonical as it is. */
const PLAIN = /^(?:0|[1-9][0-9]{0,14})(?:\.(?:0|[1-9][0-9]{0,14})){0,7}$/

export function validPython(version: string): boolean {
  // Numbers of more digits would lose their last ones on the way through the library, and compare equal.
  return valid(version) !== null && !/[0-9]{16}/.test(version.replace(/\+.*$/, ""))
}

/**
 * The one spelling that PEP 440 gives a version (Normalization): `1.0-RC.1` is `1.0rc1`. Zeros at the end stay: `1.0` and `1.0.0` are equal
 * and yet two names. Undefined for what is no version.
 */
export function canonicalPython(version: string): string | undefined {
  if (PLAIN.test(version)) return version
  if (version.length > 256 || !validPython(version)) return undefined
  const [open = "", local] = version.split("+", 2)
  const parts = local?.split(/[._-]/).map((part) => (/^[0-9]+$/.test(part) ? part.replace(/^0+(?=.)/, "") : part))
  return clean(open) + (parts === undefined ? "" : `+${parts.join(".").toLowerCase()}`)
}

export function comparePython(a: string, b: string): number {
  return Math.sign(compare(a, b))
}

export function isPythonPrerelease(version: string): boolean {
  return explain(version)?.is_prerelease === true
}

/**
 * The version meets PEP 440 specifiers, or a constraint as Poetry writes it (`^1.2`, `1.2.3`, `^1 || ^2`), which is not
 * valid in PEP 440 and so never means anything else.
 */
export function satisfiesPython(version: string, range: string, options: RangeOptions): boolean {
  if (validRange(range)) return meets(version, range, options)
  return poetryAlternatives(range).some((alternative) => meets(version, alternative, options))
}

/**
 * All specifiers of a comma-separated list must hold. Pre-releases are in only where one of the specifiers names
 * one, or `prereleases` is true (Handling of pre-releases).
 */
function meets(version: string, range: string, options: RangeOptions): boolean {
  // As for versions: of longer numbers the library loses digits, and of hundreds of digits it makes infinity, and throws.
  if (!validRange(range) || /[0-9]{16}/.test(range.replace(/\+[a-z0-9._-]*/gi, ""))) return false
  const specifiers = range
    .split(",")
    .map((specifier) => specifier.trim())
    .filter((specifier) => specifier !== "")
  const admitted = options.prereleases === true || !isPythonPrerelease(version) || specifiers.some(namesPrerelease)
  return admitted && specifiers.every((specifier) => holds(version, specifier))
}

function namesPrerelease(specifier: string): boolean {
  return !specifier.startsWith("!=") && isPythonPrerelease(specifier.replace(/^[=<>~]+\s*|\.\*$/g, ""))
}

function holds(version: string, specifier: string): boolean {
  const [, operator = "", given = ""] = /^(===|[=<>!~]=|[<>])\s*(.*)$/.exec(specifier) ?? []
  if (operator === "<" || operator === ">") return holdsExclusive(version, operator, explain(given)!, given)
  // The library compares `==1.0.*` part by part and does not see 1 as 1.0.
  const padded = operator === "===" ? version : padRelease(version)
  return satisfies(padded, specifier, { prereleases: true })
}

/**
 * `<1.0` excludes the pre-releases of 1.0 unless it names one itself, `>1.0` its post-releases and local versions
 * likewise (Exclusive ordered comparison). The library excludes every version with the same release.
 */
function holdsExclusive(version: string, operator: "<" | ">", bound: Pep440Version, given: string): boolean {
  const parsed = explain(version)!
  const order = compare(version, given)
  const sameBase = compare(parsed.base_version, bound.base_version) === 0
  if (operator === "<") return order < 0 && !(sameBase && parsed.is_prerelease && !bound.is_prerelease)
  if (order <= 0) return false
  return !(sameBase && ((parsed.is_postrelease && !bound.is_postrelease) || parsed.local !== null))
}

/** Trailing zeros of the release segment never matter to the order, and eight parts are more than specifiers have. */
function padRelease(version: string): string {
  return version.replace(/^(v?(?:[0-9]+!)?)([0-9]+(?:\.[0-9]+)*)/i, (_all, before: string, release: string) => {
    const missing = 8 - release.split(".").length
    return before + release + ".0".repeat(Math.max(missing, 0))
  })
}
