// What was recorded already in the same run: repeats of it are recorded by reference, before they go on. All repeats of one turn of the
// event loop, or that come while one is being written, by one run of one host, share a record, or all that the store's journal holds
// when it is taken in. Its `detail.of` says of each record how often it was repeated: `<seq> x<count>`.
import { hash } from "node:crypto"
import type { Decision, NewEvent, Outcome } from "../../audit/types.ts"
import type { NetworkAction } from "../../policy/types.ts"
import { type Common, MOST_REFERRED, repeatedEvent } from "../../store/journal/take-in.ts"
import type { Store, Written } from "../../store/types.ts"
import { createLru } from "../lru.ts"
import type { Attribution } from "../types.ts"

/** Most records that are remembered. */
const REMEMBERED = 10_000

interface Gathered {
  /** By number of the record that was repeated. */
  counts: Map<number, number>
  written: Promise<unknown>
}

export interface Repeats {
  /**
   * The record of what is the same in every respect that `key` names: `first` makes it; whoever comes later within `memory` milliseconds
   * only adds to what was repeated. Resolves with the number of the first one, once all is written. Rejects where it is not.
   */
  record: (key: string, common: () => Common, first: () => Promise<number>, memory?: number) => Promise<number>
}

/** `write` makes an event; `note` counts a repeat in the store's journal, where it has one. */
export function createRepeats(write: (event: NewEvent) => Promise<Written>, note?: Store["repeat"]): Repeats {
  const seen = createLru<{ first: Promise<number>; since: number; common: string }>(REMEMBERED)
  const gathered = new Map<string, Gathered>()
  /** Records that are being written. To wake the store's thread costs more than a record: what comes meanwhile shares the next one. */
  const writing = new Map<string, Promise<unknown>>()

  const begin = (common: string): Gathered => {
    const counts = new Map<number, number>()
    const before = writing.get(common)
    const turn = before === undefined ? new Promise<void>((done) => setImmediate(done)) : before.then(nothing, nothing)
    const made: Gathered = {
      counts,
      written: turn.then(() => {
        if (gathered.get(common) === made) gathered.delete(common)
        const written = write(repeatedEvent(JSON.parse(common) as Common, counts))
        writing.set(common, written)
        const done = () => writing.get(common) === written && writing.delete(common)
        written.then(done, done)
        return written
      }),
    }
    gathered.set(common, made)
    return made
  }

  const gather = (common: string, seq: number): Promise<unknown> => {
    const current = gathered.get(common) ?? begin(common)
    current.counts.set(seq, (current.counts.get(seq) ?? 0) + 1)
    // What comes next begins another one.
    if (current.counts.size >= MOST_REFERRED) gathered.delete(common)
    return current.written
  }

  const refer = async (common: string, seq: number): Promise<void> => {
    try {
      const noted = note?.(common, seq)
      if (noted !== undefined) return await noted
    } catch {
      // A journal that fails is no reason to refuse: the store has the last word.
    }
    await gather(common, seq)
  }

  return {
    async record(key, common, first, memory = Number.POSITIVE_INFINITY) {
      const known = seen.get(key)
      if (known !== undefined && performance.now() - known.since < memory) {
        const seq = await known.first
        await refer(known.common, seq)
        return seq
      }
      const made = { first: first(), since: performance.now(), common: JSON.stringify(common()) }
      seen.set(key, made)
      // What was not recorded is no record to refer to; whoever waited for it fails with it.
      made.first.catch(() => seen.get(key) === made && seen.delete(key))
      return made.first
    },
  }
}

const nothing = () => {}

/** A digest of who asked for what, by which rule, and with which answer: not of when, and not of what budgets had left. */
export function repeatKey(
  who: Attribution,
  { action, evidence, verdict }: Decision,
  outcome: Outcome,
  more: unknown,
): string {
  const { effect, code, rule, mode, policyHash, excepted } = verdict
  const asked = [who.agent, who.run, who.operator, who.boxed, action as NetworkAction]
  const answered = [
    outcome,
    effect,
    code,
    rule,
    mode,
    policyHash,
    excepted,
    [...(evidence.addresses ?? [])].sort(),
    more,
  ]
  return hash("sha256", JSON.stringify([asked, answered]), "base64url")
}
