// The go.work above a go.mod, and what the modules that it uses replace.
import { posix } from "node:path"
import type { ReadSibling } from "../types.ts"
import { type GoReplacement, readGoMod, readGoWork } from "./goMod.ts"
import { besideOf } from "./places.ts"

export interface GoWorkspace {
  /** Replacements of go.work and of every other module that it uses, by module; local ones count from the directory of `file`. */
  sets: { file: string; replacements: Map<string, GoReplacement> }[]
  /** Modules in use whose go.mod is not in the repository. */
  unread: number
}

/**
 * The workspace of the go.mod at `path`: `go` looks for a go.work beside it and in every directory above, and a `replace` of any module
 * in use counts for all of them (https://go.dev/ref/mod#workspaces). Looks as far up as the vetted root; undefined where there is none.
 * Throws with file and line on a go.work or a go.mod in use that cannot be read.
 */
export function readGoWorkspace(path: string, readSibling: ReadSibling): GoWorkspace | undefined {
  const found = findWorkspace(path, readSibling)
  if (found === undefined) return undefined
  const file = besideOf(path, found.file)
  const work = readGoWork(found.text, file)
  const workspace: GoWorkspace = { sets: [{ file, replacements: byModule(work.replacements) }], unread: 0 }
  for (const use of new Set(work.uses)) {
    const beside = posix.join(posix.dirname(found.file), use, "go.mod")
    const used = besideOf(path, beside)
    if (used === posix.normalize(path)) continue
    const text = posix.isAbsolute(use) ? undefined : readSibling(beside)
    if (text === undefined) workspace.unread++
    else workspace.sets.push({ file: used, replacements: byModule(readGoMod(text, used).replacements) })
  }
  return workspace
}

/** Replacements by the module that they replace, with the version or without where they replace all. */
export function byModule(replacements: readonly GoReplacement[]): Map<string, GoReplacement> {
  return new Map(replacements.map((one) => [`${one.path}@${one.version}`, one]))
}

function findWorkspace(path: string, readSibling: ReadSibling): { file: string; text: string } | undefined {
  const levels = posix.normalize(path).split("/").length
  for (let up = 0; up < levels; up++) {
    const file = `${"../".repeat(up)}go.work`
    const text = readSibling(file)
    if (text !== undefined) return { file, text }
  }
  return undefined
}
