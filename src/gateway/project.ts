// What the wrapper of a command tells the gate of the project that it runs in, so that corrections name the exact command.
import { readdirSync, readFileSync, statSync } from "node:fs"
import { join } from "node:path"
import { parseForeignJson } from "../foreign-json.ts"
import { formatOf } from "../packages/lockfiles/formats.ts"
import { readLockfile } from "../packages/lockfiles/index.ts"
import type { Lockfile } from "../packages/types.ts"
import { overridesOf } from "./pnpm-overrides.ts"
import type { Project } from "./runs.ts"

const MAX_MANIFEST = 4 * 1024 * 1024
const MAX_LOCKFILES = 4

/** Reads lockfiles and direct dependencies of the project in `directory`. What cannot be read is left out: it only helps. */
export async function readProject(directory: string): Promise<Project> {
  const lockfiles: Lockfile[] = []
  const names = readdirSync(directory).filter((name) => formatOf(name) !== undefined)
  for (const name of names.slice(0, MAX_LOCKFILES)) {
    const lockfile = await readLockfile(directory, name).catch(() => undefined)
    if (lockfile !== undefined) lockfiles.push(lockfile)
  }
  const npm = directNames(join(directory, "package.json"))
  const workspace = textOf(join(directory, "pnpm-workspace.yaml"))
  return {
    lockfiles,
    ...(npm && { direct: { npm } }),
    ...(workspace !== undefined && { overrides: overridesOf(workspace) }),
  }
}

function textOf(path: string): string | undefined {
  try {
    return statSync(path).size > MAX_MANIFEST ? undefined : readFileSync(path, "utf8")
  } catch {
    return undefined
  }
}

/** What a package.json asks for itself. */
function directNames(path: string): string[] | undefined {
  try {
    if (statSync(path).size > MAX_MANIFEST) return undefined
    const manifest = parseForeignJson(readFileSync(path, "utf8")) as Record<string, unknown>
    return ["dependencies", "devDependencies", "optionalDependencies"].flatMap((field) =>
      Object.keys(manifest[field] ?? {}),
    )
  } catch {
    return undefined
  }
}
