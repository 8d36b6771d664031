// What an agent reads off a terminal.

/** The command that the closing lines say to run. */
export function commandIn(terminal: string): string | undefined {
  return /^ *run: (.+)$/m.exec(terminal)?.[1]
}
