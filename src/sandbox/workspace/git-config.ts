// The configuration of the box's own git directory, and what of it may come back. What git may run, which servers it takes, and
// what holds a key are never among it.
import type { Git } from "../../vet/git.ts"
import { mayBeNamed } from "./git-files.ts"
import { isWithin, realPath } from "./places.ts"

/** Keys in lower case but for the subsection, as git prints them; a key may come several times. */
export type Settings = readonly (readonly [key: string, value: string])[]

const ENTERS: readonly RegExp[] = [
  /^core\.(filemode|ignorecase|precomposeunicode|symlinks|autocrlf|eol|safecrlf|quotepath|abbrev|protecthfs|protectntfs|sparsecheckout|sparsecheckoutcone|logallrefupdates|commentchar)$/,
  /^extensions\.(objectformat|partialclone)$/,
  /^remote\..+\.(url|pushurl|fetch|push|tagopt|prune|promisor|partialclonefilter)$|^remote\.pushdefault$/,
  /^branch\..+\.(remote|merge|rebase|pushremote|description)$|^branch\.(autosetupmerge|autosetuprebase|sort)$/,
  /^(user\.(name|email)|author\.(name|email)|committer\.(name|email)|init\.defaultbranch|push\.(default|autosetupremote|followtags)|pull\.(rebase|ff)|fetch\.(prune|prunetags)|rebase\.(autostash|autosquash|updaterefs)|merge\.(ff|conflictstyle)|rerere\.enabled|diff\.(algorithm|renames|mnemonicprefix)|status\.\w+|tag\.sort|i18n\.\w+|submodule\..+\.(url|active|branch)|advice\.\w+|versionsort\.suffix|index\.version)$/,
]
/** Of the person's own configuration only who they are and their habits; remotes and branches are the repository's. */
const FROM_GLOBAL = /^(user|author|committer|init|push|pull|fetch|rebase|merge|diff|status|advice|core)\./

/** A setting, and which file it is from: `local`, `global`, `worktree`. */
export interface ScopedSetting {
  scope: string
  /** Its real path; absent where it is from no file. */
  file?: string
  key: string
  value: string
}

/** Every setting that is in force for a repository, the machine's left out. Runs nothing that they name. */
export async function listSettings(git: Git, gitDirectory: string): Promise<ScopedSetting[]> {
  const { stdout, exitCode } = await git([
    `--git-dir=${gitDirectory}`,
    "config",
    "--list",
    "-z",
    "--show-scope",
    "--show-origin",
  ])
  if (exitCode !== 0) return []
  const parts = stdout.split("\0")
  const settings: ScopedSetting[] = []
  for (let at = 0; at + 2 < parts.length; at += 3) {
    const [key = "", ...value] = parts[at + 2]!.split("\n")
    const origin = parts[at + 1]!
    const file = origin.startsWith("file:") ? realPath(origin.slice(5)) : undefined
    settings.push({ scope: parts[at]!, ...(file !== undefined && { file }), key, value: value.join("\n") })
  }
  return settings
}

/** What the repository's settings may name on the host, the person's own left out: their values, and the files that they are from. */
export function namedBySettings(all: readonly ScopedSetting[]): string[] {
  const texts = all.flatMap(({ scope, value, file = value }) => (scope === "global" ? [] : [value, file]))
  return [...new Set(texts)]
}

/**
 * Those that are the repository's own or the person's: what it includes from elsewhere on the host may be another repository's. `places` are
 * directories whose files count as its own.
 */
export function settingsOf(all: readonly ScopedSetting[], places: readonly string[]): ScopedSetting[] {
  return all.filter(
    ({ scope, file }) =>
      scope === "global" || (file !== undefined && places.some((directory) => isWithin(file, directory))),
  )
}

/** What of them enters a box: harmless keys, without what an address says before its host. */
export function settingsForBox(all: readonly ScopedSetting[]): Settings {
  return all.flatMap(({ scope, key, value }): Settings => {
    if (scope === "command" || !ENTERS.some((pattern) => pattern.test(key))) return []
    if (scope === "global" && !FROM_GLOBAL.test(key)) return []
    return [[key, withoutLogin(value)]]
  })
}

const withoutLogin = (value: string) => value.replace(/^(https?:\/\/)[^/]*@/i, "$1")

/** Text of a configuration file. */
export function writeSettings(settings: Settings): string {
  const version = settings.some(([key]) => key.startsWith("extensions.")) ? 1 : 0
  const lines = [`[core]\n\trepositoryformatversion = ${version}\n\tbare = false\n`]
  for (const [key, value] of settings) {
    const section = key.slice(0, key.indexOf("."))
    const name = key.slice(key.lastIndexOf(".") + 1)
    const subsection = key.slice(section.length + 1, -name.length - 1)
    const head = subsection === "" ? section : `${section} "${subsection.replace(/["\\]/g, "\\$&")}"`
    if (/[\n\0]/.test(subsection)) continue
    lines.push(
      `[${head}]\n\t${name} = "${value.replace(/["\\]/g, "\\$&").replace(/\n/g, "\\n").replace(/\t/g, "\\t")}"\n`,
    )
  }
  return lines.join("")
}

const COMES_BACK = /^branch\.(.+)\.(remote|merge|rebase)$/

/**
 * What a box changed in its settings, sorted into what comes over (where a branch pushes to and pulls from, for remotes that the
 * repository has anyway) and the names of what does not.
 */
export function compareSettings(before: Settings, after: Settings): { comes: [string, string][]; refused: string[] } {
  const text = (settings: Settings) => new Set(settings.map(([key, value]) => `${key}\n${value}`))
  const was = text(before)
  const remotes = new Set(before.flatMap(([key]) => /^remote\.(.+)\.url$/.exec(key)?.[1] ?? []))
  const comes: [string, string][] = []
  const refused = new Set<string>()
  for (const [key, value] of after) {
    if (was.has(`${key}\n${value}`) || /^core\.(repositoryformatversion|bare)$/.test(key)) continue
    const [, branch, name] = COMES_BACK.exec(key) ?? []
    const fine =
      branch !== undefined &&
      mayBeNamed(`refs/heads/${branch}`) &&
      (name === "remote"
        ? remotes.has(value) || value === "."
        : name === "merge"
          ? value.startsWith("refs/heads/") && mayBeNamed(value)
          : /^(true|false|merges)$/.test(value))
    if (fine && comes.length < 200) comes.push([key, value])
    else refused.add(key)
  }
  return { comes, refused: [...refused].sort().slice(0, 50) }
}
