// The gate that a command uses: the one that runs here, else one of the command's own for as long as somebody uses it.
import { setTimeout as sleep } from "node:timers/promises"
import type { Context } from "../context.ts"
import { EXIT, NanoguardError } from "../errors.ts"
import { isGateRunning } from "./control-client.ts"
import { controlPath } from "./control-path.ts"
import type { Gateway } from "./gateway.ts"
import { GateGone } from "./gone.ts"
import type { StartOptions } from "./start.ts"

export interface JoinedGate {
  /** Whether it is the command's own. */
  readonly own: boolean
  /**
   * Does what begins with the gate. Where another's gate ended first, one is joined anew and it is done again, a few times; not once `begun`
   * was called. Rejects with what `work` does.
   */
  begin: Begin
  /** Ends a gate of the command's own once nobody else uses it; leaves any other alone. */
  close: () => Promise<void>
}

/** As `JoinedGate.begin`. */
export type Begin = <T>(work: (begun: () => void) => Promise<T>) => Promise<T>

/** Milliseconds that a gate of a command's own stays for other commands that came to it meanwhile. */
const LINGER = 10 * 60_000
/** How often a gate is looked for and started where others start and end theirs at the same time. */
const TRIES = 4
/** Milliseconds that another's gate may take from its port to its control socket. */
const STARTING = 2_000

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
  let gate = await findOrStart(ctx, given, start)
  let joining: Promise<void> | undefined
  // Agents of a swarm come here together. A gate of the command's own lasts as long as that.
  const joinAnew = () => {
    if (gate !== undefined) return
    joining ??= findOrStart(ctx, given, start)
      .then((found) => {
        gate = found
      })
      .finally(() => {
        joining = undefined
      })
    return joining
  }
  return {
    get own() {
      return gate !== undefined
    },
    begin: async (work) => {
      let hasBegun = false
      const begun = () => {
        hasBegun = true
      }
      for (let tries = 1; ; tries++) {
        try {
          return await work(begun)
        } catch (error) {
          if (!(error instanceof GateGone) || hasBegun || tries === TRIES) throw error
        }
        await joinAnew()
      }
    },
    close: async () => {
      if (gate === undefined) return
      const end = performance.now() + LINGER
      // Who comes from the last look on is told that it ends, with nothing in between.
      for (let told = false; performance.now() < end && gate.visits() > 0; told = true) {
        if (!told) onWait()
        await sleep(200)
      }
      await gate.close()
    },
  }
}

/** A gate of the command's own; undefined where one runs already, or by now. */
async function findOrStart(
  ctx: Context,
  given: Readonly<Record<string, unknown>>,
  start: () => Promise<StartOptions>,
): Promise<Gateway | undefined> {
  for (let tries = 1; !(await isGateRunning(ctx)); tries++) {
    const [{ startGate }, options] = await Promise.all([import("./start.ts"), start()])
    try {
      return await startGate(ctx, options)
    } catch (error) {
      if (tries === TRIES || !isTaken(error)) throw error
      // Another command was faster. Where it had the control socket it may be gone again by now; a port may be of no gate at all.
      if (error.where?.file !== controlPath(ctx) && !(await comesUp(ctx))) throw error
    }
  }
  refuseOptions(given)
  return undefined
}

/** Whether somebody else listens where this gate was to. */
const isTaken = (error: unknown): error is NanoguardError =>
  error instanceof NanoguardError && (error.cause as NodeJS.ErrnoException | undefined)?.code === "EADDRINUSE"

/** Whether a gate answers before long: one that is starting has its port before it has its control socket. */
async function comesUp(ctx: Context): Promise<boolean> {
  for (const end = performance.now() + STARTING; performance.now() < end; await sleep(50))
    if (await isGateRunning(ctx)) return true
  return false
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
