// Moves for Cargo. It reads the manifests' targets but compiles nothing to lock.
import type { Move } from "../../packages/commands.ts"
import { type Job, locks, manifestsOf, readText, type Task, versionsOf, writeText } from "./job.ts"
import { Unfixable } from "./types.ts"

/** Makes one move and re-locks; throws `Unfixable`. */
export async function moveCargo(job: Job, move: Move, { dependency }: Task): Promise<void> {
  if (move.kind === "override") throw new Unfixable("Cargo cannot force a registry version on other packages")
  if (move.kind === "remove") {
    if (!editManifests(job, (text) => removeCargoDependency(text, move.name)))
      throw new Unfixable(`no Cargo.toml of the project names ${move.name}`)
    await job.run(["cargo", "update", "--workspace"], job.dir)
    return
  }
  const { name, version } = move
  if (move.kind === "direct") {
    if (!editManifests(job, (text) => setCargoVersion(text, name, version)))
      throw new Unfixable(`no Cargo.toml of the project names ${name}`)
    await job.run(["cargo", "update", "--workspace"], job.dir)
  }
  const lockfile = await job.read()
  if (move.kind === "direct" && locks(lockfile, name, version)) return
  const present = versionsOf(lockfile, name)
  const from = move.kind !== "direct" && dependency.name === name ? dependency.version : newestOf(present)
  await job.run(["cargo", "update", "--precise", version, present.size > 1 ? `${name}@${from}` : name], job.dir)
}

function newestOf(versions: ReadonlySet<string>): string {
  return [...versions].at(-1) ?? ""
}

function editManifests(job: Job, edit: (text: string) => string): boolean {
  let changed = false
  for (const file of manifestsOf(job, "Cargo.toml")) changed = writeText(file, edit(readText(file) ?? "")) || changed
  return changed
}

const TABLE = /(^|\.)(dev-|build-)?dependencies$/

/** Sets the version of a dependency where Cargo.toml states one: as text, in an inline table, or in a table of its own. */
export function setCargoVersion(text: string, name: string, version: string): string {
  return editDependency(text, name, (line, own) =>
    own
      ? line.replace(/^(\s*version\s*=\s*)"([^"]*)"/, (_, head: string, range: string) => head + quoted(range, version))
      : line.replace(
          /^(\s*"?[\w-]+"?\s*=\s*|.*?[{,]\s*version\s*=\s*)"([^"]*)"/,
          (_, head: string, range: string) => head + quoted(range, version),
        ),
  )
}

/** Takes a dependency out of Cargo.toml. */
export function removeCargoDependency(text: string, name: string): string {
  return editDependency(text, name, () => undefined)
}

function quoted(range: string, version: string): string {
  return `"${/^\s*([=~^])/.exec(range)?.[1] ?? ""}${version}"`
}

/** Calls `edit` for each line of the dependency; `own` where it is in a table of its own. */
function editDependency(text: string, name: string, edit: (line: string, own: boolean) => string | undefined): string {
  let table = ""
  const lines: string[] = []
  for (const line of text.split("\n")) {
    const header = /^\s*\[([^[\]]+)\]/.exec(line)?.[1]
    if (header !== undefined) table = header.replaceAll(/["'\s]/g, "")
    const dot = table.lastIndexOf(".")
    const own = table.slice(dot + 1) === name && TABLE.test(table.slice(0, Math.max(dot, 0)))
    const key = TABLE.test(table) ? /^\s*"?([\w-]+)"?(\.version)?\s*=/.exec(line)?.[1] : undefined
    const edited = own || key === name ? edit(line, own) : line
    if (edited !== undefined) lines.push(edited)
  }
  return lines.join("\n")
}
