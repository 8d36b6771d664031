// yarn.lock of yarn 1: a flat list of what each wanted pattern (`name@range`) was resolved to. It has no project in it, so
// package.json says what is direct and what is for development.
import type { PackageSource } from "../../policy/types.ts"
import { purlOf } from "../purl.ts"
import type { Dependency, Lockfile, ReadSibling } from "../types.ts"
import { lockfileError } from "./failure.ts"
import { classify, type KindEdge, MAX_EDGES, tooManyEdges } from "./flags.ts"
import { hexToIntegrity, readIntegrity } from "./integrity.ts"
import { nameOf, rangesIn, readManifest } from "./manifest.ts"
import { type Notes, newNotes, summarise, warningsOf } from "./notes.ts"
import { assertNamed } from "./npmNames.ts"
import { DEFAULT_REGISTRY, gitSource, sourceOfUrl } from "./sources.ts"
import { type ClassicEntry, readClassicText } from "./yarnClassicText.ts"

const ROOT = "" // no pattern is empty
const MAX_TEXT = 4096
const MANIFEST_FIELDS = [
  ["dependencies", "prod"],
  ["devDependencies", "dev"],
  ["optionalDependencies", "optional"],
] as const

/** Reads a yarn 1 lockfile, with package.json beside it where there is one. */
export async function parseClassicLock(text: string, path: string, readSibling: ReadSibling): Promise<Lockfile> {
  const manifest = await readManifest(path, readSibling)
  const entries = readClassicText(text, path)
  const byPattern = new Map<string, Dependency>()
  const byName = new Map<string, Dependency[]>()
  const notes = newNotes()
  const dependencies = entries.map((entry) => {
    const dependency = readEntry(entry, path, notes)
    for (const pattern of entry.patterns) byPattern.set(pattern, dependency)
    const name = dependency.alias ?? dependency.name
    const named = byName.get(name)
    if (named === undefined) byName.set(name, [dependency])
    else named.push(dependency)
    return dependency
  })
  const edges: KindEdge[] = []
  const wanted = new Set<string>()
  const absent = new Set<string>()
  const want = (from: string, name: string, range: string, kind: KindEdge["kind"]) => {
    wanted.add(`${name}@${range}`)
    const exact = byPattern.get(`${name}@${range}`)
    // "resolutions" in package.json replace ranges, so that none of the entries answers the one that is asked for.
    if (exact === undefined && !byName.has(name)) absent.add(name)
    if (edges.length > MAX_EDGES) throw tooManyEdges(path)
    for (const { key } of exact === undefined ? (byName.get(name) ?? []) : [exact])
      edges.push({ from, to: key, range, kind })
  }
  for (const [index, entry] of entries.entries()) {
    const { key } = dependencies[index]!
    for (const [name, range] of entry.blocks.get("dependencies") ?? []) want(key, name, range, "prod")
    for (const [name, range] of entry.blocks.get("optionalDependencies") ?? []) want(key, name, range, "optional")
  }
  for (const [field, kind] of MANIFEST_FIELDS) {
    for (const [name, range] of rangesIn(manifest, field)) want(ROOT, name, range, kind)
  }
  // What nobody here wants, a workspace's manifest must want; whether for development is not known.
  const hasOtherManifests = manifest === undefined || manifest["workspaces"] !== undefined
  for (const [pattern, { key }] of hasOtherManifests ? byPattern : []) {
    if (!wanted.has(pattern)) edges.push({ from: ROOT, to: key, range: rangeOf(pattern), kind: "prod" })
  }
  const roots = [{ key: ROOT, name: nameOf(manifest, "") }]
  classify(dependencies, edges, roots)
  const direct = new Set(edges.filter((edge) => edge.from === ROOT).map((edge) => edge.to))
  for (const dependency of dependencies) dependency.direct = direct.has(dependency.key)
  const lines = new Map(entries.map((entry) => [entry.patterns[0]!, entry.line]))
  const warnings = warningsOf(notes)
  if (manifest?.["workspaces"] === undefined) {
    warnings.push(...summarise([...absent], "wanted and not in the file, which may be cut off"))
  }
  if (manifest === undefined) {
    warnings.push("there is no package.json beside it: what is for development only cannot be told")
  }
  return {
    path,
    format: "yarn.lock",
    formatVersion: "1",
    dependencies,
    edges,
    roots,
    warnings,
    lineOf: (key) => lines.get(key) ?? 1,
  }
}

function readEntry(entry: ClassicEntry, file: string, notes: Notes): Dependency {
  const fail = (message: string) =>
    lockfileError(message, { file, line: entry.line }, "let yarn write it again: `yarn install`")
  const key = entry.patterns[0]!
  const version = entry.fields.get("version")
  const resolved = entry.fields.get("resolved")
  if (version === undefined) throw fail("an entry without a version: the file is cut off or was edited")
  if (key.length > MAX_TEXT || version.length > MAX_TEXT) throw fail("an entry with an overlong name or version")
  const installed = entry.patterns.map(nameIn)
  // yarn writes the name where a file or git pattern is called otherwise than the package in it.
  const stated = entry.fields.get("name")
  const name = stated ?? realName(key)
  if (name === "" || (stated === undefined && entry.patterns.some((pattern) => realName(pattern) !== name)))
    throw fail("one entry for packages of several names")
  const integrity = readIntegrity(entry.fields.get("integrity"))
  if (integrity.length === 0 && entry.fields.has("integrity")) notes.malformedHash.push(key)
  const sha1 = /#([0-9a-f]{40})$/.exec(resolved ?? "")?.[1]
  const source = sourceOf(key, resolved, name, version)
  // Without an address yarn asks the registry for the pattern's name, whatever else is stated.
  if (resolved === undefined && source.kind === "registry" && name !== realName(key))
    throw fail("a name that is not the one yarn would ask for")
  const dependency: Dependency = {
    purl: purlOf("npm", name, version),
    ecosystem: "npm",
    name,
    version,
    source,
    // yarn before 1.10 wrote the hash into the address only; for git that is the commit.
    integrity:
      integrity.length === 0 && sha1 !== undefined && source.kind !== "git"
        ? [hexToIntegrity("sha1", sha1)]
        : integrity,
    dev: false,
    optional: false,
    peer: false,
    direct: false,
    key,
  }
  const alias = installed.find((other) => other !== name)
  if (alias !== undefined) dependency.alias = alias
  assertNamed(dependency, fail)
  return dependency
}

function sourceOf(pattern: string, resolved: string | undefined, name: string, version: string): PackageSource {
  const range = rangeOf(pattern)
  if (resolved === undefined) {
    if (/^(file:|link:|portal:|\.{0,2}\/)/.test(range))
      return { kind: "file", path: range.replace(/^(file|link|portal):/, "") }
    return gitSource(range) ?? DEFAULT_REGISTRY
  }
  const git = gitSource(resolved)
  if (git !== undefined) return git
  if (/^https?:/.test(resolved)) return sourceOfUrl(resolved, name, version)
  if (resolved.startsWith("file:")) return { kind: "file", path: resolved.slice(5).replace(/#.*$/s, "") }
  // A name without an address lies in yarn's offline mirror.
  return { kind: "file", path: resolved.replace(/#.*$/s, "") }
}

/** The name that a pattern installs under. */
function nameIn(pattern: string): string {
  const at = pattern.indexOf("@", 1)
  return at < 0 ? pattern : pattern.slice(0, at)
}

function rangeOf(pattern: string): string {
  const at = pattern.indexOf("@", 1)
  return at < 0 ? "" : pattern.slice(at + 1)
}

/** The name of what is downloaded: `alias@npm:real@1` is `real`. */
function realName(pattern: string): string {
  const range = rangeOf(pattern)
  return range.startsWith("npm:") && range.length > 4 ? nameIn(range.slice(4)) : nameIn(pattern)
}
