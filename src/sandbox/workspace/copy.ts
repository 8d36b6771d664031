// A copy of the workspace for a box. New files throughout: no hard link of the host's is among them.
import {
  constants,
  copyFileSync,
  lstatSync,
  lutimesSync,
  mkdirSync,
  readdirSync,
  readlinkSync,
  symlinkSync,
  utimesSync,
} from "node:fs"
import { EXIT, NanoguardError } from "../../errors.ts"
import { isHeavy } from "./names.ts"
import type { Copied } from "./state.ts"

interface Copy {
  copied: Record<string, Copied>
  /** Directories that were left out, devices and the like. */
  leftOut: string[]
}

const MAX_ENTRIES = 500_000

/**
 * Copies `root` into the empty directory `tree`, by reflinks where the file system has them. Left out: `hidden`, `.git` at every depth, what
 * tools make anew, and what is no file, directory or link. Throws `NanoguardError` where there is more than half a million entries.
 */
export function copyTree(root: string, tree: string, hidden: ReadonlySet<string>): Copy {
  const copied: Record<string, Copied> = Object.create(null) as Record<string, Copied>
  const leftOut: string[] = []
  let count = 0
  const queue = [""]
  for (let at = queue.pop(); at !== undefined; at = queue.pop()) {
    for (const name of readdirSync(`${root}/${at}`)) {
      const path = at === "" ? name : `${at}/${name}`
      if (hidden.has(path) || name.toLowerCase() === ".git") continue
      const from = `${root}/${path}`
      const to = `${tree}/${path}`
      const stats = lstatSync(from, { bigint: true })
      const mode = Number(stats.mode & 0o777n)
      if (++count > MAX_ENTRIES)
        throw new NanoguardError("the workspace is too large for a copy", {
          exit: EXIT.environment,
          where: { file: root },
          hint: "use --workspace worktree or direct",
        })
      const kind = stats.isFile()
        ? "file"
        : stats.isDirectory()
          ? "directory"
          : stats.isSymbolicLink()
            ? "link"
            : undefined
      if (kind === undefined || (kind === "directory" && isHeavy(name))) {
        leftOut.push(path)
        continue
      }
      const time = { a: Number(stats.atimeMs) / 1000, m: Number(stats.mtimeMs) / 1000 }
      if (kind === "directory") {
        mkdirSync(to, { mode: mode | 0o700 })
        queue.push(path)
      } else if (kind === "link") {
        symlinkSync(readlinkSync(from), to)
        lutimesSync(to, time.a, time.m)
      } else {
        copyFileSync(from, to, constants.COPYFILE_FICLONE)
        utimesSync(to, time.a, time.m)
      }
      copied[path] = [Number(stats.size), `${stats.ctimeNs}`, mode, kind]
    }
  }
  return { copied, leftOut }
}
