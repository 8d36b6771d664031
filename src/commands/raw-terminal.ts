// A terminal that a command draws on: raw keys in, whole screens out, and everything put back however the command ends.
import { emitKeypressEvents, type Interface } from "node:readline"
import type { ReadStream } from "node:tty"
import type { Context } from "../context.ts"
import type { Line } from "../render/card-text.ts"
import type { Style } from "../render/style.ts"

export interface RawTerminal {
  size: () => { columns: number; rows: number }
  /** Draws a screen, line by line at its own place; resolves once it was written. */
  draw: (lines: readonly Line[], style: Style) => Promise<void>
  /** Gives the terminal back, and stops the process as Ctrl-Z does; returns when it goes on. */
  suspend: () => void
  close: () => void
}

interface Listeners {
  onKey: (key: string) => void
  onResize: () => void
}

// Alternate screen, no wrapping at the edge, no cursor; and back.
const ENTER = "\x1b[?1049h\x1b[?7l\x1b[?25l"
const LEAVE = "\x1b[?25h\x1b[?7h\x1b[?1049l"
const NAMES: Readonly<Record<string, string>> = { return: "enter" }

/** Takes over the terminal that stdin and stdout are. */
export function openRawTerminal(ctx: Context, { onKey, onResize }: Listeners): RawTerminal {
  const stdin = ctx.stdin as ReadStream
  const { stdout } = ctx
  let open = false

  const onPress = (
    text: string | undefined,
    key: { name?: string; ctrl?: boolean; meta?: boolean; sequence?: string },
  ) => {
    const name = key.name ?? text ?? ""
    if (key.ctrl) return onKey(`ctrl-${name}`)
    if (key.meta && name !== "escape") return undefined
    // A character is itself, with its case; other keys go by their names.
    onKey(
      text !== undefined && [...text].length === 1 && text >= " " && text !== "\x7f" && text !== " "
        ? text
        : (NAMES[name] ?? name),
    )
  }
  const enter = () => {
    if (open) return
    open = true
    stdin.setRawMode(true)
    stdin.resume()
    stdout.write(ENTER)
  }
  const leave = () => {
    if (!open) return
    open = false
    stdout.write(LEAVE)
    stdin.setRawMode(false)
    stdin.pause()
  }
  const onContinue = () => {
    enter()
    onResize()
  }
  // Whatever ends the process, the shell gets its terminal back.
  const onEnd = () => onKey("ctrl-c")
  // Only the timeout of it is read: how long an Esc waits for the rest of a key's sequence, in milliseconds.
  emitKeypressEvents(stdin, { escapeCodeTimeout: 50 } as unknown as Interface)
  stdin.on("keypress", onPress)
  stdin.on("end", onEnd)
  stdout.on("resize", onResize)
  process.on("exit", leave)
  process.on("SIGCONT", onContinue)
  for (const signal of ["SIGTERM", "SIGHUP", "SIGINT"] as const) process.on(signal, onEnd)
  enter()
  return {
    size: () => ({
      columns: Math.max(1, stdout.columns ?? 80),
      rows: Math.max(1, (stdout as { rows?: number }).rows ?? 24),
    }),
    draw: (lines, style) =>
      new Promise((resolve) => {
        if (!open) return resolve()
        const text = lines.map(({ text, tone }, i) => `\x1b[${i + 1};1H\x1b[2K${paint(style, text, tone)}`).join("")
        stdout.write(`\x1b[?2026h${text}\x1b[J\x1b[?2026l`, () => resolve())
      }),
    suspend: () => {
      leave()
      // The whole job, as the terminal itself would do it. Where no shell could let it go on, the system does not stop it.
      process.kill(0, "SIGTSTP")
      setTimeout(onContinue, 100)
    },
    close: () => {
      leave()
      stdin.off("keypress", onPress)
      stdin.off("end", onEnd)
      stdout.off("resize", onResize)
      process.off("exit", leave)
      process.off("SIGCONT", onContinue)
      for (const signal of ["SIGTERM", "SIGHUP", "SIGINT"] as const) process.off(signal, onEnd)
    },
  }
}

function paint(style: Style, text: string, tone: Line["tone"]): string {
  if (tone === undefined) return text
  return { head: style.bold, dim: style.dim, bad: style.red, warn: style.yellow, good: style.green }[tone](text)
}
