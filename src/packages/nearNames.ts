// Finds the well-known names one or two edits away from a name without comparing it to each of them.
import type { NameIndex } from "./nameIndex.ts"
import { hashBytes, hashText } from "./nameKeys.ts"
import { nameAt } from "./popular.ts"
import { countBits, type Edit, editDistance, findEdit, letterMask } from "./similarity.ts"
import { findId } from "./sortedTable.ts"

/** Says whether an edit at a place turns a target, of a rank by use, into a look-alike. */
export type AcceptEdit = (target: string, edit: Edit, at: number, rank: number) => boolean

/**
 * The best-known name at distance 1 that is accepted. Names are filed by each of their halves: one edit leaves one half as
 * it was, so that a look-up is a handful of reads. Only a swap across the middle touches both halves, and that one is
 * looked up by undoing it.
 */
export function findNear(
  index: NameIndex,
  name: string,
  accept: AcceptEdit,
): { target: string; edit: Edit } | undefined {
  const { heads, tails } = index.tables
  const own = Buffer.from(name, "latin1")
  let best: { target: string; edit: Edit } | undefined
  let bestId = Number.POSITIVE_INFINITY
  // Sees every id under a key by accepting none; a better-known one than the best so far is compared.
  const consider = (id: number) => {
    if (id >= bestId) return false
    const target = nameAt(index, id)
    const difference = findEdit(name, target)
    if (difference !== undefined && accept(target, difference.edit, difference.at, id)) {
      best = { target, edit: difference.edit }
      bestId = id
    }
    return false
  }
  for (let length = Math.max(2, own.length - 1); length <= own.length + 1; length++) {
    const half = length >> 1
    findId(heads, hashBytes(own, 0, half), consider)
    findId(tails, hashBytes(own, own.length - (length - half), own.length), consider)
  }
  const half = name.length >> 1
  const unswapped = name.slice(0, half - 1) + name.charAt(half) + name.charAt(half - 1) + name.slice(half + 1)
  if (half > 0) findId(heads, hashText(unswapped.slice(0, half)), consider)
  return best
}

/** Two edits count only against the best-known names, and only against long ones. */
const FAR = { names: 160, shortest: 8 }

interface FarNames {
  names: string[]
  masks: number[]
}

const farNames = new WeakMap<NameIndex, FarNames>()

/**
 * The first of the best-known names that is two edits away. Comparing letter sets first leaves hardly any to compare in
 * full, so that a plain pass over these few is fast enough.
 */
export function findFar(index: NameIndex, name: string): string | undefined {
  if (name.length < FAR.shortest - 2) return undefined
  const { names, masks } = farNamesOf(index)
  const mask = letterMask(name)
  const isFar = (other: number, at: number) => countBits(mask ^ other) <= 4 && editDistance(name, names[at]!, 2) === 2
  return names[masks.findIndex(isFar)]
}

function farNamesOf(index: NameIndex): FarNames {
  let far = farNames.get(index)
  if (far === undefined) {
    const first = Array.from({ length: Math.min(FAR.names, index.starts.length - 1) }, (_, id) => nameAt(index, id))
    const names = first.filter((name) => name.length >= FAR.shortest && !name.startsWith("@"))
    far = { names, masks: names.map(letterMask) }
    farNames.set(index, far)
  }
  return far
}
