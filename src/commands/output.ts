// Where `--output` writes: a path that a person or a CI job names, in a directory that is somebody else's.
import { lstatSync, writeFileSync } from "node:fs"
import { isAbsolute, join, relative, resolve, sep } from "node:path"
import { EXIT, NanoguardError } from "../errors.ts"

/** Writes a report to `output`, relative to `cwd`. Throws `NanoguardError` (usage) where that cannot be, or leads elsewhere. */
export function writeOutput(cwd: string, output: string, document: string): void {
  const path = resolve(cwd, output)
  if (hasLink(cwd, path)) {
    throw new NanoguardError("the report would be written through a link of the repository", {
      exit: EXIT.usage,
      where: { file: output },
      hint: "give --output another path",
    })
  }
  try {
    writeFileSync(path, document)
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

/** Whether the path, or a directory between it and `cwd`, is a symbolic link. Outside of `cwd` links are the person's own. */
function hasLink(cwd: string, path: string): boolean {
  const way = relative(cwd, path)
  if (way === ".." || way.startsWith(`..${sep}`) || isAbsolute(way)) return false
  const steps = way.split(sep).map((_, index, all) => join(cwd, ...all.slice(0, index + 1)))
  return steps.some((step) => lstatSync(step, { throwIfNoEntry: false })?.isSymbolicLink())
}
