// The names that are well known in an ecosystem. Lists are files under data/popular, most used first; they are read when
// a rule asks about names and not before.
import { existsSync, readFileSync } from "node:fs"
import type { Ecosystem } from "../policy/types.ts"
import { wordsOf } from "./similarity.ts"

export interface PopularNames {
  /** Names in real use: never look-alikes themselves. */
  known: ReadonlySet<string>
  /** The best-known of them, most used first: those that a look-alike would imitate. */
  targets: readonly string[]
}

/**
 * How many names of a list are worth imitating. Below these, near names are mostly honest neighbours: see
 * docs/lookalikes.md for what each number costs and brings.
 */
const TARGETS: Record<Ecosystem, number> = { npm: 6000, pypi: 3000, cargo: 1000, golang: 1000 }

const loaded = new Map<Ecosystem, PopularNames | undefined>()

/** From src/packages and from dist/chunks the data is two folders up, from dist one. */
function findList(ecosystem: Ecosystem): URL | undefined {
  for (const up of ["../../", "../"]) {
    const url = new URL(`${up}data/popular/${ecosystem}.txt`, import.meta.url)
    if (existsSync(url)) return url
  }
  return undefined
}

/** The well-known names of an ecosystem, read once; undefined where there is no list. */
export function loadPopular(ecosystem: Ecosystem): PopularNames | undefined {
  if (loaded.has(ecosystem)) return loaded.get(ecosystem)
  const file = findList(ecosystem)
  let names: PopularNames | undefined
  if (file !== undefined) {
    const lines = readFileSync(file, "utf8").trimEnd().split("\n")
    names = { known: new Set(lines), targets: lines.slice(0, TARGETS[ecosystem]) }
  }
  loaded.set(ecosystem, names)
  return names
}

const words = new Map<Ecosystem, ReadonlySet<string>>()

/** Words that occur in the known names of an ecosystem, in lower case: what a misspelling is not. */
export function knownWords(ecosystem: Ecosystem): ReadonlySet<string> {
  let set = words.get(ecosystem)
  if (set === undefined) {
    set = new Set([...(loadPopular(ecosystem)?.known ?? [])].flatMap((name) => wordsOf(name.toLowerCase())))
    words.set(ecosystem, set)
  }
  return set
}
