// What weakens the state directory: keys that others may read, and directories above it that others may change.
import { realpathSync, type Stats, statSync } from "node:fs"
import { dirname, join } from "node:path"
import { readKeyFile } from "../audit/checkpoints/keys.ts"
import { NanoguardError } from "../errors.ts"

/** One sentence, with what to do, for each thing that weakens the keys in a state directory or the way to it. */
export function listFileWarnings(directory: string): string[] {
  const keys = ["log.key", "commit.key"].flatMap((name) => warnOfKey(join(directory, name)))
  return [...keys, ...warnOfParents(directory)]
}

function warnOfKey(path: string): string[] {
  try {
    readKeyFile(path)
    return []
  } catch (error) {
    if (!(error instanceof NanoguardError)) throw error
    return [error.hint === undefined ? error.message : `${error.message}: ${error.hint}`]
  }
}

/**
 * Who may write a directory may put another in the place of what is in it: the record with its keys. As sshd's StrictModes, which
 * refuses; here it is said, for a volume of a container has such modes and one user, and the record must go on there.
 */
function warnOfParents(directory: string): string[] {
  if (process.platform === "win32") return []
  const warnings: string[] = []
  for (let path = realOf(directory); path !== undefined && path !== dirname(path); ) {
    path = dirname(path)
    const stats = statSync(path, { throwIfNoEntry: false })
    const who = stats && whoMayChange(stats)
    if (who)
      warnings.push(`${who} may put another directory in the place of this one, through ${path}: chmod go-w ${path}`)
  }
  return warnings
}

/** Whoever besides root and this user may rename what is in a directory; undefined where nobody may. */
function whoMayChange({ mode, uid, gid }: Stats): string | undefined {
  // On a sticky directory, such as /tmp, only an entry's own owner may.
  if ((mode & 0o1000) === 0 && (mode & 0o002) !== 0) return "every user of this host"
  // A group of the user's own, by the custom that gives it the user's number, has nobody else in it.
  if ((mode & 0o1000) === 0 && (mode & 0o020) !== 0 && gid !== 0 && gid !== uid) return `the group ${gid}`
  return uid !== 0 && uid !== process.getuid?.() ? `the user ${uid}` : undefined
}

function realOf(path: string): string | undefined {
  try {
    return realpathSync(path)
  } catch {
    return undefined
  }
}
