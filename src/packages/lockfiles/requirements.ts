// requirements.txt, with the files that it includes.
import { posix } from "node:path"
import { normalisePythonName } from "../purl.ts"
import type { Dependency, Lockfile, ReadSibling } from "../types.ts"
import { countOf, createEdges, createEntry, groupByName, markDirect, uniqueKey } from "./entries.ts"
import { lockfileError, quote } from "./failure.ts"
import { pinnedVersion } from "./pep508.ts"
import { isOwnProject, nestedPath, readNested, readWantedPackage, type WantedPackage } from "./requirementEntry.ts"
import { type RequirementLine, readRequirementLines } from "./requirementLines.ts"
import { findOrigins, type Indexes } from "./requirementOrigins.ts"

const MAX_DEPTH = 20
/** Files read in all, each time that one is included, and their characters. */
const MAX_READS = 1000
const MAX_READ = 128 * 1024 * 1024

/** Everything that the file and those it includes say, in pip's order. */
interface Collected extends Indexes {
  wanted: { package: WantedPackage; line: number }[]
  constraints: Map<string, string>
  trustedHosts: number
  remoteFiles: number
  /** Files whose packages are known. */
  seen: FileRead[]
  reads: number
  read: number
}

/** A file as it was included. By its text as well: through links one path may lead to several files. */
interface FileRead {
  constraint: boolean
  place: string
  text: string
}

/**
 * Reads requirements.txt. Every line is an entry, direct unless a `# via` comment (pip-compile, uv) says who wants it; edges come from these
 * comments. A line that pins no version has the version of a constraint, else "" and a warning. Markers are not evaluated: what
 * one platform leaves out another one installs. Lines of included files count as on the line that includes them.
 */
export async function parseRequirements(text: string, path: string, readSibling: ReadSibling): Promise<Lockfile> {
  const all: Collected = {
    wanted: [],
    constraints: new Map(),
    index: "",
    extraIndexes: [],
    findLinks: [],
    noIndex: false,
    trustedHosts: 0,
    remoteFiles: 0,
    seen: [],
    reads: 0,
    read: 0,
  }
  collect(all, {
    text,
    relative: posix.basename(path),
    path,
    readSibling,
    within: [],
    topLine: undefined,
    constraint: false,
  })
  const origins = await findOrigins(all)
  const taken = new Set<string>()
  const root = uniqueKey(".", taken)
  const dependencies: Dependency[] = []
  const packages = new Map<string, WantedPackage>()
  const lines = new Map<string, number>()
  for (const { package: wanted, line } of all.wanted) {
    if (isOwnProject(wanted, path)) continue
    const { name, integrity } = wanted
    const version =
      wanted.version === "" && wanted.source === undefined ? (all.constraints.get(name) ?? "") : wanted.version
    const source = wanted.source ?? (integrity.length > 0 ? origins.index : origins.unhashed)
    const entry = createEntry({ ecosystem: "pypi", name, version, source, integrity }, taken)
    dependencies.push(entry)
    packages.set(entry.key, wanted)
    lines.set(entry.key, line)
  }
  const edges = linkRequirements(dependencies, packages, root, path)
  const roots = [{ key: root, name: "." }]
  markDirect({ dependencies, edges, roots })
  const warnings = [...warningsOf(all, dependencies, packages), ...origins.warnings]
  const lineOf = (key: string): number => lines.get(key) ?? 1
  return { path, format: "requirements.txt", formatVersion: "", dependencies, edges, roots, warnings, lineOf }
}

interface FileToRead {
  text: string
  /** Relative to the directory of the first file, as the steps of includes have it. */
  relative: string
  path: string
  readSibling: ReadSibling
  /** The files that led here. */
  within: readonly FileRead[]
  /** Line of the first file that led here. */
  topLine: number | undefined
  constraint: boolean
}

/**
 * What a file says counts again each time that it is included, as for pip: the last `--index-url` may be that of a file that was read before.
 * Its packages are the same each time. One that includes itself would never end, and is not read again.
 */
function collect(all: Collected, file: FileToRead): void {
  const own = { constraint: file.constraint, place: posix.normalize(file.relative), text: file.text }
  const isOwn = (other: FileRead) =>
    other.place === own.place && other.constraint === own.constraint && other.text === own.text
  if (file.within.some(isOwn)) return
  const isKnown = all.seen.some(isOwn)
  if (!isKnown) all.seen.push(own)
  all.reads++
  all.read += file.text.length
  const shown = posix.join(posix.dirname(file.path), file.relative)
  if (all.reads > MAX_READS || all.read > MAX_READ)
    throw lockfileError("files include each other too often", { file: shown }, "include each file once")
  const within = [...file.within, own]
  for (const line of readRequirementLines(file.text, shown)) {
    const topLine = file.topLine ?? line.line
    const wanted = readWantedPackage(line, own.place === posix.basename(file.path) ? file.path : shown)
    if (wanted !== undefined) {
      if (file.constraint) addConstraint(all, wanted)
      else if (!isKnown) all.wanted.push({ package: wanted, line: topLine })
      continue
    }
    refuseBesideInclude(line)
    for (const option of line.options) applyOption(all, option, line, { ...file, within, topLine })
  }
}

/** pip reads the first `-r` of a line, else the first `-c`, and forgets what else stands there: other files and an index too. */
function refuseBesideInclude(line: RequirementLine): void {
  if (line.options.length > 1 && line.options.some(({ name }) => name === "--requirement" || name === "--constraint"))
    throw lockfileError(
      "other options beside `-r` or `-c`, which pip does not read",
      line,
      "write each on its own line",
    )
}

/** A constraint only narrows: it pins what is wanted elsewhere. Two different pins contradict each other, and pip stops. */
function addConstraint(all: Collected, { name, range, source, line }: WantedPackage): void {
  if (source !== undefined)
    throw lockfileError("a constraint by an address: pip installs from there", line, "require it by that address")
  const version = pinnedVersion(range)
  if (version === "") return
  // Under different markers several pins are possible; which one counts depends on the machine, so none does.
  const other = all.constraints.get(name)
  all.constraints.set(name, other === undefined || other === version ? version : "")
  if (line.text.includes(";")) all.constraints.set(name, "")
}

function applyOption(
  all: Collected,
  option: RequirementLine["options"][number],
  line: RequirementLine,
  file: FileToRead,
): void {
  const { name, value } = option
  if (name === "--requirement" || name === "--constraint") include(all, value, name === "--constraint", line, file)
  else if (name === "--index-url" || name === "--pypi-url") all.index = value
  else if (name === "--extra-index-url") all.extraIndexes.push(value)
  else if (name === "--find-links") all.findLinks.push(value)
  else if (name === "--no-index") all.noIndex = true
  else if (name === "--trusted-host") all.trustedHosts++
}

function include(all: Collected, value: string, constraint: boolean, line: RequirementLine, file: FileToRead): void {
  const nested = nestedPath(value, line)
  if (nested === undefined) {
    if (!constraint) {
      const hint = "commit the file beside this one and include that"
      throw lockfileError(`it installs what stands at ${quote(value)}, which is not in the repository`, line, hint)
    }
    all.remoteFiles++
    return
  }
  if (file.within.length > MAX_DEPTH)
    throw lockfileError(`files include each other more than ${MAX_DEPTH} levels deep`, {
      file: line.file,
      line: line.line,
    })
  const directory = posix.dirname(file.relative)
  const relative = nested.startsWith("/") || directory === "." ? nested : `${directory}/${nested}`
  const text = readNested(file.readSibling, relative, value, line)
  collect(all, { ...file, text, relative, constraint })
}

function linkRequirements(
  dependencies: readonly Dependency[],
  packages: ReadonlyMap<string, WantedPackage>,
  root: string,
  path: string,
) {
  const byName = groupByName(dependencies)
  const edges = createEdges(path)
  for (const { key, name } of dependencies) {
    const { line, range } = packages.get(key)!
    const via = line.via
      .map((text) => text.replace(/\[.*$/, "").trim())
      .filter((text) => text !== "" && !text.startsWith("-c "))
    for (const text of via) {
      const parents = byName.get(normalisePythonName(text))?.filter((parent) => parent.name !== name)
      // What is not in the file is the project, or the file that this one was compiled from.
      if (parents === undefined) edges.add(root, key, range)
      else for (const parent of parents) edges.add(parent.key, key, "")
    }
    if (via.length === 0) edges.add(root, key, range)
  }
  return edges.list
}

function warningsOf(
  all: Collected,
  dependencies: readonly Dependency[],
  packages: ReadonlyMap<string, WantedPackage>,
): string[] {
  const warnings: string[] = []
  const unpinned = dependencies.filter((entry) => entry.version === "" && entry.source.kind === "registry").length
  if (unpinned > 0)
    warnings.push(`${countOf(unpinned, "requirement")} without an exact version: which one pip installs is not known`)
  const unnamed = [...packages.values()].filter((wanted) => wanted.unnamed).length
  if (unnamed > 0) warnings.push(`${countOf(unnamed, "requirement")} without a name: it was taken from the address`)
  if (all.wanted.some((one) => one.package.source?.kind === "workspace")) {
    warnings.push("local projects are installed: what they depend on is not in this file unless it is listed too")
  }
  if (all.remoteFiles > 0) warnings.push(`${countOf(all.remoteFiles, "constraints file")} at an address: not read`)
  if (all.trustedHosts > 0) warnings.push("--trusted-host: certificates of these hosts are not checked")
  const locked = [...packages.values()].some((wanted) => wanted.integrity.length > 0 || wanted.line.via.length > 0)
  if (!locked && dependencies.length > 0) {
    warnings.push("neither hashes nor `# via` comments: what pip installs besides the listed packages is not known")
  }
  return warnings
}
