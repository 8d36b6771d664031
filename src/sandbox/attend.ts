// A box while it lasts: what the gate says of it, a gate that is gone and comes back, and what is done about either.
import type { Context } from "../context.ts"
import { EXIT, NanoguardError } from "../errors.ts"
import type { BoxEvent, BoxRequest, OpenedBox } from "../gateway/boxes/types.ts"
import type { PolicyInForce } from "../gateway/control.ts"
import { askGate } from "../gateway/control-client.ts"
import { watchBox } from "./events.ts"
import type { Hand } from "./hand.ts"
import type { RunHooks } from "./run.ts"

interface Attended {
  /** What the box was opened with. */
  asked: BoxRequest
  opened: OpenedBox
  law: PolicyInForce
  hand: Hand
  hooks: RunHooks
}

/** What the gate says while the box lasts, and what is done about it. */
export function attend(ctx: Context, { asked, opened, law, hand, hooks }: Attended) {
  const wanted = new Set<string>(law.sandbox["pause-when"] ?? [GATE_GONE])
  const ending = new AbortController()
  let killed: { reason?: string } | undefined
  let over = false
  let lost = false
  // What it stands still for, as far as is known here: that something is over may be said while nobody listens.
  const standing = new Set<string>()
  let endFeed = () => {}
  const pause = (why: string, paused: boolean) => {
    if (over || !wanted.has(why)) return
    if (paused) standing.add(why)
    else standing.delete(why)
    const acted = paused ? hand.freeze(why) : hand.thaw(why)
    const say = () => over || (!paused && standing.size > 0) || hooks.onPause(why, paused)
    // Said once it is so: a person must not take a box for one that stands still, nor for one that does not where a later try came through, or
    // that somebody kills.
    const later = () => void hand.settled().then(() => standing.has(why) === paused && say())
    acted.then(
      (isSo) => (isSo ? say() : later()),
      () => {
        if (over) return
        hooks.onNote(
          `the box could not be ${paused ? "stopped where it stands" : "let go on"} (${why}): it is tried again`,
        )
        later()
      },
    )
  }
  // An older gate does not say what holds: then nothing is taken to be over.
  const missed = (paused: readonly string[] = [...standing]) => {
    for (const why of [...standing]) if (why !== GATE_GONE && !paused.includes(why)) pause(why, false)
  }
  const onEvent = (event: BoxEvent) => {
    hooks.onEvent(event)
    if (event.event === "open") missed(event.paused)
    if (event.event === "pause" || event.event === "resume") pause(event.why, event.event === "pause")
    if (event.event !== "killed") return
    killed = event.reason === undefined ? {} : { reason: event.reason }
    void hand.kill().finally(() => ending.abort("killed"))
  }
  const listen = () => {
    endFeed = watchBox(ctx, opened.run, { onEvent, onLost: () => void seek() })
  }
  // The gate is gone, or ended this box. Without it nothing goes out; the box waits for it as long as policy has it wait.
  const seek = async () => {
    lost = true
    pause(GATE_GONE, true)
    while (!over && !killed) {
      const back = await askGate<OpenedBox>(ctx, "POST", "/v1/boxes", { ...asked, run: opened.run }).catch(
        (error: unknown) => error,
      )
      if (over) return
      if (back !== undefined && !(back instanceof Error)) {
        listen()
        return pause(GATE_GONE, false)
      }
      if (isRefusal(back)) return onEvent({ event: "killed", reason: (back as Error).message })
      await new Promise((resolve) => setTimeout(resolve, SEEK_EVERY))
    }
  }
  listen()
  return {
    signal: ending.signal,
    killed: () => killed,
    /** Whether the gate was gone for a while: another one knows nothing of what was before. */
    lost: () => lost,
    end: () => {
      over = true
      endFeed()
    },
  }
}

/** The one reason that no gate gives. */
const GATE_GONE = "gate-gone"

/** Milliseconds between looks for a gate that is gone. */
const SEEK_EVERY = 1_000

/** A gate that answers and does not take the run back: it was ended or killed. One that is not there answers nothing. */
const isRefusal = (error: unknown) => error instanceof NanoguardError && error.exit !== EXIT.environment
