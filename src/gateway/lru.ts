// A bounded map that forgets what was not used longest.

export interface Lru<V> {
  get: (key: string) => V | undefined
  set: (key: string, value: V) => void
  delete: (key: string) => void
  clear: () => void
}

/**
 * A map whose entries together weigh at most `most`; each weighs 1 where no `weigh` is given. What weighs more than all of it
 * is not kept.
 */
export function createLru<V>(most: number, weigh: (value: V) => number = () => 1): Lru<V> {
  const entries = new Map<string, { value: V; weight: number }>()
  let total = 0
  /** The key that is the last of the map. */
  let newest: string | undefined
  const drop = (key: string) => {
    const entry = entries.get(key)
    if (entry === undefined) return
    entries.delete(key)
    total -= entry.weight
  }
  return {
    get: (key) => {
      const entry = entries.get(key)
      if (entry === undefined || key === newest) return entry?.value
      // A map keeps the order of insertion: the first is the one that was used longest ago.
      entries.delete(key)
      entries.set(key, entry)
      newest = key
      return entry.value
    },
    set: (key, value) => {
      drop(key)
      const weight = weigh(value)
      if (weight > most) return
      entries.set(key, { value, weight })
      newest = key
      total += weight
      for (const oldest of entries.keys()) {
        if (total <= most) break
        drop(oldest)
      }
    },
    delete: drop,
    clear: () => {
      entries.clear()
      total = 0
    },
  }
}
