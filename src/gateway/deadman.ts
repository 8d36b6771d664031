// The dead-man switch: what the gate can no longer do has boxes stand still, where their policy says so (`sandbox.pause-when`).
import { closeSync, openSync, statSync, utimesSync } from "node:fs"
import { join } from "node:path"
import type { Context } from "../context.ts"
import { EXIT, NanoguardError } from "../errors.ts"
import { stateHome } from "../home.ts"
import type { Sandbox } from "../policy/compiled.ts"
import { Conflict } from "../store/conflict.ts"
import type { Store } from "../store/types.ts"
import type { PauseReason } from "./boxes/types.ts"

/** Milliseconds between two tries of a record that cannot be written, and between two looks for people. */
const PROBE = 2_000
const LOOK = 15_000
/** Milliseconds without a sign of any approver, while a request waits for one. */
const GONE = 10 * 60_000

const signPath = (ctx: Pick<Context, "env">) => join(stateHome(ctx), "gateway", "approver-seen")

/** Leaves a sign that an approver looks at requests on this machine now; a gate that runs here finds it. Never throws. */
export function leaveApproverSign(ctx: Pick<Context, "env">): void {
  try {
    closeSync(openSync(signPath(ctx), "a", 0o600))
    utimesSync(signPath(ctx), new Date(), new Date())
  } catch {
    // Nobody misses it but the switch, which then has boxes wait.
  }
}

export interface Deadman {
  /** The store, with an eye on whether it takes records. */
  store: Store
  /** An approver called, from here or elsewhere. */
  seen: () => void
  close: () => void
}

export interface DeadmanOptions {
  ctx: Pick<Context, "env" | "now">
  store: Store
  gateway: string
  wanted: () => NonNullable<Sandbox["pause-when"]>
  /** Whether some box has a request that waits for a person. */
  isWaiting: () => boolean
  onPause: (why: PauseReason, on: boolean) => void
}

/** Watches the record, and whether anybody is there who decides. */
export function createDeadman({ ctx, store, gateway, wanted, isWaiting, onPause }: DeadmanOptions): Deadman {
  let probing: NodeJS.Timeout | undefined
  let asking = false
  let lastSeen = 0
  let waitingSince: number | undefined

  const works = () => {
    if (probing === undefined) return
    clearInterval(probing)
    probing = undefined
    onPause("log-failing", false)
  }
  const fails = (error: unknown) => {
    if (error instanceof Conflict || (error instanceof NanoguardError && error.exit !== EXIT.environment)) return
    if (!wanted().includes("log-failing")) return
    onPause("log-failing", true)
    // Boxes that stand still write nothing by which it would show that it works again: one word at a time, for each stays in the record.
    probing ??= setInterval(() => {
      if (asking) return
      asking = true
      const event = { type: "sandbox.resumed", subject: "log-failing", gateway, outcome: "released" } as const
      const answered = () => {
        asking = false
      }
      watched.append(event).then(answered, answered)
    }, PROBE).unref()
  }
  const watch = async <T>(work: Promise<T>): Promise<T> => {
    try {
      const done = await work
      works()
      return done
    } catch (error) {
      fails(error)
      throw error
    }
  }
  const watched: Store = {
    ...{ kind: store.kind, db: store.db },
    write: (batch) => watch(store.write(batch)),
    append: (event) => watch(store.append(event)),
    // Where it fails, an event is written instead.
    repeat: (common, seq) => store.repeat(common, seq),
    subscribe: (listener) => store.subscribe(listener),
    checkpoint: () => store.checkpoint(),
    close: () => store.close(),
  }
  const look = () => {
    const now = ctx.now()
    const sign = statSync(signPath(ctx), { throwIfNoEntry: false })?.mtimeMs ?? 0
    waitingSince = isWaiting() ? (waitingSince ?? now) : undefined
    const since = Math.max(lastSeen, sign, waitingSince ?? now)
    onPause("approvers-gone", wanted().includes("approvers-gone") && now - since > GONE)
  }
  const looking = setInterval(look, LOOK).unref()
  return {
    store: watched,
    seen: () => {
      lastSeen = ctx.now()
      onPause("approvers-gone", false)
    },
    close: () => {
      clearInterval(looking)
      clearInterval(probing)
    },
  }
}
