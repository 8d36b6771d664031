// The terminals of the story: windows of one tmux, typed into as a person types. Somebody may look on, in their own terminal.
import { execFileSync, spawn } from "node:child_process"
import { randomUUID } from "node:crypto"
import { setTimeout as sleep } from "node:timers/promises"

export interface Window {
  /** Types a line and Enter. */
  type: (line: string) => Promise<void>
  /** Presses keys as tmux names them. */
  press: (...keys: string[]) => void
  /** What it shows, and what scrolled away. */
  screen: () => string
  /** Resolves with the screen once it shows that; rejects with the screen after two minutes. */
  waitFor: (text: string | RegExp) => Promise<string>
  /** Empties it, what scrolled away included. */
  clear: () => void
}

export interface Stage {
  window: (name: string) => Window
  /** Brings a window to the front, where somebody looks on. */
  show: (name: string) => void
  /** Says what happens, below the window. */
  say: (text: string) => void
  /** Lets somebody look on, from this terminal; resolves when they leave, or the stage closes. */
  attach: () => Promise<void>
  close: () => void
}

export interface StageOptions {
  cwd: string
  env: Readonly<Record<string, string>>
  columns: number
  rows: number
  /** Milliseconds between some letters and the next. */
  typing: number
}

/** Opens it, with a shell in each window. */
export function openStage({ cwd, env, columns, rows, typing }: StageOptions, names: readonly string[]): Stage {
  const socket = `nanoguard-story-${randomUUID()}`
  const tmux = (...args: string[]) =>
    execFileSync("tmux", ["-L", socket, "-f", "/dev/null", ...args], { stdio: "pipe", encoding: "utf8" })
  const variables = Object.entries(env).map(([name, value]) => `${name}=${value}`)
  // Only what the machine of the story has: not the environment of whoever shows it.
  const shell = ["env", "-i", ...variables, "sh"]
  for (const [index, name] of names.entries()) {
    const size = index === 0 ? ["new-session", "-d", "-x", `${columns}`, "-y", `${rows}`] : ["new-window", "-d"]
    tmux(...size, "-n", name, "-c", cwd, ...shell)
  }
  for (const [option, value] of [
    ["status-style", "reverse"],
    ["status-left", ""],
    ["status-right", ""],
    ["window-status-format", ""],
    ["window-status-current-format", ""],
    ["status-format[0]", ""],
    ["history-limit", "5000"],
  ])
    tmux("set-option", "-g", option!, value!)

  // All that whoever looks on can do.
  for (const key of ["q", "C-c"]) tmux("bind-key", "-n", key, "detach-client")

  const windowOf = (name: string): Window => {
    const target = `:${name}`
    const screen = () => tmux("capture-pane", "-p", "-J", "-S", "-3000", "-t", target).replace(/ +$/gm, "").trimEnd()
    return {
      screen,
      type: async (line) => {
        for (const part of typing === 0 ? [line] : (line.match(/.{1,4}/gu) ?? [])) {
          // At the end of a word of tmux's it would end the command.
          tmux("send-keys", "-t", target, "-l", "--", part.replace(/;$/, "\\;"))
          await sleep(typing)
        }
        tmux("send-keys", "-t", target, "Enter")
      },
      press: (...keys) => {
        tmux("send-keys", "-t", target, ...keys)
      },
      waitFor: async (text) => {
        for (const end = performance.now() + PATIENCE; performance.now() < end; await sleep(100)) {
          const shown = screen()
          if (typeof text === "string" ? shown.includes(text) : text.test(shown)) return shown
        }
        throw new Error(`the window ${name} never showed ${text}; it shows:\n${screen()}`)
      },
      clear: () => {
        tmux("send-keys", "-t", target, "-R")
        tmux("clear-history", "-t", target)
        tmux("send-keys", "-t", target, "Enter")
      },
    }
  }
  return {
    window: windowOf,
    show: (name) => void tmux("select-window", "-t", `:${name}`),
    say: (text) =>
      void tmux("set-option", "-g", "status-format[0]", ` ${text.replaceAll("#", "##")}#[align=right]q leaves `),
    attach: () =>
      new Promise((resolve) => {
        const { TMUX: _, ...rest } = process.env
        const viewer = spawn("tmux", ["-L", socket, "attach-session", "-r"], { stdio: "inherit", env: rest })
        viewer.once("exit", () => resolve())
      }),
    close: () => {
      try {
        tmux("kill-server")
      } catch {
        // It is gone with its last window.
      }
    },
  }
}

/** Milliseconds for something to show. */
const PATIENCE = 120_000
