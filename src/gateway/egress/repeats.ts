// What was recorded already in the same run: repeats of it are recorded by reference, before they go on. All repeats of one turn of the
// event loop, or that come while one is being written, by one run of one host, share a record. Its `detail.of` says of each record how
// often it was repeated: `<seq> x<count>`.
import { hash } from "node:crypto"
import type { Decision, Item, NewEvent, Outcome } from "../../audit/types.ts"
import type { NetworkAction } from "../../policy/types.ts"
import type { Written } from "../../store/types.ts"
import { createLru } from "../lru.ts"
import type { Attribution } from "../types.ts"

/** Most records that are remembered, and most that one record refers to. */
const REMEMBERED = 10_000
const REFERRED = 500

/** What all repeats in one record have in common. */
export type Common = Pick<NewEvent, "agent" | "run" | "operator" | "boxed" | "policy" | "outcome"> & { item: Item }

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
  record: (key: string, common: Common, first: () => Promise<number>, memory?: number) => Promise<number>
}

/** `write` takes an event without its gateway. */
export function createRepeats(write: (event: Omit<NewEvent, "gateway">) => Promise<Written>): Repeats {
  const seen = createLru<{ first: Promise<number>; since: number }>(REMEMBERED)
  const gathered = new Map<string, Gathered>()
  /** Records that are being written. To wake the store's thread costs more than a record: what comes meanwhile shares the next one. */
  const writing = new Map<string, Promise<unknown>>()

  const begin = (group: string, common: Common): Gathered => {
    const counts = new Map<number, number>()
    const before = writing.get(group)
    const turn = before === undefined ? new Promise<void>((done) => setImmediate(done)) : before.then(nothing, nothing)
    const made: Gathered = {
      counts,
      written: turn.then(() => {
        if (gathered.get(group) === made) gathered.delete(group)
        const written = write(repeatedEvent(common, counts))
        writing.set(group, written)
        const done = () => writing.get(group) === written && writing.delete(group)
        written.then(done, done)
        return written
      }),
    }
    gathered.set(group, made)
    return made
  }

  const refer = (common: Common, seq: number): Promise<unknown> => {
    const group = JSON.stringify(common)
    const current = gathered.get(group) ?? begin(group, common)
    current.counts.set(seq, (current.counts.get(seq) ?? 0) + 1)
    // What comes next begins another one.
    if (current.counts.size >= REFERRED) gathered.delete(group)
    return current.written
  }

  return {
    async record(key, common, first, memory = Number.POSITIVE_INFINITY) {
      const known = seen.get(key)
      if (known !== undefined && performance.now() - known.since < memory) {
        const seq = await known.first
        await refer(common, seq)
        return seq
      }
      const made = { first: first(), since: performance.now() }
      seen.set(key, made)
      // What was not recorded is no record to refer to; whoever waited for it fails with it.
      made.first.catch(() => seen.get(key) === made && seen.delete(key))
      return made.first
    },
  }
}

const nothing = () => {}

function repeatedEvent(common: Common, counts: ReadonlyMap<number, number>): Omit<NewEvent, "gateway"> {
  const total = [...counts.values()].reduce((sum, count) => sum + count, 0)
  return {
    ...common,
    type: "network.repeated",
    subject: `${common.item.name} x${total}`,
    detail: { of: [...counts].map(([seq, count]) => `${seq} x${count}`) },
  }
}

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
