// What a box printed, judged from outside: what is missing did not hold.
import { parseForeignJson } from "../../foreign-json.ts"
import type { EngineName } from "../types.ts"
import type { Outcome, ProbeState } from "./types.ts"

/** Characters of one line; a box may print anything. */
const MAX_LINE = 20_000

/** Probes of the kernel itself: where a box has a kernel of its own, what they reach is that one. */
const OF_THE_KERNEL = new Set([
  ...[
    "proc-sys",
    "user-namespace",
    "mount-namespace",
    "mount",
    "io-uring",
    "bpf",
    "perf",
    "userfaultfd",
    "kernel-module",
  ],
  ...[
    "x32",
    "keyring",
    "release-agent",
    "handles",
    "vsock",
    "packet-socket",
    "icmp",
    "sctp",
    "capabilities",
    "namespaces",
    ...["devices", "device-nodes", "relay-trace", "terminal-input", "foreign-memory"],
  ],
])

/** Runtimes that give a box a kernel of its own. */
const OWN_KERNEL = /^(?:runsc|kata|krun)/

export interface BoxFacts {
  engine: EngineName
  runtime?: string | undefined
}

/** Probes that may end their box, and that is as good. */
const ENDING: readonly string[] = ["memory", "fork-bomb"]

/** Probes with a box of their own: those that may end it, and one that wants a terminal. */
export const ALONE: readonly string[] = [...ENDING, "terminal-input"]

/**
 * The outcomes in what a box printed. `expected` are the probes that had to run; one that left no line, and whatever follows a box that
 * ended early, cannot be told. A line that is no outcome is passed over: it is for the agent's side to print anything.
 */
export function readOutcomes(printed: string, exit: number, expected: readonly Outcome[], box: BoxFacts): Outcome[] {
  const found = new Map<string, Outcome>()
  for (const line of printed.split("\n")) {
    const outcome = line.length <= MAX_LINE ? parseOutcome(line) : undefined
    if (outcome && !found.has(outcome.probe)) found.set(outcome.probe, outcome)
  }
  return expected.map((probe) => judge(found.get(probe.probe) ?? judgeSilence(probe, exit), box))
}

function judgeSilence(probe: Outcome, exit: number): Outcome {
  // From 125 to 127 it is the engine that failed.
  if (exit === 0 || (exit >= 125 && exit <= 127) || !ENDING.includes(probe.probe)) return probe
  return { ...probe, state: "held", saw: `it ended the box (${exit})` }
}

/** A probe of the kernel that got through to a kernel that is not the host's has broken nothing of the host's. */
function judge(outcome: Outcome, { engine, runtime = "" }: BoxFacts): Outcome {
  const own = engine === "container" || OWN_KERNEL.test(runtime)
  if (outcome.state !== "broke" || !own || !OF_THE_KERNEL.has(outcome.probe)) return outcome
  return { ...outcome, state: "held", saw: `${outcome.saw}: of the box's own kernel` }
}

/** An outcome in a line of what a box printed; undefined for anything else. */
export function parseOutcome(line: string): Outcome | undefined {
  if (!line.startsWith('{"probe":')) return undefined
  try {
    const { probe, item, title, state, saw } = parseForeignJson(line) as Record<string, unknown>
    if (!isText(probe) || !isText(item) || !isText(title) || !isText(saw) || !isState(state)) return undefined
    return { probe, item, title, state, saw: saw.slice(0, 400) }
  } catch {
    return undefined
  }
}

const isText = (value: unknown): value is string => typeof value === "string"
const isState = (value: unknown): value is ProbeState =>
  value === "held" || value === "broke" || value === "cannot-tell"
