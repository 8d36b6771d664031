// The gate that a command uses: the one that runs here, else one of the command's own for as long as somebody uses it.
import { setTimeout as sleep } from "node:timers/promises"
import type { Context } from "../context.ts"
import { EXIT, NanoguardError } from "../errors.ts"
import { isGateRunning } from "./control-client.ts"
import type { StartOptions } from "./start.ts"

export interface JoinedGate {
  /** Whether it is the command's own. */
  own: boolean
  /** Ends a gate of the command's own once nobody else uses it; leaves any other alone. */
  close: () => Promise<void>
}

/** Milliseconds that a gate of a command's own stays for other commands that came to it meanwhile. */
const LINGER = 10 * 60_000

/**
 * Joins the gate of this state directory. `start` says how to open one where none runs; what it opens is loaded only then. `given` are options that
 * say something about a gate of one's own: usage where one runs already. `onWait` is called once where others still use it at the end.
 */
export async function joinGate(
  ctx: Context,
  given: Readonly<Record<string, unknown>>,
  start: () => Promise<StartOptions>,
  onWait: () => void,
): Promise<JoinedGate> {
  if (await isGateRunning(ctx)) {
    refuseOptions(given)
    return { own: false, close: async () => {} }
  }
  const [{ startGate }, options] = await Promise.all([import("./start.ts"), start()])
  const gate = await startGate(ctx, options)
  return {
    own: true,
    close: async () => {
      const end = performance.now() + LINGER
      for (let told = false; performance.now() < end && (await gate.status()).visits > 0; told = true) {
        if (!told) onWait()
        await sleep(200)
      }
      await gate.close()
    },
  }
}

/** Nothing that was asked for is left out unsaid. */
function refuseOptions(given: Readonly<Record<string, unknown>>): void {
  const names = Object.entries(given).flatMap(([name, value]) => (value === undefined ? [] : [`--${name}`]))
  if (names.length === 0) return
  throw new NanoguardError(`a gateway runs here already, and ${names.join(", ")} is for one of the command's own`, {
    exit: EXIT.usage,
    hint: "leave it out, or end that one with `nanoguard gateway stop`",
  })
}
