// Finds the well-known names one edit away from a name without comparing it to each of them.
import { countBits, type Edit, editDistance, findEdit, letterMask } from "./similarity.ts"

export interface NearNames {
  /** The best-known name at distance 1 for which `accept` says yes. */
  find: (
    name: string,
    accept: (target: string, edit: Edit, at: number, rank: number) => boolean,
  ) => { target: string; edit: Edit } | undefined
}

/**
 * Indexes names by each of their halves: one edit leaves one half as it was, so that a look-up is a handful of map
 * reads. Only a swap across the middle touches both halves, and that one is looked up by undoing it.
 */
export function indexNearNames(names: readonly string[], shortest: number): NearNames {
  const rank = new Map<string, number>()
  const heads = new Map<string, string[]>()
  const tails = new Map<string, string[]>()
  for (const [index, name] of names.entries()) {
    if (name.length < shortest) continue
    rank.set(name, index)
    const half = name.length >> 1
    push(heads, `${name.length} ${name.slice(0, half)}`, name)
    push(tails, `${name.length} ${name.slice(half)}`, name)
  }
  return {
    find: (name, accept) => {
      let best: { target: string; edit: Edit } | undefined
      const consider = (target: string) => {
        if (best !== undefined && rank.get(best.target)! <= rank.get(target)!) return
        const difference = findEdit(name, target)
        if (difference !== undefined && accept(target, difference.edit, difference.at, rank.get(target)!))
          best = { target, edit: difference.edit }
      }
      for (let length = name.length - 1; length <= name.length + 1; length++) {
        const half = length >> 1
        for (const target of heads.get(`${length} ${name.slice(0, half)}`) ?? []) consider(target)
        for (const target of tails.get(`${length} ${name.slice(name.length - (length - half))}`) ?? []) consider(target)
      }
      const half = name.length >> 1
      const unswapped = name.slice(0, half - 1) + name.charAt(half) + name.charAt(half - 1) + name.slice(half + 1)
      if (rank.has(unswapped)) consider(unswapped)
      return best
    },
  }
}

/**
 * Finds the first of a few names that is two edits away. Comparing letter sets first leaves hardly any to compare in full,
 * so that a plain pass over the few best-known names is fast enough.
 */
export function indexFarNames(names: readonly string[]): (name: string) => string | undefined {
  const masks = names.map(letterMask)
  return (name) => {
    const mask = letterMask(name)
    const at = masks.findIndex(
      (other, index) => countBits(mask ^ other) <= 4 && editDistance(name, names[index]!, 2) === 2,
    )
    return names[at]
  }
}

function push(map: Map<string, string[]>, key: string, value: string): void {
  const list = map.get(key)
  if (list === undefined) map.set(key, [value])
  else list.push(value)
}
