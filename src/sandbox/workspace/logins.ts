// Keys in the settings of repositories that a box sees as they are: nested ones, and submodules of the workspace's own.
import { entriesIn, unlessBarred } from "./below.ts"
import { readBeginning } from "./secrets.ts"

const MAX_ENTRIES = 20_000
const MAX_CONFIG = 1024 * 1024
/** What is large, and holds no settings. */
const SKIPPED = new Set(["objects", "refs", "logs", "hooks", "lfs", "info"])
const LOGIN = /:\/\/[^\s/"]*@|extraheader|password|passwd|token|secret/i

/** Files of settings below a git directory that name somebody by a key, relative to it. Links are not followed. */
export function settingsWithLogins(gitDirectory: string): string[] {
  const found: string[] = []
  const queue = [""]
  let entries = 0
  for (let at = queue.pop(); at !== undefined && entries < MAX_ENTRIES; at = queue.pop()) {
    const directory = `${gitDirectory}/${at}`
    // The box has it read-only, and no other rights than we have.
    for (const entry of unlessBarred(() => entriesIn(directory)) ?? []) {
      entries++
      const path = `${at}${entry.name}`
      if (entry.isDirectory() && !SKIPPED.has(entry.name)) queue.push(`${path}/`)
      else if (entry.isFile() && /^config(\.worktree)?$/.test(entry.name)) {
        const text = readBeginning(`${gitDirectory}/${path}`, MAX_CONFIG)
        if (text === undefined || LOGIN.test(text)) found.push(path)
      }
    }
  }
  return found
}
