// What budgets have used: what is on record by all gateways, what this one has not written yet, and what is under way. Windows are
// fixed and begin in UTC; a request counts in the window in which it began.
import type { Budget, ListRule } from "../../policy/compiled.ts"
import type { NetworkAction } from "../../policy/types.ts"
import type { Store } from "../../store/types.ts"
import type { Attribution } from "../types.ts"
import { addUsed, dropOld, readUsed, rowOf, type UsageKey } from "./budget-rows.ts"
import type { Budgets, Reservation } from "./types.ts"

/** Milliseconds until what was used is written, and until it is asked again what others used. */
const WRITE = 100
const WRITE_AGAIN = 1_000
const READ = 1_000

/** Milliseconds for which sums that cannot be read anew are still believed. */
const BELIEVED = 10_000

/** Milliseconds between two looks for sums that nobody needs any more; and for how long one is remembered here. */
const TIDY = 3_600_000

/** What a request under way, or one of which nobody said what it used, counts for at least. */
const LEAST: Readonly<Record<Budget["unit"], number>> = { requests: 1, bytes: 1, tokens: 1, usd: 0.01 }

/** What of a budget says where it counts. */
type Counted = Pick<Budget, "unit" | "window" | "counter"> & { run?: string }

/** A row of the store, as this gateway knows it. */
interface Sum {
  key: UsageKey
  unit: Budget["unit"]
  /** What the store had when it was last asked, and what this gateway added to it since. */
  stored: number
  /** When that was; negative infinity before. */
  read: number
  touched: number
  /** Used, and not written yet. */
  pending: number
  /** Requests under way. */
  flying: Set<Flight>
  /** Of those that said what they used: how many, and how much. */
  settled: number
  total: number
}

/** A request under way, in one sum. */
interface Flight {
  since: number
  /** It is written already that there is one. */
  counted: boolean
}

type Parts = Pick<Store, "db" | "write">
type Actual = Parameters<Reservation["settle"]>[0]

/** Keeps the budgets of this gateway; others that share the store are seen a second later. `now` in milliseconds since the epoch. */
export function createBudgets(store: Parts, now: () => number): Budgets {
  const sums = new Map<string, Sum>()
  // One thing at a time with the store: what is read must not have half of what is being written.
  let turn: Promise<unknown> = Promise.resolve()
  let timer: NodeJS.Timeout | undefined
  let closed = false
  let tidied = Number.NEGATIVE_INFINITY

  const inTurn = <T>(work: () => Promise<T>): Promise<T> => {
    const done = turn.then(work)
    turn = done.catch(() => {})
    return done
  }

  const sumOf = (budget: Counted, who: Attribution): Sum => {
    const key = rowOf(budget, who, now())
    const name = `${key.counter} ${key.window}`
    const known = sums.get(name)
    if (known !== undefined) return known
    const sum: Sum = {
      ...{ key, unit: budget.unit, stored: 0, read: Number.NEGATIVE_INFINITY, touched: 0, pending: 0 },
      ...{ flying: new Set(), settled: 0, total: 0 },
    }
    sums.set(name, sum)
    return sum
  }

  /** Reads those that are out of date; rejects only where one was never read, or not for long. */
  const refresh = async (wanted: readonly Sum[]): Promise<void> => {
    const old = wanted.filter(({ read }) => performance.now() - read > READ)
    if (old.length === 0) return
    const reading = inTurn(async () => {
      const stale = old.filter(({ read }) => performance.now() - read > READ)
      if (stale.length === 0) return
      const started = performance.now()
      const found = await readUsed(
        store.db,
        stale.map(({ key }) => key),
      )
      for (const [i, sum] of stale.entries()) Object.assign(sum, { stored: found[i]!, read: started })
    })
    if (old.some(({ read }) => performance.now() - read > BELIEVED)) await reading
    else reading.catch(() => {})
  }

  const write = (): Promise<void> =>
    inTurn(async () => {
      const amounts = [...sums.values()].flatMap((sum) => {
        countFlying(sum)
        return sum.pending > 0 ? [[sum, sum.pending] as const] : []
      })
      if (amounts.length > 0) {
        const changes = amounts.map(([sum, amount]) => addUsed(store.db, sum.key, amount))
        // What is lost with the machine is what it used within its last moments.
        await store.write({ changes, lax: true })
        for (const [sum, amount] of amounts)
          Object.assign(sum, { pending: sum.pending - amount, stored: sum.stored + amount })
      }
      if (performance.now() - tidied > TIDY) await tidy()
    })

  const tidy = async () => {
    tidied = performance.now()
    for (const [name, { touched, pending, flying }] of sums) {
      if (pending === 0 && flying.size === 0 && performance.now() - touched > TIDY) sums.delete(name)
    }
    await store.write({ changes: [dropOld(store.db, now())], lax: true }).catch(() => {})
  }

  const later = (wait = WRITE) => {
    if (closed) return
    timer ??= setTimeout(() => {
      timer = undefined
      write().then(
        () => [...sums.values()].some(isWaiting) && later(),
        // Until it can be written it counts here.
        () => later(WRITE_AGAIN),
      )
    }, wait).unref()
  }

  const reserve = async (who: Attribution, rules: readonly ListRule<NetworkAction>[]): Promise<Reservation> => {
    const all: Counted[] = [...rules.flatMap(({ budget = [] }) => budget), ...(who.scope?.budgets ?? [])]
    const budgets = [...new Map(all.map((one) => [one.counter, one])).values()]
    const wanted = budgets.map((budget) => sumOf(budget, who))
    for (const sum of wanted) sum.touched = performance.now()
    await refresh(wanted)
    // From here to its end in one turn of the event loop: nobody else comes between the look and the reservation.
    const counters = Object.fromEntries(budgets.map(({ counter }, i) => [counter, usedOf(wanted[i]!)]))
    const flights = wanted.map((sum) => {
      const flight: Flight = { since: performance.now(), counted: false }
      sum.flying.add(flight)
      return [sum, flight] as const
    })
    if (flights.length > 0) later()
    let open = true
    const settle = (actual: Actual) => {
      if (!open) return
      open = false
      for (const [sum, flight] of flights) land(sum, flight, actual)
      if (flights.length > 0) later()
    }
    return { counters, settle }
  }
  return {
    reserve,
    async close() {
      closed = true
      clearTimeout(timer)
      await write()
    },
  }
}

const usedOf = (sum: Sum) => {
  const guess = sum.unit === "requests" ? 1 : estimate(sum)
  const flying = sum.unit === "requests" ? [...sum.flying].filter(({ counted }) => !counted).length : sum.flying.size
  return sum.stored + sum.pending + flying * guess
}

/** What one request uses of it, as far as one can tell. */
const estimate = ({ unit, settled, total }: Sum) => Math.max(LEAST[unit], settled === 0 ? 0 : total / settled)

const isWaiting = (sum: Sum) =>
  sum.pending > 0 || (sum.unit === "requests" && [...sum.flying].some(({ counted }) => !counted))

/** Requests that have been under way for a moment count for good: they outlive this gateway, and others see them. */
function countFlying(sum: Sum): void {
  if (sum.unit !== "requests") return
  for (const flight of sum.flying) {
    if (flight.counted || performance.now() - flight.since < WRITE) continue
    flight.counted = true
    sum.pending++
  }
}

/** A request is over. What was not sent used nothing, but for a request where its host was reached; of what was, nobody gets off by not saying how much it used. */
function land(sum: Sum, flight: Flight, actual: Actual): void {
  sum.flying.delete(flight)
  if (actual.sent === false && (sum.unit !== "requests" || actual.reached !== true)) return
  if (sum.unit === "requests") {
    sum.pending += flight.counted ? 0 : 1
    return
  }
  const used = actual[sum.unit]
  if (used === undefined || !(used >= 0)) {
    sum.pending += Math.max(estimate(sum), sum.unit === "tokens" ? (actual.guess ?? 0) : 0)
    return
  }
  sum.pending += used
  sum.settled++
  sum.total += used
}
