// Which version of a project a file is, by the file's name, as installers tell it: what a listing shows and what is known of a
// version must speak of the same files.
import { normalisePythonName } from "../purl.ts"
import { canonicalPython } from "../versions/pypi.ts"

/** What a distribution's file may be called: it becomes a segment of an address and a word on a terminal. */
const FILENAME = /^[A-Za-z0-9_][A-Za-z0-9._+!-]{0,254}$/
/** Archives that installers or people have ever taken; case matters to them. */
const ARCHIVE =
  /^(.+?)(?:\.tar(?:\.(?:gz|bz2|xz|lz|lzma|Z|zst))?|\.tgz|\.tbz|\.txz|\.tlz|\.zip|\.egg|\.exe|\.msi|\.rpm|\.deb|\.dmg)$/
/** What eggs and old binary archives say after the version: `-py2.7`, `.win-amd64`, `.linux-x86_64`. */
const PLATFORM = /[.-](?:py[23](?:\.?\d{1,2})?|linux|win|macosx|cygwin|mingw|freebsd|solaris|aix)(?:[._-].*|\d.*)?$/

/**
 * The canonical version (PEP 440) of a file of the project `name` (PEP 503): wheels by PEP 427, source archives by PEP 625 and older ways
 * of naming, eggs and installers. Undefined for a file of another project, and where no version can be told. A version that PEP 440 does
 * not know is told, as it is, only where it is among `known`, the versions that an index lists.
 */
export function versionOfFile(filename: string, name: string, known?: ReadonlySet<string>): string | undefined {
  if (!FILENAME.test(filename)) return undefined
  if (filename.endsWith(".whl")) return wheelVersion(filename.slice(0, -4), name)
  const stem = ARCHIVE.exec(filename)?.[1]
  const rest = stem === undefined ? undefined : afterName(stem, name)
  if (rest === undefined) return undefined
  const bare = rest.replace(PLATFORM, "")
  return canonicalPython(rest) ?? canonicalPython(bare) ?? [rest, bare].find((version) => known?.has(version))
}

/** `name-version(-build)-python-abi-platform`; `_` in a version stands for a `-` (PEP 427, Escaping and Unicode). */
function wheelVersion(stem: string, name: string): string | undefined {
  const parts = stem.split("-")
  if (parts.length < 5 || parts.length > 6 || parts.includes("")) return undefined
  if (parts.length === 6 && !/^[0-9]/.test(parts[2]!)) return undefined
  if (normalisePythonName(parts[0]!) !== name) return undefined
  return canonicalPython(parts[1]!) ?? canonicalPython(parts[1]!.replaceAll("_", "-"))
}

/** What follows the project's name and a dash; old archives have names with dashes in them, and versions too. */
function afterName(stem: string, name: string): string | undefined {
  for (let dash = stem.indexOf("-"); dash !== -1; dash = stem.indexOf("-", dash + 1))
    if (normalisePythonName(stem.slice(0, dash)) === name) return stem.slice(dash + 1)
  return undefined
}
