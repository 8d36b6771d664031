// SPDX 2.2 and 2.3 in JSON (ISO/IEC 5962:2021 and its successor).
import type { Dependency, Lockfile } from "../types.ts"
import { componentWarnings, createComponent } from "./bom.ts"
import { createEdges, markDirect, reachFrom, uniqueKey } from "./entries.ts"
import { lockfileError, quote } from "./failure.ts"
import { sriOfHex } from "./hashes.ts"
import { fieldOf, type Item, itemOf, itemsOf, optionalText, textOf, textsOf } from "./item.ts"
import { parseJson } from "./json.ts"
import { linesOfValues } from "./jsonLines.ts"

/** Relationships by which the first element wants the second, and those by which the second wants the first. */
const FORWARD = new Set(["DEPENDS_ON", "CONTAINS", "DESCRIBES", "STATIC_LINK", "DYNAMIC_LINK", "HAS_PREREQUISITE"])
const BACKWARD = new Set([
  ...[
    "DEPENDENCY_OF",
    "RUNTIME_DEPENDENCY_OF",
    "PROVIDED_DEPENDENCY_OF",
    "CONTAINED_BY",
    "DESCRIBED_BY",
    "PREREQUISITE_FOR",
  ],
  ...[
    "OPTIONAL_DEPENDENCY_OF",
    "DEV_DEPENDENCY_OF",
    "BUILD_DEPENDENCY_OF",
    "TEST_DEPENDENCY_OF",
    "DEV_TOOL_OF",
    "TEST_TOOL_OF",
  ],
])
const DEVELOPMENT = new Set(["DEV_DEPENDENCY_OF", "TEST_DEPENDENCY_OF", "DEV_TOOL_OF", "TEST_TOOL_OF"])

interface Relationship {
  from: string
  to: string
  type: string
}

/**
 * Reads an SPDX document. Packages without a purl are counted in a warning. The roots are what the document describes; without relationships everything
 * counts as direct. For development is what only such relationships lead to.
 */
export async function parseSpdx(text: string, path: string): Promise<Lockfile> {
  const document = itemOf(await parseJson(text, path), "the file", { file: path, line: () => 1 })
  const version = optionalText(document, "spdxVersion") ?? ""
  if (version !== "SPDX-2.2" && version !== "SPDX-2.3") {
    const linked = fieldOf(document, "@context") !== undefined || fieldOf(document, "@graph") !== undefined
    const shown =
      version !== ""
        ? `an SPDX document of version ${quote(version)}`
        : linked
          ? "an SPDX 3 document"
          : "no SPDX document"
    throw lockfileError(
      `${shown}; nanoguard reads SPDX-2.2 and SPDX-2.3 in JSON`,
      { file: path, line: 1 },
      "write it in SPDX 2.3 or CycloneDX, or vet the lockfile itself",
    )
  }
  const lineOfId = linesOfValues(text, "SPDXID")
  const relationships = readRelationships(document)
  const described = new Set(relationships.filter((one) => one.from === "SPDXRef-DOCUMENT").map((one) => one.to))
  for (const id of textsOf(document, "documentDescribes")) described.add(id)
  const wanted = new Set(relationships.filter((one) => one.from !== "SPDXRef-DOCUMENT").map((one) => one.to))
  const wanting = new Set(relationships.map((one) => one.from))
  const taken = new Set<string>()
  const roots: Lockfile["roots"] = []
  const keyOfId = new Map<string, string>()
  const idOfKey = new Map<string, string>()
  const dependencies: Dependency[] = []
  let nameless = 0
  for (const value of itemsOf(document, "packages")) {
    const id = textOf(value, "SPDXID")
    const item = { ...value, line: () => lineOfId(id) }
    if (keyOfId.has(id)) throw lockfileError(`the SPDXID ${quote(id)} stands twice`, { file: path, line: lineOfId(id) })
    const purl = purlOfPackage(item)
    // What the document describes is the project, unless it lists packages side by side without saying who wants them.
    const root = described.has(id) && !wanted.has(id) && wanting.has(id)
    const entry = root || purl === undefined ? undefined : await createComponent(purl, hashesOf(item), taken)
    if (!root && entry === undefined) {
      nameless++
      continue
    }
    if (entry !== undefined) dependencies.push(entry)
    else roots.push({ key: uniqueKey(id, taken), name: optionalText(item, "name") ?? id })
    const key = entry?.key ?? roots.at(-1)!.key
    keyOfId.set(id, key)
    idOfKey.set(key, id)
  }
  if (roots.length === 0) roots.push({ key: uniqueKey(".", taken), name: optionalText(document, "name") ?? "." })
  const edges = linkPackages(relationships, keyOfId, dependencies, roots, path)
  markDirect({ dependencies, edges, roots })
  const warnings = componentWarnings(nameless, dependencies)
  const lineOf = (key: string): number => lineOfId(idOfKey.get(key) ?? "")
  return { path, format: "spdx", formatVersion: version.slice(5), dependencies, edges, roots, warnings, lineOf }
}

function readRelationships(document: Item): Relationship[] {
  return itemsOf(document, "relationships").flatMap((item) => {
    const [element, related] = [textOf(item, "spdxElementId"), textOf(item, "relatedSpdxElement")]
    const type = textOf(item, "relationshipType").toUpperCase()
    if (FORWARD.has(type)) return { from: element, to: related, type }
    return BACKWARD.has(type) ? { from: related, to: element, type } : []
  })
}

function purlOfPackage(item: Item): string | undefined {
  for (const reference of itemsOf(item, "externalRefs")) {
    if (optionalText(reference, "referenceType") === "purl") return textOf(reference, "referenceLocator")
  }
  return undefined
}

/** `SHA256` and the like; what is no readable hash is left out, as it protects nothing. */
function hashesOf(item: Item): string[] {
  return itemsOf(item, "checksums").flatMap((checksum) => {
    return sriOfHex(textOf(checksum, "algorithm").toLowerCase(), textOf(checksum, "checksumValue")) ?? []
  })
}

/** Also marks what only development relationships reach, and puts what nothing leads to under the first root. */
function linkPackages(
  relationships: readonly Relationship[],
  keyOfId: ReadonlyMap<string, string>,
  dependencies: readonly Dependency[],
  roots: Lockfile["roots"],
  path: string,
) {
  const all = createEdges(path)
  const used = createEdges(path)
  for (const { from, to, type } of relationships) {
    const [fromKey, toKey] = [keyOfId.get(from), keyOfId.get(to)]
    if (fromKey === undefined || toKey === undefined) continue
    all.add(fromKey, toKey, "")
    if (!DEVELOPMENT.has(type)) used.add(fromKey, toKey, "")
  }
  const wanted = new Set(all.list.map((edge) => edge.to))
  for (const { key } of dependencies) {
    if (wanted.has(key)) continue
    all.add(roots[0]!.key, key, "")
    used.add(roots[0]!.key, key, "")
  }
  const starts = roots.map((root) => root.key)
  const reached = reachFrom(starts, used.list)
  const development = reachFrom(starts, all.list)
  for (const entry of dependencies) entry.dev = development.has(entry.key) && !reached.has(entry.key)
  return all.list
}
