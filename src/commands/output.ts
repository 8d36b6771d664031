// Where `--output` writes: a path that a person or a CI job names, in a directory that is somebody else's.
import { closeSync, constants, lstatSync, openSync, writeFileSync } from "node:fs"
import { isAbsolute, join, relative, resolve, sep } from "node:path"
import { EXIT, NanoguardError } from "../errors.ts"

/** Writes a report to `output`, relative to `cwd`. Throws `NanoguardError` (usage) where that cannot be, or leads elsewhere. */
export function writeOutput(cwd: string, output: string, document: string): void {
  const path = resolve(cwd, output)
  const steps = stepsBelow(cwd, path)
  const refuse = (message: string) =>
    new NanoguardError(message, { exit: EXIT.usage, where: { file: output }, hint: "give --output another path" })
  if (steps.some((step) => statOf(step)?.isSymbolicLink()))
    throw refuse("the report would be written through a link of the repository")
  // Opening a named pipe waits for a reader that may never come.
  const stat = steps.length > 0 ? statOf(path) : undefined
  if (stat && !stat.isFile() && !stat.isDirectory()) throw refuse("the report would not be written to a regular file")
  try {
    const fd = openSync(path, steps.length > 0 ? OWN_FILE : "w", 0o666)
    try {
      writeFileSync(fd, document)
    } finally {
      closeSync(fd)
    }
  } catch (cause) {
    const code = (cause as NodeJS.ErrnoException).code ?? "unknown error"
    throw new NanoguardError(`the report cannot be written (${code})`, {
      exit: EXIT.usage,
      where: { file: output },
      hint: "give --output a path in a directory that exists",
      cause,
    })
  }
}

/** To write a file whole, also where somebody puts a link or a pipe there meanwhile; Windows has neither flag. */
const { O_WRONLY, O_CREAT, O_TRUNC, O_NOFOLLOW = 0, O_NONBLOCK = 0 } = constants
const OWN_FILE = O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_NONBLOCK

/** The directories between `cwd` and the path, and the path itself; none outside of `cwd`, where links are the person's own. */
function stepsBelow(cwd: string, path: string): string[] {
  const way = relative(cwd, path)
  if (way === ".." || way.startsWith(`..${sep}`) || isAbsolute(way)) return []
  return way.split(sep).map((_, index, all) => join(cwd, ...all.slice(0, index + 1)))
}

function statOf(path: string) {
  return lstatSync(path, { throwIfNoEntry: false })
}
