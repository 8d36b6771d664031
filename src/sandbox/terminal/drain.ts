// Waiting for a stream that takes no more for now: however many wait for it, it is listened to once.
import type { Output } from "../../context.ts"

const waits = new WeakMap<Output, Promise<boolean>>()

/** For a stream whose `write` answered false: resolves with true once it takes more, with false where it failed or was closed meanwhile. */
export function takesMore(to: Output): Promise<boolean> {
  const known = waits.get(to)
  if (known !== undefined) return known
  // The process's own streams forget an error once it is told: what is known of it now counts.
  if (to.errored !== null || to.destroyed) return Promise.resolve(false)
  const wait = new Promise<boolean>((resolve) => {
    const settle = (more: boolean) => {
      to.off("drain", drained).off("error", over).off("close", over)
      waits.delete(to)
      resolve(more)
    }
    const drained = () => settle(true)
    const over = () => settle(false)
    to.on("drain", drained).on("error", over).on("close", over)
  })
  waits.set(to, wait)
  return wait
}
