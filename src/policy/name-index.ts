import type { NameIndex } from "./compiled.ts"

/** An empty index. */
export function createNameIndex<T>(): NameIndex<T> {
  return { exact: new Map(), prefixes: new Map(), lengths: [] }
}

/** Adds an item under a name, or under a beginning of names. */
export function addToIndex<T>(index: NameIndex<T>, name: string, prefix: boolean, item: T): void {
  const map = prefix ? index.prefixes : index.exact
  const list = map.get(name)
  if (list) list.push(item)
  else map.set(name, [item])
  if (prefix && !index.lengths.includes(name.length)) {
    index.lengths.push(name.length)
    index.lengths.sort((a, b) => a - b)
  }
}

/** Calls `visit` for every item whose name or beginning fits; costs one look-up per distinct length of a beginning. */
export function visitIndex<T>(index: NameIndex<T>, name: string, visit: (items: readonly T[]) => void): void {
  const exact = index.exact.get(name)
  if (exact) visit(exact)
  for (const length of index.lengths) {
    if (length > name.length) return
    const items = index.prefixes.get(name.slice(0, length))
    if (items) visit(items)
  }
}
