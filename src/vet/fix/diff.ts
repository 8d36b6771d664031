// What changed, for a person to read before it is written: manifests line by line, lockfiles by the packages that move.
import type { Lockfile } from "../../packages/types.ts"
import { type Change, isLockfileName } from "./copy.ts"
import type { FixFile } from "./types.ts"

const MAX_MOVES = 200

/** Describes changes; `shown` turns a path below the root into the one to show, `locked` has lockfiles before and after. */
export async function describeChanges(
  changes: readonly Change[],
  shown: (path: string) => string,
  locked: ReadonlyMap<string, { before: Lockfile; after: Lockfile }>,
): Promise<FixFile[]> {
  const { formatPatch, OMIT_HEADERS, structuredPatch } = await import("diff")
  const files: FixFile[] = []
  for (const { path, before, after } of changes) {
    const known = locked.get(shown(path))
    if (isLockfileName(path) && !/\.txt$|(^|\/)go\.mod$/.test(path)) {
      files.push({ path: shown(path), kind: "lockfile", diff: known ? movesBetween(known.before, known.after) : "" })
      continue
    }
    const old = before?.toString("utf8") ?? ""
    const patch = structuredPatch(path, path, old, after.toString("utf8"), "", "", { context: 2 })
    files.push({ path: shown(path), kind: "manifest", diff: formatPatch(patch, OMIT_HEADERS) })
  }
  return files
}

/** One line a package: `name 1.0.0 -> 1.0.1`, `+ name 1.0.0`, `- name 1.0.0`; several versions with commas. */
export function movesBetween(before: Lockfile, after: Lockfile): string {
  const old = versionsByName(before)
  const now = versionsByName(after)
  const lines: string[] = []
  for (const name of [...new Set([...old.keys(), ...now.keys()])].sort()) {
    const gone = listOf(old.get(name), now.get(name))
    const come = listOf(now.get(name), old.get(name))
    if (gone !== "" && come !== "") lines.push(`${name} ${gone} -> ${come}`)
    else if (come !== "") lines.push(`+ ${name} ${come}`)
    else if (gone !== "") lines.push(`- ${name} ${gone}`)
  }
  const shown = lines.slice(0, MAX_MOVES)
  if (lines.length > shown.length) shown.push(`and ${lines.length - shown.length} more`)
  return shown.join("\n")
}

function versionsByName({ dependencies }: Lockfile): Map<string, Set<string>> {
  const found = new Map<string, Set<string>>()
  for (const { name, version } of dependencies) {
    const known = found.get(name)
    if (known === undefined) found.set(name, new Set([version]))
    else known.add(version)
  }
  return found
}

function listOf(versions: ReadonlySet<string> | undefined, without: ReadonlySet<string> | undefined): string {
  return [...(versions ?? [])].filter((version) => !without?.has(version)).join(", ")
}
