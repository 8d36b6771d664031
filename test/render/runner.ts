// How GitHub's runner reads a line of a log, written from its documented behaviour: the line is trimmed, a command starts
// with "::" (or holds "##[" anywhere, the older form), and %XX escapes are undone afterwards.

export interface RunnerCommand {
  command: string
  properties: Record<string, string>
  data: string
}

/** The command in one line of a log; undefined where the line is only text. */
export function readCommand(line: string): RunnerCommand | undefined {
  const trimmed = line.trim()
  const modern = /^::([A-Za-z-]+)(?: ([^:]*(?::(?!:)[^:]*)*))?::(.*)$/s.exec(trimmed)
  if (modern !== null)
    return { command: modern[1]!, properties: readProperties(modern[2] ?? ""), data: undo(modern[3]!) }
  const old = /##\[([A-Za-z.-]+)([^\]]*)\](.*)/s.exec(line) ?? /##vso\[([^\]\s]+)([^\]]*)\](.*)/s.exec(line)
  return old === null ? undefined : { command: old[1]!, properties: {}, data: old[3]! }
}

function readProperties(text: string): Record<string, string> {
  const pairs = text.split(",").map((pair) => [pair.slice(0, pair.indexOf("=")), pair.slice(pair.indexOf("=") + 1)])
  return Object.fromEntries(
    pairs.map(([key, value]) => [key, undo(value!).replaceAll("%3A", ":").replaceAll("%2C", ",")]),
  )
}

function undo(text: string): string {
  return text.replaceAll("%0D", "\r").replaceAll("%0A", "\n").replaceAll("%25", "%")
}

/** All commands in a log. */
export function readCommands(log: string): RunnerCommand[] {
  return log
    .split(/\r\n|\r|\n/)
    .map(readCommand)
    .filter((command) => command !== undefined)
}
