// CycloneDX JSON 1.2 to 1.7 (ECMA-424).
import type { Dependency, Lockfile } from "../types.ts"
import { componentWarnings, createComponent } from "./bom.ts"
import { createEdges, markDirect, reachFrom, uniqueKey } from "./entries.ts"
import { lockfileError, quote } from "./failure.ts"
import { sriOfHex } from "./hashes.ts"
import { fieldOf, type Item, itemOf, itemsOf, optionalText, tableOf, textOf, textsOf } from "./item.ts"
import { parseJson } from "./json.ts"
import { linesOfValues } from "./jsonLines.ts"

/** Components nest (a bundle has its parts); tools write two or three levels. */
const MAX_DEPTH = 50
/** Chains of components without a purl could otherwise be walked again for each component above them. */
const MAX_STEPS = 5_000_000

/**
 * Reads a CycloneDX BOM. Components without a purl are counted in a warning: nothing can be looked up for them. The main component is the root;
 * without a dependency graph, everything counts as direct. For development is what the npm property says, or scope `excluded`.
 */
export async function parseCycloneDx(text: string, path: string): Promise<Lockfile> {
  const document = itemOf(await parseJson(text, path), "the file", { file: path, line: () => 1 })
  const specVersion = optionalText(document, "specVersion") ?? ""
  if (optionalText(document, "bomFormat") !== "CycloneDX" || !/^1\.[2-7]$/.test(specVersion)) {
    const shown = specVersion === "" ? "no CycloneDX BOM" : `a CycloneDX BOM of version ${quote(specVersion)}`
    throw lockfileError(
      `${shown}; nanoguard reads 1.2 to 1.7 in JSON`,
      { file: path, line: 1 },
      "convert it, or vet the lockfile itself",
    )
  }
  const lineOfPurl = linesOfValues(text, "purl")
  const components: Item[] = []
  collect(document, "components", components, 0)
  const taken = new Set<string>()
  const main = tableOf(tableOf(document, "metadata"), "component")
  collect(main, "components", components, 0)
  const root = uniqueKey(".", taken)
  const roots = [{ key: root, name: optionalText(main, "name") ?? "." }]
  const keyOfRef = new Map<string, string>()
  const mainRef = optionalText(main, "bom-ref")
  if (mainRef !== undefined) keyOfRef.set(mainRef, root)
  const dependencies: Dependency[] = []
  const purls = new Map<string, string>()
  let nameless = 0
  for (const component of components) {
    const purl = optionalText(component, "purl") ?? ""
    const item = { ...component, line: () => lineOfPurl(purl) }
    const entry = await createComponent(purl, hashesOf(item), taken)
    if (entry === undefined) {
      nameless++
      continue
    }
    entry.optional = optionalText(item, "scope") === "optional"
    entry.dev = isForDevelopment(item)
    dependencies.push(entry)
    purls.set(entry.key, purl)
    const reference = optionalText(item, "bom-ref") ?? purl
    if (keyOfRef.has(reference))
      throw lockfileError(`the bom-ref ${quote(reference)} stands twice`, { file: path, line: lineOfPurl(purl) })
    keyOfRef.set(reference, entry.key)
  }
  const warnings = componentWarnings(nameless, dependencies)
  const edges = linkComponents(document, keyOfRef, path)
  const reached = reachFrom([root], edges.list)
  const wanted = new Set(edges.list.map((edge) => edge.to))
  // What no path leads to still came from somewhere: the project itself.
  for (const { key } of dependencies) if (!reached.has(key) && !wanted.has(key)) edges.add(root, key, "")
  markDirect({ dependencies, edges: edges.list, roots })
  const lineOf = (key: string): number => lineOfPurl(purls.get(key) ?? "")
  return {
    path,
    format: "cyclonedx",
    formatVersion: specVersion,
    dependencies,
    edges: edges.list,
    roots,
    warnings,
    lineOf,
  }
}

function collect(parent: Item, key: string, into: Item[], depth: number): void {
  if (depth > MAX_DEPTH) {
    throw lockfileError(`components nested more than ${MAX_DEPTH} levels deep`, {
      file: parent.file,
      line: parent.line(),
    })
  }
  for (const component of itemsOf(parent, key)) {
    into.push(component)
    collect(component, "components", into, depth + 1)
  }
}

/** `SHA-256` and the like; what is no readable hash is left out, as it protects nothing. */
function hashesOf(item: Item): string[] {
  return itemsOf(item, "hashes").flatMap((hash) => {
    const algorithm = textOf(hash, "alg").toLowerCase().replace(/^sha-/, "sha")
    return sriOfHex(algorithm, textOf(hash, "content")) ?? []
  })
}

function isForDevelopment(item: Item): boolean {
  if (optionalText(item, "scope") === "excluded") return true
  return itemsOf(item, "properties").some(
    (property) => fieldOf(property, "name") === "cdx:npm:package:development" && fieldOf(property, "value") === "true",
  )
}

/** Components without a purl are stepped over: who wants them wants what they want. */
function linkComponents(document: Item, keyOfRef: ReadonlyMap<string, string>, path: string) {
  const edges = createEdges(path)
  const wants = new Map<string, string[]>()
  for (const dependency of itemsOf(document, "dependencies")) {
    const from = textOf(dependency, "ref")
    const list = wants.get(from) ?? []
    wants.set(from, list)
    for (const target of textsOf(dependency, "dependsOn")) list.push(target)
  }
  let steps = 0
  for (const [reference, key] of keyOfRef) {
    const targets = new Set(wants.get(reference))
    for (const target of targets) {
      if (++steps > MAX_STEPS)
        throw lockfileError("a dependency graph larger than any real one", { file: path, line: 1 })
      const to = keyOfRef.get(target)
      if (to !== undefined) edges.add(key, to, "")
      else for (const next of wants.get(target) ?? []) targets.add(next)
    }
  }
  return edges
}
