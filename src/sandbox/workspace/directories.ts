// Directories of a box's own tree by their inodes: one that was given another name takes its files along, whose times stay as they were.
import { lstatSync } from "node:fs"
import { eachBelow } from "./below.ts"

/** Inodes by path, relative with forward slashes. */
export type Directories = Readonly<Record<string, string>>

/** All directories below `tree`, as they are before a box has it. */
export function directoriesIn(tree: string): Directories {
  const found: [string, string][] = []
  eachBelow(tree, (path, entry) => {
    if (entry.isDirectory()) found.push([path.slice(tree.length + 1), inodeOf(path)])
  })
  return Object.fromEntries(found)
}

/** Tells of a directory whether it, or one above it, is another than at the beginning: whatever is in it may have come along whole. */
export function movedIn(tree: string, was: Directories | undefined): (directory: string) => boolean {
  const known = new Map([["", false]])
  const isMoved = (directory: string): boolean => {
    const before = known.get(directory)
    if (before !== undefined) return before
    const above = directory.slice(0, Math.max(0, directory.lastIndexOf("/")))
    const is = isMoved(above) || was?.[directory] !== inodeOf(`${tree}/${directory}`)
    known.set(directory, is)
    return is
  }
  return was === undefined ? () => false : isMoved
}

const inodeOf = (path: string) => `${lstatSync(path, { bigint: true, throwIfNoEntry: false })?.ino}`
