// What was opened, closed again in the reverse of its order: whatever fails of it keeps nothing else open.

export interface Undo<How = void> {
  /** Adds a step; it is done before all that were added earlier. `how` is what `close` was told. */
  push: (step: (how: How) => unknown) => void
  /**
   * Does every step once, each after the one before has ended, and throws the first failure when all are done. A second call does what was
   * added since.
   */
  close: (how: How) => Promise<void>
}

/** An empty list of things to undo. */
export function createUndo<How = void>(): Undo<How> {
  const steps: ((how: How) => unknown)[] = []
  return {
    push: (step) => void steps.push(step),
    close: async (how) => {
      const failed: unknown[] = []
      for (const step of steps.splice(0).reverse()) {
        try {
          await step(how)
        } catch (error) {
          failed.push(error)
        }
      }
      if (failed.length > 0) throw failed[0]
    },
  }
}
