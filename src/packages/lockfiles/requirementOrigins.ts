// Where pip takes the packages of requirements.txt from: indexes and links.
import type { PackageSource } from "../../policy/types.ts"
import { pythonOrigin, withoutCredentials } from "./origins.ts"
import { VARIABLE } from "./requirementLines.ts"

/** What the options of all files together say of it; the last `index` counts, "" where none is named. */
export interface Indexes {
  index: string
  extraIndexes: string[]
  findLinks: string[]
  noIndex: boolean
}

/** What an entry of the index comes from, with and without hashes: without, any extra index or link may supply it. */
export async function findOrigins(
  all: Indexes,
): Promise<{ index: PackageSource; unhashed: PackageSource; warnings: string[] }> {
  const warnings: string[] = []
  const index = all.index === "" ? registry("default") : await sourceOfIndex(all.index)
  const extras = await Promise.all(all.extraIndexes.map(sourceOfIndex))
  const strange = extras.find((extra) => extra.kind !== "registry" || extra.origin !== "default")
  const links = all.findLinks.map(sourceOfLink)
  // `https://a.example${HOME}@b.example/simple` is on b.example as it stands, and on a.example once pip has read it.
  const unknown = [all.index, ...all.extraIndexes].find((text) => VARIABLE.test(text))
  const elsewhere =
    unknown === undefined ? links.find(isElsewhere) : { kind: "url" as const, url: withoutCredentials(unknown) }
  if (all.noIndex) {
    // Any of them may supply it: one that lies elsewhere goes before a directory of the repository.
    const source: PackageSource = links.find(isElsewhere) ?? links[0] ?? { kind: "file", path: "" }
    return { index: source, unhashed: source, warnings }
  }
  if (unknown !== undefined)
    warnings.push("an index whose address has a variable: only hashes say that packages are those of that index")
  if (extras.length > 0) {
    warnings.push(
      "--extra-index-url: pip takes a package from whichever index has the higher version (dependency confusion)",
    )
  }
  if (all.findLinks.length > 0) warnings.push("--find-links: packages may come from there instead of the index")
  return { index, unhashed: elsewhere ?? strange ?? index, warnings }
}

const isElsewhere = (link: PackageSource) => link.kind === "url"

async function sourceOfIndex(text: string): Promise<PackageSource> {
  const origin = await pythonOrigin(text)
  return origin === undefined ? { kind: "url", url: withoutCredentials(text) } : registry(origin)
}

function sourceOfLink(text: string): PackageSource {
  return (/^[a-z][a-z0-9+.-]+:/i.test(text) && !/^file:/i.test(text)) || VARIABLE.test(text)
    ? { kind: "url", url: withoutCredentials(text) }
    : { kind: "file", path: text }
}

function registry(origin: string): PackageSource {
  return { kind: "registry", origin }
}
