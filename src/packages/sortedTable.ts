// Names under 32-bit keys, in two sorted arrays: as it lies in a file it can be searched, without anything being built.

export interface SortedTable {
  /** Ascending. */
  keys: Uint32Array
  /** The id at the same place; ascending among equal keys, so that the most used name comes first. */
  ids: Uint16Array
}

/** Sorts pairs of keys and ids (below 65,536) into a table. */
export function sortTable(pairs: readonly (readonly [key: number, id: number])[]): SortedTable {
  // A key and its id fit into the 53 bits of one number, which a typed array sorts fast.
  const sorted = Float64Array.from(pairs, ([key, id]) => (key >>> 0) * 65_536 + id).sort()
  return {
    keys: Uint32Array.from(sorted, (pair) => Math.floor(pair / 65_536)),
    ids: Uint16Array.from(sorted, (pair) => pair % 65_536),
  }
}

/** The first id under a key that `accept` says yes to, -1 where there is none. */
export function findId({ keys, ids }: SortedTable, key: number, accept: (id: number) => boolean): number {
  const wanted = key >>> 0
  let low = 0
  let high = keys.length
  while (low < high) {
    const middle = (low + high) >> 1
    if (keys[middle]! < wanted) low = middle + 1
    else high = middle
  }
  for (; keys[low] === wanted; low++) if (accept(ids[low]!)) return ids[low]!
  return -1
}
