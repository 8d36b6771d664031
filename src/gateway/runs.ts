// Who is at the gate, and what each run was refused or got instead. Kept in memory and bounded; the record has all of it for good.
import { createHash, randomBytes } from "node:crypto"
import { compareVersions } from "../packages/versions.ts"
import type { Ecosystem } from "../policy/types.ts"
import { RUN_NAME } from "../sandbox/run-name.ts"
import { summarise } from "./run-summary.ts"
import type { Project, RunBook, Seen } from "./run-types.ts"
import type { Attribution, Refusal } from "./types.ts"

export type { HeldBack, NewRun, Project, RunBook, RunSummary, Seen, Substitution } from "./run-types.ts"

interface Entry {
  who: Attribution
  /** Hash of its token; none for who comes without. */
  token?: string
  expires: number
  stopped?: true
  project?: Project
  refusals: Map<string, Refusal>
  waited: Set<string>
  packages: Map<string, Seen>
  /** Verdicts in `packages`. */
  verdicts: number
}

const MAX_RUNS = 1_000
const MAX_REFUSALS = 200
const MAX_PACKAGES = 5_000
/** Of one package, and of one visit: a policy may refuse every version of a thousand packages. */
const MAX_VERDICTS = { package: 100, visit: 20_000 }

/**
 * An empty book; `now` in milliseconds since the epoch. `onEnd` is told of each visit that is over, and whether its run is: once no visit is left
 * of one that was named here. A run that somebody else named may come again. `onRefused` is told of each refusal.
 */
export function createRunBook(
  now: () => number,
  onEnd: (who: Attribution, runIsOver: boolean) => void = () => {},
  onRefused: (who: Attribution, refusal: Refusal) => void = () => {},
): RunBook {
  const tokens = new Map<string, string>()
  const runs = new Map<string, Entry>()
  const hash = (token: string) => createHash("sha256").update(token).digest("base64url")

  const drop = (key: string) => {
    const entry = runs.get(key)
    if (entry === undefined) return
    const { token, who } = entry
    if (token !== undefined) tokens.delete(token)
    runs.delete(key)
    if (who.visit === undefined) return
    // A name of that form is one that this book gave.
    onEnd(who, RUN_NAME.test(who.run) && ![...runs.values()].some((other) => other.who.run === who.run))
  }
  const expire = () => {
    for (const [key, { expires }] of runs) if (expires <= now()) drop(key)
  }
  const enter = (who: Attribution, expires: number): Entry => {
    const entry = createEntry(who, expires)
    runs.set(keyOf(who), entry)
    expire()
    for (const oldest of runs.keys()) {
      if (runs.size <= MAX_RUNS) break
      // A box ends by its own means: how many there are is bounded where they are opened.
      if (runs.get(oldest)?.expires !== Number.POSITIVE_INFINITY || runs.get(oldest)?.token === undefined) drop(oldest)
    }
    return entry
  }
  // A visit that is over stays so, whatever of its requests is still under way: who has no token is let in by being here.
  const entryOf = (who: Attribution) => {
    const known = runs.get(keyOf(who))
    if (known !== undefined) return known
    return who.visit === undefined ? enter(who, Number.POSITIVE_INFINITY) : createEntry(who, 0)
  }
  const forget = (entry: Entry, key: string) => {
    entry.verdicts -= entry.packages.get(key)?.refused.size ?? 0
    entry.packages.delete(key)
  }
  const seenOf = (who: Attribution, ecosystem: Ecosystem, name: string): Seen => {
    const entry = entryOf(who)
    const { packages } = entry
    const key = `${ecosystem}\0${name}`
    let seen = packages.get(key)
    if (seen === undefined) {
      seen = { ecosystem, name, refused: new Map(), client: "other" }
      packages.set(key, seen)
      if (packages.size > MAX_PACKAGES) forget(entry, packages.keys().next().value!)
    }
    return seen
  }
  const summary = (run: string) => {
    const entry = runs.get(run)
    return entry && { who: entry.who, summary: summarise(entry) }
  }

  return {
    open: ({ agent, operator, boxed, lasts, project, run, parents, scope }) => {
      const token = `ngt_${randomBytes(24).toString("base64url")}`
      const visit = `run-${randomBytes(6).toString("hex")}`
      const expires = now() + lasts
      const who = {
        agent,
        operator,
        run: run ?? visit,
        boxed,
        visit,
        ...(parents && { parents }),
        ...(scope && { scope }),
      }
      const entry = enter(who, expires)
      if (project !== undefined) entry.project = project
      entry.token = hash(token)
      tokens.set(entry.token, visit)
      return { visit, run: who.run, token, expires }
    },
    find: (token) => {
      // By its hash: how long a comparison takes says nothing about a token.
      const run = tokens.get(hash(token))
      const entry = run === undefined ? undefined : runs.get(run)
      return entry !== undefined && entry.expires > now() ? entry.who : undefined
    },
    close: drop,
    everyone: () => [...runs.values()].map(({ who }) => who),
    stop: (who) => {
      const entry = who.visit === undefined ? undefined : runs.get(who.visit)
      if (entry !== undefined) entry.stopped = true
    },
    isStopped: ({ visit }) => visit !== undefined && runs.get(visit)?.stopped === true,
    expire,
    summary,
    seenBy: (who, ecosystem) =>
      [...(runs.get(keyOf(who))?.packages.values() ?? [])].filter((seen) => seen.ecosystem === ecosystem).reverse(),
    projectOf: (who) => runs.get(keyOf(who))?.project,
    listed: (who, listing) => {
      const entry = entryOf(who)
      const seen = seenOf(who, listing.ecosystem, listing.name)
      const refused = lastOf(listing.refused, MAX_VERDICTS.package)
      entry.verdicts += refused.size - seen.refused.size
      Object.assign(seen, { ...listing, refused, refusals: listing.refused.size })
      for (const oldest of entry.packages.keys()) {
        if (entry.verdicts <= MAX_VERDICTS.visit) break
        forget(entry, oldest)
      }
    },
    took: (who, ecosystem, name, version) => {
      const seen = seenOf(who, ecosystem, name)
      if (seen.taken === undefined || compareVersions(ecosystem, version, seen.taken) > 0) seen.taken = version
    },
    refused: (who, refusal) => {
      onRefused(who, refusal)
      const { refusals } = entryOf(who)
      const { subject, code } = refusal.verdict
      refusals.set(`${subject}\0${code}`, refusal)
      if (refusals.size > MAX_REFUSALS) refusals.delete(refusals.keys().next().value!)
    },
    waits: (who, subject) => {
      const { waited } = entryOf(who)
      if (waited.has(subject) || waited.size >= MAX_REFUSALS) return false
      waited.add(subject)
      return true
    },
    get size() {
      return runs.size
    },
    get visits() {
      return [...runs.values()].filter(({ token, expires }) => token !== undefined && expires > now()).length
    },
  }
}

function createEntry(who: Attribution, expires: number): Entry {
  return { who, expires, refusals: new Map(), waited: new Set(), packages: new Map(), verdicts: 0 }
}

function lastOf<V>(map: ReadonlyMap<string, V>, most: number): ReadonlyMap<string, V> {
  return map.size <= most ? map : new Map([...map].slice(-most))
}

const keyOf = ({ visit, run }: Attribution) => visit ?? run
