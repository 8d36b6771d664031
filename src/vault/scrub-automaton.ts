// Looks for many byte strings at once (Aho and Corasick, 1975); the step from a state is worked out when it is first taken.
import type { Pattern } from "./scrub-forms.ts"

export interface Automaton {
  /** The state after a byte; 0 is the first state. */
  step: (state: number, byte: number) => number
  /** Bytes that were matched so far, of the pattern that is furthest. */
  depth: (state: number) => number
  /** The longest pattern that ends in a state. */
  ending: (state: number) => Pattern | undefined
  /** Length of the longest pattern. */
  longest: number
}

/** An automaton for patterns that are not empty. */
export function createAutomaton(patterns: readonly Pattern[]): Automaton {
  const children: Map<number, number>[] = [new Map()]
  const depths = [0]
  const fails = [0]
  const endings: (Pattern | undefined)[] = [undefined]
  for (const pattern of patterns) {
    let state = 0
    for (const byte of pattern.bytes) {
      let next = children[state]!.get(byte)
      if (next === undefined) {
        next = children.push(new Map()) - 1
        depths.push(depths[state]! + 1)
        fails.push(0)
        endings.push(undefined)
        children[state]!.set(byte, next)
      }
      state = next
    }
    endings[state] ??= pattern
  }
  const rows: (Int32Array | undefined)[] = []
  const step = (state: number, byte: number): number => {
    let row = rows[state]
    if (row === undefined) {
      row = new Int32Array(256).fill(-1)
      rows[state] = row
    }
    const known = row[byte]!
    if (known >= 0) return known
    let from = state
    while (from !== 0 && !children[from]!.has(byte)) from = fails[from]!
    const next = children[from]!.get(byte) ?? 0
    row[byte] = next
    return next
  }
  // By depth: where each state goes on when its own pattern does not.
  const queue = [...children[0]!.values()]
  for (const state of queue) {
    for (const [byte, child] of children[state]!) {
      queue.push(child)
      let from = fails[state]!
      while (from !== 0 && !children[from]!.has(byte)) from = fails[from]!
      fails[child] = children[from]!.get(byte) ?? 0
    }
    endings[state] ??= endings[fails[state]!]
  }
  return {
    step,
    depth: (state) => depths[state]!,
    ending: (state) => endings[state],
    longest: Math.max(0, ...patterns.map(({ bytes }) => bytes.length)),
  }
}
