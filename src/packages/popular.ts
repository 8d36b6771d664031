// The names that are well known in an ecosystem: lists under data/popular, indexed into dist/ when nanoguard is built.
// One is read when a rule asks about a name and not before.
import { existsSync, readFileSync } from "node:fs"
import type { Ecosystem } from "../policy/types.ts"
import { buildNameIndex, decodeNameIndex, type NameIndex } from "./nameIndex.ts"
import { hashText } from "./nameKeys.ts"
import { findId } from "./sortedTable.ts"

const loaded = new Map<Ecosystem, NameIndex | undefined>()

/** The index of an ecosystem's well-known names, read once; undefined where there is no list. */
export function loadPopular(ecosystem: Ecosystem): NameIndex | undefined {
  if (!loaded.has(ecosystem)) loaded.set(ecosystem, readIndex(ecosystem))
  return loaded.get(ecosystem)
}

/** The built index lies beside the bundle or one folder up from its chunks; the sources read the list itself. */
function readIndex(ecosystem: Ecosystem): NameIndex | undefined {
  for (const place of ["./", "../"]) {
    const built = new URL(`${place}popular-${ecosystem}.idx`, import.meta.url)
    if (!import.meta.url.endsWith(".ts") && existsSync(built)) return decodeNameIndex(ecosystem, readFileSync(built))
  }
  const list = new URL(`../../data/popular/${ecosystem}.txt`, import.meta.url)
  return existsSync(list) ? buildNameIndex(ecosystem, readFileSync(list)) : undefined
}

/** The name with this id; ids go by use, 0 is the most used name. */
export function nameAt({ bytes, starts }: NameIndex, id: number): string {
  return bytes.toString("latin1", starts[id]!, starts[id + 1]! - 1)
}

/** Whether a name is on the list: in real use, and so no look-alike itself. */
export function isKnownName(index: NameIndex, name: string): boolean {
  return findId(index.tables.known, hashText(name), (id) => nameAt(index, id) === name) >= 0
}

/** Whether some well-known name has this word: then it is a word, and not another one misspelt. */
export function isKnownWord(index: NameIndex, word: string): boolean {
  return findId(index.tables.words, hashText(word), () => true) >= 0
}
