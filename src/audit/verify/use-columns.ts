// Uses as columns: what a thread sends for them. A text and six numbers each cost a third of what an object does.

/** What records add up to for one use. */
export interface UseSums {
  firstSeq: number
  lastSeq: number
  first: number
  last: number
  count: number
  /** The row of `uses` that the entries name for it; null where they name none. */
  stored: number | null
  advisories: string[]
}

/** The texts that make a use what it is. */
export interface UseTexts {
  kind: string
  name: string
  version: string
  digest: string
  agent: string
  outcome: string
  operator: string
  policy: string
  approvers: string
}

export interface UseColumns {
  keys: string[]
  /** Six a use: first and last record, first and last time, count, stored row (NaN for none). */
  numbers: Float64Array
  /** Of the uses that have some, by their place in `keys`. */
  advisories: [number, string[]][]
}

const NUMBERS = 6

/** What makes two uses the same: every text of them. No text of the index holds a NUL. */
export function useKeyOf(use: UseTexts): string {
  const { kind, name, version, digest, agent, outcome, operator, policy, approvers } = use
  return `${kind}\0${name}\0${version}\0${digest}\0${agent}\0${outcome}\0${operator}\0${policy}\0${approvers}`
}

/** Uses by their keys as columns. */
export function toColumns(uses: ReadonlyMap<string, UseSums>): UseColumns {
  const keys = [...uses.keys()]
  const numbers = new Float64Array(keys.length * NUMBERS)
  const advisories: [number, string[]][] = []
  let at = 0
  for (const use of uses.values()) {
    if (use.advisories.length > 0) advisories.push([at, use.advisories])
    const { firstSeq, lastSeq, first, last, count, stored } = use
    numbers.set([firstSeq, lastSeq, first, last, count, stored ?? Number.NaN], at++ * NUMBERS)
  }
  return { keys, numbers, advisories }
}

/** The uses in columns, one after the other. */
export function* fromColumns({ keys, numbers, advisories }: UseColumns): Generator<[string, UseSums]> {
  const named = new Map(advisories)
  for (const [at, key] of keys.entries()) {
    const [firstSeq, lastSeq, first, last, count, stored] = numbers.subarray(at * NUMBERS, (at + 1) * NUMBERS)
    yield [
      key,
      {
        ...{ firstSeq: firstSeq!, lastSeq: lastSeq!, first: first!, last: last!, count: count! },
        ...{ stored: Number.isNaN(stored) ? null : stored!, advisories: named.get(at) ?? [] },
      },
    ]
  }
}
