// A real terminal: tmux runs the program, types, and says what the screen shows.
import { execFileSync } from "node:child_process"
import { randomUUID } from "node:crypto"
import { setTimeout as sleep } from "node:timers/promises"

export interface Terminal {
  /** Types keys as tmux names them ("Enter", "Down", "C-c"), or text with `-l`. */
  press: (...keys: string[]) => void
  /** The visible screen and its scrollback, without styles. */
  screen: () => string
  /** Resolves with the screen once it shows the text; rejects with the screen after 20 s. */
  waitFor: (text: string | RegExp) => Promise<string>
  resize: (columns: number, rows: number) => void
  close: () => void
  /** Runs a command of tmux for it; what that prints. */
  tmux: (...args: string[]) => string
}

/** Whether tmux can be run. */
export function hasTmux(): boolean {
  try {
    execFileSync("tmux", ["-V"], { stdio: "pipe" })
    return true
  } catch {
    return false
  }
}

/** Opens a terminal, of 110 x 60 unless told, in `cwd` that runs one shell command, prints `[exit N]` after it, and stays. */
export function openTerminal(
  cwd: string,
  command: string,
  env: Record<string, string> = {},
  [columns, rows]: readonly [number, number] = [110, 60],
): Terminal {
  const socket = `nanoguard-${randomUUID()}`
  const tmux = (...args: string[]) =>
    execFileSync("tmux", ["-L", socket, "-f", "/dev/null", ...args], { stdio: "pipe", encoding: "utf8" })
  const variables = Object.entries(env).flatMap(([name, value]) => ["-e", `${name}=${value}`])
  const shell = `${command}; echo "[exit $?]"; exec sleep 600`
  tmux("new-session", "-d", "-x", `${columns}`, "-y", `${rows}`, "-c", cwd, ...variables, shell)
  const screen = () => tmux("capture-pane", "-p", "-S", "-2000")
  return {
    press: (...keys) => {
      tmux("send-keys", ...keys)
    },
    screen,
    waitFor: async (text) => {
      for (let tries = 0; tries < 200; tries++) {
        const shown = screen()
        if (typeof text === "string" ? shown.includes(text) : text.test(shown)) return shown
        await sleep(100)
      }
      throw new Error(`the terminal never showed ${text}; it shows:\n${screen()}`)
    },
    resize: (columns, rows) => {
      tmux("resize-window", "-x", `${columns}`, "-y", `${rows}`)
    },
    close: () => {
      tmux("kill-server")
    },
    tmux,
  }
}
