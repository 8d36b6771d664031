// Files of the workspace that git on the host takes settings from (git-config(1), Includes), there or not: whoever writes one says what git runs.
import { lstatSync } from "node:fs"
import { dirname, relative, resolve } from "node:path"
import { EXIT, NanoguardError } from "../../errors.ts"
import type { ScopedSetting } from "./git-config.ts"
import { isPlainWay, isWithin } from "./places.ts"

/** Paths below `root`, a real path, that these settings include, also under a condition; relative. `.git` has its own way. */
export function includedFiles(root: string, all: readonly ScopedSetting[], home: string): string[] {
  const paths = all.flatMap(({ key, value, file }) => {
    if (file === undefined || !/^include(if\..+)?\.path$/s.test(key)) return []
    const path = value.startsWith("~/") ? resolve(home, value.slice(2)) : resolve(dirname(file), value)
    return path !== root && isWithin(path, root) ? [relative(root, path).replaceAll("\\", "/")] : []
  })
  return [...new Set(paths)].filter((path) => path.split("/")[0]?.toLowerCase() !== ".git")
}

/**
 * Throws `NanoguardError` (usage) where one of them is no plain file: a box that has the workspace itself could make it, and nothing can be mounted
 * over what is not there. An empty directory in its place would end every git of the host's.
 */
export function checkIncluded(root: string, included: readonly string[]): void {
  for (const path of included) {
    const file = resolve(root, path)
    if (isPlainWay(file) && lstatSync(file, { throwIfNoEntry: false })?.isFile()) continue
    throw new NanoguardError("git's settings include a file of the workspace that is none, and that a box could make", {
      exit: EXIT.usage,
      where: { file },
      hint: "make an empty file there, or remove that include.path: git config --show-origin --get-regexp '^include'; or use --workspace copy",
    })
  }
}
