// pnpm-lock.yaml: versions 5.x (pnpm 3 to 7), 6.x (8) and 9.0 (9 and later). From pnpm 11 on a document may come first that
// locks pnpm itself and the packages of its configuration; it is vetted too.
import type { Lockfile, LockfileParser } from "../types.ts"
import { lineCounter, lockfileError } from "./failure.ts"
import { classify } from "./flags.ts"
import { isObject, type JsonObject } from "./json.ts"
import { readPnpmDocument } from "./pnpmDocument.ts"
import type { PnpmFamily } from "./pnpmKeys.ts"
import { parseYaml, yamlKeys } from "./yaml.ts"

const WRITE_AGAIN = "let pnpm write it again: `pnpm install --lockfile-only`"
const FAMILIES: readonly [RegExp, PnpmFamily][] = [
  [/^5(\.[0-9])?$/, 5],
  [/^6\.[01]$/, 6],
  [/^9\.0$/, 9],
]

/** Reads a pnpm-lock.yaml, its project document and the one for pnpm itself where there is one. */
export const parsePnpmLock: LockfileParser = (text, path) => {
  const documents = parseYaml(text, path).filter((document) => document !== "" && document !== null)
  if (documents.length === 0) throw lockfileError("the file is empty", { file: path, line: 1 }, WRITE_AGAIN)
  const lines = lineIndex(text)
  const parts = documents.map((document, index) => {
    const lineOf = (section: string, key: string) => lines(index, section, key) || 1
    if (!isObject(document)) throw lockfileError("a lockfile has to be a mapping", { file: path, line: 1 }, WRITE_AGAIN)
    const { family, version } = familyOf(document, path, () => lineOf("", "lockfileVersion"))
    const prefix = isOwnDocument(document) ? "pnpm:" : ""
    const fail = (section: string, key: string, message: string) =>
      lockfileError(message, { file: path, line: lineOf(section, key) }, WRITE_AGAIN)
    return { version, prefix, index, document: readPnpmDocument(document, family, prefix, fail) }
  })
  if (parts.length > 2 || parts.filter((part) => part.prefix === "").length > 1) {
    throw lockfileError("several documents in one file", { file: path, line: 1 }, WRITE_AGAIN)
  }
  const roots = parts.flatMap((part) => part.document.roots)
  const dependencies = parts.flatMap((part) => part.document.dependencies)
  const edges = parts.flatMap((part) => part.document.edges)
  for (const { version, document } of parts) {
    const stated = version.startsWith("9")
      ? undefined
      : document.dependencies.map(({ dev, optional, peer }) => ({ dev, optional, peer }))
    classify(document.dependencies, document.edges, document.roots)
    // Older versions write the flags down, and pnpm does not go by them: what production reaches is installed for it.
    for (const [index, flags] of stated?.entries() ?? []) {
      const dependency = document.dependencies[index]!
      Object.assign(dependency, { ...flags, dev: flags.dev && dependency.dev })
    }
  }
  return {
    path,
    format: "pnpm-lock.yaml",
    formatVersion: parts.at(-1)!.version,
    dependencies,
    edges,
    roots,
    warnings: parts.flatMap((part) => part.document.warnings),
    lineOf: (key) => {
      const part =
        parts.find(({ prefix }) => prefix !== "" && key.startsWith(prefix)) ?? parts.find(({ prefix }) => prefix === "")
      if (part === undefined) return 1
      const own = key.slice(part.prefix.length)
      return lines(part.index, "packages", own) || lines(part.index, "importers", own.replace(/^importer:/, "")) || 1
    },
  } satisfies Lockfile
}

function familyOf(document: JsonObject, file: string, lineOf: () => number): { family: PnpmFamily; version: string } {
  const version = document["lockfileVersion"]
  if (typeof version === "string") {
    const known = FAMILIES.find(([pattern]) => pattern.test(version))
    if (known) return { family: known[1], version }
  }
  const message = version === undefined ? "it has no lockfileVersion" : "this lockfileVersion is not known"
  throw lockfileError(
    message,
    { file, line: lineOf() },
    "nanoguard reads 5.0 to 5.4, 6.0, 6.1 and 9.0: lock again with a pnpm that writes one of them",
  )
}

/** The document that pnpm keeps for itself has importers with fields that a project's have not. */
function isOwnDocument(document: JsonObject): boolean {
  const importers = document["importers"]
  if (!isObject(importers)) return false
  return Object.values(importers).some(
    (importer) =>
      isObject(importer) &&
      (importer["configDependencies"] !== undefined || importer["packageManagerDependencies"] !== undefined),
  )
}

/** Line of a key at the top ("" as section) or in a section of a document; 0 where it is not there. Scans on the first question. */
function lineIndex(text: string): (document: number, section: string, key: string) => number {
  let offsets: Map<string, number> | undefined
  const lineAt = lineCounter(text)
  return (document, section, key) => {
    if (offsets === undefined) {
      const found = new Map<string, number>()
      yamlKeys(text, (name, offset, trail, index) => {
        if (trail.length <= 1) found.set(`${index}\0${trail[0] ?? ""}\0${name}`, offset)
      })
      offsets = found
    }
    const offset = offsets.get(`${document}\0${section}\0${key}`)
    return offset === undefined ? 0 : lineAt(offset)
  }
}
