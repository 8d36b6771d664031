// A box on the person's terminal: started, shown, and ended with everything set right.
import { type ChildProcess, spawn, spawnSync } from "node:child_process"
import { constants } from "node:os"
import type { Writable } from "node:stream"
import { setTimeout as sleep } from "node:timers/promises"
import type { Context } from "../../context.ts"
import { EXIT, NanoguardError } from "../../errors.ts"
import { findProgram } from "../engines/program.ts"
import type { Launch } from "../types.ts"
import { onTerminal } from "./pty.ts"
import { inputFor, pass, show, streamFor } from "./show.ts"
import type { Stop } from "./stop.ts"
import { type Cause, type SuperviseOptions, supervise } from "./supervise.ts"
import { openTranscript } from "./transcript.ts"

export interface AttachOptions extends SuperviseOptions {
  /** Whether the box has a terminal, as its `BoxSpec` says: only where stdin and stdout are the person's. */
  tty: boolean
  /** Where its standard input comes from; the person's where absent. */
  input?: "inherit" | "ignore"
  /** Ends the box itself, by its engine; where absent, what started it gets signals. */
  stop?: Stop
  /** The run whose output is kept on the host, as far as it passes through here: what goes to a file or pipe is there. */
  transcript?: string
  /** Given what passes through here as it comes. */
  onOutput?: (chunk: Uint8Array) => void
}

export interface Ended {
  /** The command's own code; 128 and the number where a signal ended it or nanoguard; 124 after the timeout. */
  code: number
  signal?: NodeJS.Signals
  /** Who ended it, where it did not end by itself. */
  by?: Cause["by"]
}

/** As timeout(1). */
const TIMED_OUT = 124
/** Milliseconds for the last output once the command is gone: something else may hold its end of the pipe open. */
const LAST_OUTPUT = 2_000

const UNFILTERED =
  "script(1) is missing, so the box holds this terminal itself and nothing that it prints is taken out: install util-linux"

/**
 * Starts what `launch` says on the streams of this process and resolves once it ended. With a terminal it runs on one of its own, and
 * everything that it prints passes the filter; without one, what goes to a terminal passes the filter and what goes to a file or a
 * pipe stays as it is. Throws `NanoguardError` (environment) where it cannot be started.
 */
export async function attachLaunch(ctx: Context, launch: Launch, options: AttachOptions): Promise<Ended> {
  if (options.signal.aborted) return endedOf(null, "SIGTERM", { by: "abort" })
  const own = options.tty ? onTerminal(launch, ctx) : undefined
  const direct = options.tty && own === undefined
  if (direct) options.onNote?.(UNFILTERED)
  const kept =
    options.transcript === undefined
      ? undefined
      : openTranscript(ctx, options.transcript, (why) => options.onNote?.(why))
  const started = Promise.withResolvers<ChildProcess>()
  const gone = started.promise.then(exitOf)
  const kill = (signal: NodeJS.Signals) => started.promise.then((child) => child.kill(signal))
  // Before it starts: a signal in between would end this process and leave the box.
  const watch = supervise(
    {
      gone: gone.then(() => true as const),
      stop: options.stop ?? ((how) => kill(how === "kill" ? "SIGKILL" : "SIGTERM")),
      destroy: () => void kill("SIGKILL"),
      forward: (signal) => void kill(signal),
      holdsTerminal: direct,
      terminal: options.tty || ctx.stdout.isTTY === true || ctx.stderr.isTTY === true,
    },
    options,
  )
  try {
    const streams = [ctx.stdout, ctx.stderr].map((stream) => (direct ? "inherit" : streamFor(stream)))
    const input = options.input ?? (own === undefined && !direct ? inputFor(ctx) : "inherit")
    const child = await start(ctx, own ?? launch, [input, ...streams])
    started.resolve(child)
    if (child.stdin !== null) pass(ctx, child.stdin, gone)
    const listen = () => {
      const keep = kept?.stream()
      return (chunk: Uint8Array) => {
        options.onOutput?.(chunk)
        keep?.(chunk)
      }
    }
    const shown = [
      child.stdout && show(child.stdout, ctx.stdout, listen()),
      child.stderr && show(child.stderr, ctx.stderr, listen()),
    ]
    const [code, signal] = await gone
    await Promise.race([Promise.all(shown), sleep(LAST_OUTPUT, undefined, { ref: false })])
    // script(1) gives the terminal back as it found it, unless it is killed itself.
    const stty = own !== undefined && signal !== null ? findProgram(ctx, "stty") : undefined
    if (stty !== undefined) spawnSync(stty, ["sane"], { stdio: ["inherit", "ignore", "ignore"] })
    return endedOf(code, signal, watch.cause())
  } finally {
    watch.close()
    kept?.close()
  }
}

/** Starts it; rejects where it does not run. */
async function start(ctx: Context, launch: Launch, streams: ("pipe" | "inherit" | "ignore")[]): Promise<ChildProcess> {
  const { file, args, env, descriptors = [] } = launch
  try {
    const child = spawn(file, args, {
      cwd: ctx.cwd,
      env: (env ?? ctx.env) as NodeJS.ProcessEnv,
      stdio: [...streams, ...descriptors.map(() => "pipe" as const)],
    })
    // Told a turn later; what nobody hears would end this process. Where descriptors ran out there are not even streams.
    const failed = new Promise((resolve) => child.on("error", resolve))
    if (child.pid === undefined) throw await failed
    for (const [index, bytes] of descriptors.entries()) feed(child.stdio[3 + index] as Writable, bytes)
    return child
  } catch (cause) {
    const isFull = ["EMFILE", "ENFILE"].includes((cause as NodeJS.ErrnoException).code ?? "")
    throw new NanoguardError(
      `the box cannot be started: ${isFull ? "too many files are open" : `${file} does not run`}`,
      {
        exit: EXIT.environment,
        hint: isFull
          ? "raise the limit (ulimit -n), or run fewer at a time"
          : "nanoguard doctor says what is missing here",
        cause,
      },
    )
  }
}

function exitOf(child: ChildProcess): Promise<[number | null, NodeJS.Signals | null]> {
  return new Promise((resolve) => child.once("exit", (code, signal) => resolve([code, signal])))
}

/** A reader that leaves before it read everything is its own affair. */
function feed(stream: Writable, bytes: Uint8Array): void {
  stream.on("error", () => {})
  stream.end(bytes)
}

function endedOf(code: number | null, signal: NodeJS.Signals | null, cause: Cause | undefined): Ended {
  if (cause?.by === "timeout") return { code: TIMED_OUT, by: "timeout" }
  const by = cause === undefined ? {} : { by: cause.by }
  const ended = cause?.by === "signal" ? cause.signal : signal
  if (ended === null) return { code: code ?? 1, ...by }
  return { code: 128 + constants.signals[ended], signal: ended, ...by }
}
