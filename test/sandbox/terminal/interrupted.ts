// A run that watches for signals, as a process of its own: does what the lines of its stdin say, and says what it hears.
import { createInterface } from "node:readline"
import { Interrupted, watchInterrupts } from "../../../src/sandbox/terminal/interrupts.ts"
import { supervise } from "../../../src/sandbox/terminal/supervise.ts"

const say = (text: string) => process.stdout.write(`${text}\n`)
const hear = (name: string) => {
  const watch = watchInterrupts()
  watch.signal.addEventListener("abort", () => {
    const why: unknown = watch.signal.reason
    say(why instanceof Interrupted ? `${name} aborted: ${why.signal} ${why.exit}` : "aborted")
  })
  return watch
}
const box = {
  gone: new Promise<true>(() => {}),
  ...{ stop: (how: string) => say(`asked: ${how}`), forward: (signal: string) => say(`forwarded: ${signal}`) },
  ...{ destroy: () => {}, terminal: false, holdsTerminal: false },
}
const own = hear("own")
let close = () => {}
const commands: Record<string, () => void> = {
  supervise: () => {
    close = supervise(box, { signal: new AbortController().signal, grace: 600_000, interrupts: own }).close
  },
  over: () => close(),
  other: () => void hear("other"),
  close: own.close,
}
say("ready")
for await (const line of createInterface(process.stdin)) {
  commands[line]!()
  say(`${line}: done`)
}
