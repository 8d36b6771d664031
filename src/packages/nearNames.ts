// Finds the well-known names one or two edits away from a name without comparing it to each of them.
import { createHashTable, hashBytes } from "./hashTable.ts"
import type { PopularNames } from "./popular.ts"
import { countBits, type Edit, editDistance, findEdit, letterMask } from "./similarity.ts"

/** Says whether an edit at a place turns a target, of a rank by use, into a look-alike. */
export type AcceptEdit = (target: string, edit: Edit, at: number, rank: number) => boolean

export interface NearNames {
  /** The best-known name at distance 1 that is accepted. */
  find: (name: string, accept: AcceptEdit) => { target: string; edit: Edit } | undefined
}

const AT = 64

/**
 * Indexes the targets of a list by each of their halves: one edit leaves one half as it was, so that a look-up is a
 * handful of reads. Only a swap across the middle touches both halves, and that one is looked up by undoing it. Scoped
 * names are left out.
 */
export function indexNearNames({ bytes, starts, targets, nameAt, has }: PopularNames, shortest: number): NearNames {
  const heads = createHashTable(targets)
  const tails = createHashTable(targets)
  for (let id = targets - 1; id >= 0; id--) {
    const from = starts[id]!
    const to = starts[id + 1]! - 1
    if (to - from < shortest || bytes[from] === AT) continue
    const middle = from + ((to - from) >> 1)
    heads.add(hashBytes(bytes, from, middle), id)
    tails.add(hashBytes(bytes, middle, to), id)
  }
  return {
    find: (name, accept) => {
      const own = Buffer.from(name, "latin1")
      let best: { target: string; edit: Edit } | undefined
      let bestId = targets
      // Runs over every id under a key by accepting none; a better-known one than the best so far is compared.
      const consider = (id: number) => {
        if (id >= bestId) return false
        const target = nameAt(id)
        const difference = findEdit(name, target)
        if (difference !== undefined && accept(target, difference.edit, difference.at, id)) {
          best = { target, edit: difference.edit }
          bestId = id
        }
        return false
      }
      for (let length = Math.max(2, own.length - 1); length <= own.length + 1; length++) {
        const half = length >> 1
        heads.find(hashBytes(own, 0, half), consider)
        tails.find(hashBytes(own, own.length - (length - half), own.length), consider)
      }
      const half = name.length >> 1
      const unswapped = name.slice(0, half - 1) + name.charAt(half) + name.charAt(half - 1) + name.slice(half + 1)
      if (half > 0 && has(unswapped)) {
        const whole = Buffer.from(unswapped, "latin1")
        heads.find(hashBytes(whole, 0, whole.length >> 1), consider)
      }
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
