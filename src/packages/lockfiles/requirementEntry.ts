// What one requirement of a requirements file is: a name, a version where it pins one, and where it comes from.
import type { PackageSource } from "../../policy/types.ts"
import { normalisePythonName } from "../purl.ts"
import type { ReadSibling } from "../types.ts"
import { isValidVersion } from "../versions.ts"
import { lockfileError, quote } from "./failure.ts"
import { sriOfHex, sriOfPair } from "./hashes.ts"
import { withoutCredentials } from "./origins.ts"
import { isPythonName, parseRequirement, pinnedVersion } from "./pep508.ts"
import { localSource } from "./places.ts"
import { type RequirementLine, VARIABLE } from "./requirementLines.ts"

export interface WantedPackage {
  name: string
  version: string
  /** Specifiers as written. */
  range: string
  /** Undefined: from an index. */
  source: PackageSource | undefined
  integrity: string[]
  /** The file states no name; this one was taken from the address. */
  unnamed: boolean
  line: RequirementLine
}

/**
 * Reads the requirement on a line; undefined on a line of options only. `lockfile` is where relative paths count from. Throws with file and line where
 * pip would not read it either.
 */
export function readWantedPackage(line: RequirementLine, lockfile: string): WantedPackage | undefined {
  const editable = line.options.find((option) => option.name === "--editable")?.value
  const text = line.text === "" ? editable : line.text
  if (text === undefined) return undefined
  const integrity = line.options.flatMap(({ name, value }) => (name === "--hash" ? readHash(value, line) : []))
  if (line.text === "" || isAddress(text)) return readAddress(text, integrity, line, lockfile)
  const requirement = parseRequirement(text)
  if (requirement === undefined) throw notRequirement(text, line)
  const { name, range, url } = requirement
  if (url !== "") return { ...readAddress(url, integrity, line, lockfile), name, unnamed: false }
  const version = pinnedVersion(range)
  if (version !== "" && !isValidVersion("pypi", version)) {
    throw lockfileError(`${quote(version)} is not a version`, placeOf(line), "pin a version as the index spells it")
  }
  return { name, version, range, source: undefined, integrity, unnamed: false, line }
}

function readHash(value: string, line: RequirementLine): string {
  const hash = sriOfPair(value)
  if (hash === undefined)
    throw lockfileError(`${quote(value)} is not a hash`, placeOf(line), "write it as `sha256:` and 64 hex digits")
  return hash
}

/** As pip tells a path or an address from a name: a scheme, a separator, or the ending of an archive. */
function isAddress(text: string): boolean {
  const word = text.split(/\s/, 1)[0]!
  return (
    /^[a-z][a-z0-9+.-]*:/i.test(word) ||
    /^(\.|~|[/\\])/.test(word) ||
    (!text.includes("@") && /[/\\]/.test(word)) ||
    isArchive(word)
  )
}

function isArchive(path: string): boolean {
  return /\.(whl|zip|tgz|tar(\.(gz|bz2|xz|lzma|Z))?)$/i.test(path.replace(/[?#].*$/, "").replace(/\[[^[\]]*\]$/, ""))
}

function readAddress(text: string, hashes: string[], line: RequirementLine, lockfile: string): WantedPackage {
  // Extras and a marker may follow: `./lib[extra] ; python_version > "3"`.
  const address = text.split(/\s+;/, 1)[0]!.trim()
  if (/[\s\x00-\x1f\x7f]/.test(address)) throw notRequirement(text, line)
  const bare = address.replace(/\[[\w\s,.-]*\]$/, "")
  const [place = "", fragment = ""] = bare.split(/#(.*)/s)
  const named = /(?:^|&)egg=([^&[]+)/.exec(fragment)?.[1]
  const hashed = /(?:^|&)(sha(?:1|224|256|384|512)|md5)=([0-9a-fA-F]+)/.exec(fragment)
  const sri = hashed === null ? undefined : sriOfHex(hashed[1]!, hashed[2]!)
  const integrity = sri === undefined ? hashes : [...hashes, sri]
  const source = sourceOf(place, lockfile)
  const file =
    place
      .replace(/[?].*$/, "")
      .replace(/[/\\]+$/, "")
      .split(/[/\\]/)
      .at(-1) ?? ""
  const archive = source.kind === "git" ? undefined : nameInArchive(file)
  const name = named !== undefined && isPythonName(named) ? normalisePythonName(named) : archive?.name
  const fallback = file.replace(/@.*$/, "").replace(/\.git$/, "")
  return {
    name: name ?? (isPythonName(fallback) ? normalisePythonName(fallback) : "unnamed"),
    version: archive?.version ?? "",
    range: "",
    source,
    integrity,
    unnamed: name === undefined,
    line,
  }
}

function notRequirement(text: string, line: RequirementLine): Error {
  return lockfileError(`${quote(text)} is not a requirement`, placeOf(line), "repair or delete it")
}

function sourceOf(place: string, lockfile: string): PackageSource {
  if (/^(git|hg|svn|bzr)\+/i.test(place)) return { kind: "git", url: withoutCredentials(place) }
  if (/^file:/i.test(place)) return { kind: "file", path: place.replace(/^file:(\/\/(localhost)?)?/i, "") }
  // `${SERVER}/x` is no directory of the repository: what it is only pip's environment says.
  if (/^[a-z][a-z0-9+.-]+:/i.test(place) || VARIABLE.test(place)) return { kind: "url", url: withoutCredentials(place) }
  return isArchive(place) ? { kind: "file", path: place } : localSource(lockfile, place)
}

/** Name and version out of `name-1.0-py3-none-any.whl` or `name-1.0.tar.gz`. */
function nameInArchive(file: string): { name: string; version: string } | undefined {
  if (!isArchive(file)) return undefined
  const decoded = file.replaceAll("%2B", "+").replaceAll("%2b", "+")
  const stem = decoded.replace(/\.(whl|zip|tgz|tar(\.\w+)?)$/i, "")
  const wheel = /\.whl$/i.test(file) ? stem.split("-") : undefined
  const dash = stem.lastIndexOf("-")
  const [name, version] = wheel ? [wheel[0]!, wheel[1] ?? ""] : [stem.slice(0, dash), stem.slice(dash + 1)]
  return isPythonName(name) && isValidVersion("pypi", version)
    ? { name: normalisePythonName(name), version }
    : undefined
}

function placeOf({ file, line }: RequirementLine): { file: string; line: number } {
  return { file, line }
}

/** The directory of a local project that a requirement installs, where it is the one that the file itself lies in. */
export function isOwnProject(wanted: WantedPackage, lockfile: string): boolean {
  const own = localSource(lockfile, ".")
  return wanted.source?.kind === "workspace" && own.kind === "workspace" && wanted.source.path === own.path
}

/**
 * Whatever `-r` and `-c` name, as a path relative to the directory of the first file; undefined for an address. Throws where it has a
 * backslash: between directories on Windows, part of a file's name elsewhere.
 */
export function nestedPath(value: string, line: RequirementLine): string | undefined {
  if (VARIABLE.test(value)) {
    const hint = "write the path itself"
    throw lockfileError(`which file ${quote(value)} is, only pip's environment says`, placeOf(line), hint)
  }
  if (/^[a-z][a-z0-9+.-]+:/i.test(value)) return undefined
  if (value.includes("\\")) {
    const hint = "write `/` between directories, which pip reads everywhere"
    throw lockfileError(`${quote(value)} has a backslash, which is another file on each system`, placeOf(line), hint)
  }
  return value
}

/** Reads a nested file; throws where it does not exist or lies outside the repository. */
export function readNested(readSibling: ReadSibling, path: string, value: string, line: RequirementLine): string {
  const text = readSibling(path, "as-opened")
  if (text === undefined) {
    throw lockfileError(
      `it refers to ${quote(value)}, which is not in the repository`,
      line,
      "add the file, or drop the line",
    )
  }
  return text
}
