// Runs over bytes and reports where a marker ends, in whatever form. Linear, whatever the bytes; seven bytes a step where
// nothing looks like a form.
import { type Chain, type Forms, markerForms } from "./find-forms.ts"
import { MARKER } from "./placeholder.ts"

/** No form is shorter than the marker: one that begins in the next `STRIDE` bytes covers the pair at their end. */
const STRIDE = MARKER.length - 1
const CR = 13
const LF = 10

interface Machine {
  /** By state and byte: the next state; -1 where nobody went yet. */
  table: Int16Array
  /** By state: what ends there. */
  accepts: (readonly Chain[])[]
  /** Pairs of bytes that stand next to each other in some form. */
  pairs: Uint8Array
  /** States of the automaton that a state stands for. */
  sets: (readonly number[])[]
  numbers: Map<string, number>
  forms: Forms
}

let shared: Machine | undefined

function machine(): Machine {
  if (shared !== undefined) return shared
  const forms = markerForms()
  shared = {
    table: new Int16Array(64 * 256).fill(-1),
    accepts: [[]],
    pairs: pairsOf(forms),
    sets: [[0]],
    numbers: new Map([["0", 0]]),
    forms,
  }
  return shared
}

function pairsOf({ edges }: Forms): Uint8Array {
  const pairs = new Uint8Array(65_536)
  const into = edges.map(() => new Set([CR, LF]))
  for (const from of edges) for (const [byte, targets] of from) for (const target of targets) into[target]!.add(byte)
  edges.forEach((from, state) => {
    if (state === 0) return
    for (const first of into[state]!) for (const second of [CR, LF, ...from.keys()]) pairs[(first << 8) | second] = 1
  })
  return pairs
}

/** The state after a byte, worked out the first time that it is needed. There are some thousand at most. */
function advance(on: Machine, state: number, byte: number): number {
  let next = state
  if (byte !== CR && byte !== LF) {
    const reached = new Set([0])
    for (const one of on.sets[state]!) for (const target of on.forms.edges[one]!.get(byte) ?? []) reached.add(target)
    const set = [...reached].sort((a, b) => a - b)
    const name = set.join()
    next = on.numbers.get(name) ?? on.sets.length
    if (next === on.sets.length) {
      on.numbers.set(name, next)
      on.sets.push(set)
      on.accepts.push(set.flatMap((one) => (on.forms.accepts.has(one) ? [on.forms.accepts.get(one)!] : [])))
      if (on.sets.length * 256 > on.table.length) {
        const larger = new Int16Array(on.table.length * 2).fill(-1)
        larger.set(on.table)
        on.table = larger
      }
    }
  }
  on.table[state * 256 + byte] = next
  return next
}

/**
 * Reads a chunk, from the state in which the one before ended (0 for the first), and says in which it ends. `onMarker` is told
 * of each form that ends there, with the offset behind it.
 */
export function scanForMarkers(
  bytes: Uint8Array,
  state: number,
  onMarker: (chain: Chain, end: number) => void,
): number {
  const on = machine()
  const { pairs, accepts } = on
  let { table } = on
  const last = bytes.length - 1
  let at = 0
  let current = state
  for (;;) {
    let until = at
    while (current === 0 && at + STRIDE <= last) {
      const sample = at + STRIDE - 1
      if (pairs[(bytes[sample]! << 8) | bytes[sample + 1]!] === 0) {
        at = sample + 1
        continue
      }
      // No form reaches over a pair that is in none.
      let start = sample
      while (start > at && pairs[(bytes[start - 1]! << 8) | bytes[start]!] !== 0) start--
      at = start
      until = sample + 1
      break
    }
    if (at > last) return current
    do {
      const byte = bytes[at++]!
      let next = table[(current << 8) | byte]!
      if (next < 0) {
        next = advance(on, current, byte)
        table = on.table
      }
      // CR and LF change nothing, and so end nothing again.
      if (next !== current) {
        current = next
        if (accepts[next]!.length > 0) for (const chain of accepts[next]!) onMarker(chain, at)
      }
    } while ((current !== 0 || at < until) && at <= last)
  }
}

/** How many states there are when every byte was tried in each: for tests. */
export function countStates(): number {
  const on = machine()
  for (let state = 0; state < on.sets.length; state++) {
    for (let byte = 0; byte < 256; byte++) if (on.table[state * 256 + byte]! < 0) advance(on, state, byte)
  }
  return on.sets.length
}
