// An agent that is refused over and over must not fill the disk: beyond a number of refusals a minute they are counted, one record a second.
// Whoever is refused that often waits for that record, too.

/** Refusals a minute of one agent that are recorded one by one. */
const MOST = 600
const MINUTE = 60_000

/** Milliseconds for which refusals beyond that are gathered. */
const GATHER = 1_000

/** Agents that are watched at once. */
const AGENTS = 10_000

interface Watched {
  minute: number
  count: number
  gathering: Promise<number> | undefined
  gathered: number
}

export interface Flood {
  /**
   * Records a refusal: by `one` where `who` has not had too many; else together with all others of the next moment, by
   * `many(count)`. Resolves with the number of the record, when it is written.
   */
  record: (who: string, one: () => Promise<number>, many: (count: number) => Promise<number>) => Promise<number>
}

/** Watches agents by name; `most` a minute are recorded one by one, all others gathered for `gather` milliseconds. */
export function createFlood(most = MOST, gather = GATHER): Flood {
  const agents = new Map<string, Watched>()
  const watch = (agent: string): Watched => {
    const minute = Math.floor(performance.now() / MINUTE)
    let watched = agents.get(agent)
    if (watched === undefined) {
      if (agents.size >= AGENTS) agents.delete(agents.keys().next().value!)
      watched = { minute, count: 0, gathering: undefined, gathered: 0 }
      agents.set(agent, watched)
    }
    if (watched.minute !== minute) Object.assign(watched, { minute, count: 0 })
    return watched
  }
  return {
    record(who, one, many) {
      const watched = watch(who)
      if (++watched.count <= most) return one()
      watched.gathered++
      watched.gathering ??= new Promise<void>((resolve) => setTimeout(resolve, gather)).then(() => {
        const count = watched.gathered
        Object.assign(watched, { gathering: undefined, gathered: 0 })
        return many(count)
      })
      return watched.gathering
    },
  }
}
