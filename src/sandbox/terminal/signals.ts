// One handler of this process for each signal, whoever wants to hear of it: Node warns of an event with more than ten, and a swarm has more boxes.

type Listener = (signal: NodeJS.Signals) => void

const heard = new Map<NodeJS.Signals, Set<Listener>>()

function tell(signal: NodeJS.Signals): void {
  // One that is taken away by another one of them does not hear of it any more.
  for (const listener of heard.get(signal) ?? []) listener(signal)
}

/** Has `listener` hear of each of these signals, in the place of what Node does by itself, until what is returned is called: once, or again. */
export function onSignals(signals: readonly NodeJS.Signals[], listener: Listener): () => void {
  const own: Listener = (signal) => listener(signal)
  for (const signal of signals) {
    const all = heard.get(signal) ?? new Set()
    if (all.size === 0) {
      heard.set(signal, all)
      process.on(signal, tell)
    }
    all.add(own)
  }
  return () => {
    for (const signal of signals) {
      const all = heard.get(signal)
      if (all?.delete(own) !== true || all.size > 0) continue
      heard.delete(signal)
      process.off(signal, tell)
    }
  }
}
