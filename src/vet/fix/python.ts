// Moves for uv, Poetry, PDM, Pipenv and plain requirements files.
import { basename, join, posix, relative } from "node:path"
import type { Move } from "../../packages/commands.ts"
import type { WorkingCopy } from "./copy.ts"
import { type Job, manifestsOf, readText, refuseVariables, type Task, writeText } from "./job.ts"
import {
  editPoetryTable,
  editRequirementLines,
  editTomlRequirements,
  removeRequirementLines,
} from "./requirementText.ts"
import { Unfixable } from "./types.ts"

/** Makes one move and re-locks; throws `Unfixable`. */
export async function movePython(job: Job, move: Move, task: Task): Promise<void> {
  refuseSources(job)
  switch (job.manager) {
    case "pip":
      return moveRequirement(job, move, task)
    case "uv":
      return await moveUv(job, move)
    case "poetry":
      return await movePoetry(job, move)
    case "pdm":
      return await movePdm(job, move)
    default:
      return await movePipenv(job, move)
  }
}

async function moveUv(job: Job, move: Move): Promise<void> {
  const lock = (...more: string[]) => job.run(["uv", "lock", "--no-build", ...more], job.dir)
  if (move.kind === "remove") {
    await job.run(["uv", "remove", "--no-sync", "--no-build", move.name], job.dir)
    return
  }
  const { name, version } = move
  if (move.kind === "override") {
    const file = join(job.dir, "pyproject.toml")
    writeText(file, addUvOverride(readText(file) ?? "", `${name}==${version}`))
  } else if (move.kind === "direct" && !editManifests(job, name, version)) {
    throw new Unfixable(`no pyproject.toml of the project names ${name}`)
  }
  await lock("--upgrade-package", `${name}==${version}`)
}

async function movePoetry(job: Job, move: Move): Promise<void> {
  forbid(
    job,
    /^\s*\[+\s*tool\.poetry\.requires-plugins/m,
    "pyproject.toml asks for plugins, whose code Poetry would run",
  )
  if (move.kind === "remove") await job.run(["poetry", "remove", "--lock", move.name], job.dir)
  else if (move.kind === "override") throw new Unfixable("Poetry cannot force a version on other packages")
  else {
    if (move.kind === "direct") editManifests(job, move.name, move.version)
    await job.run(["poetry", "update", "--lock", move.name], job.dir)
  }
}

async function movePdm(job: Job, move: Move): Promise<void> {
  forbid(job, /^\s*plugins\s*=/m, "pyproject.toml asks for plugins, whose code PDM would run")
  if (move.kind === "remove") await job.run(["pdm", "remove", "--no-sync", "--skip=:all", move.name], job.dir)
  else if (move.kind === "override")
    throw new Unfixable("only [tool.pdm.resolution.overrides] forces a version: edit it")
  else {
    if (move.kind === "direct") editManifests(job, move.name, move.version)
    await job.run(["pdm", "update", "--no-sync", "--no-self", "--skip=:all", "--update-reuse", move.name], job.dir)
  }
}

async function movePipenv(job: Job, move: Move): Promise<void> {
  if (move.kind === "remove") {
    await job.run(["pipenv", "uninstall", "--lock-only", move.name], job.dir)
    return
  }
  await job.run(["pipenv", "upgrade", "--lock-only", `${move.name}==${move.version}`], job.dir)
}

/** Edits what the project's manifests want of a package; false where none names it. */
function editManifests(job: Job, name: string, version: string): boolean {
  let found = false
  for (const file of manifestsOf(job, "pyproject.toml")) {
    const text = readText(file) ?? ""
    const edited = editPoetryTable(editTomlRequirements(text, name, version), name, version)
    found = writeText(file, edited) || found
  }
  return found
}

/**
 * pip is not run. The others read these files as they are, and not only the project's own: members with lockfiles of theirs, what a path leads to,
 * and what is above. So all of the copy are looked at.
 */
function refuseSources({ manager, copy, file }: Job): void {
  if (manager === "pip") return
  const name = manager === "pipenv" ? "Pipfile" : "pyproject.toml"
  const files = [...copy.originals.keys()].filter((path) => posix.basename(path) === name)
  refuseVariables([...files.map((path) => join(copy.dir, path)), ...(manager === "pipenv" ? [file] : [])], copy.dir)
}

function forbid(job: Job, pattern: RegExp, why: string): void {
  if (manifestsOf(job, "pyproject.toml").some((file) => pattern.test(readText(file) ?? ""))) throw new Unfixable(why)
}

/** `override-dependencies` of [tool.uv]: in its array where there is one, else as a new line or table. */
export function addUvOverride(text: string, requirement: string): string {
  const quoted = JSON.stringify(requirement)
  const array = /^(\s*override-dependencies\s*=\s*\[)/m
  if (array.test(text)) return text.replace(array, `$1${quoted}, `).replace(`${quoted}, ]`, `${quoted}]`)
  const line = `override-dependencies = [${quoted}]`
  if (/^\[tool\.uv\]\s*$/m.test(text)) return text.replace(/^(\[tool\.uv\]\s*?)$/m, `$1\n${line}`)
  return `${text.replace(/\n*$/, "\n")}\n[tool.uv]\n${line}\n`
}

/** No resolver is asked: pip has none for files. What the new version needs beyond the old one has to be there already. */
function moveRequirement(job: Job, move: Move, { dependency, hashes }: Task): void {
  const sha256 = hashes.filter((hash) => hash.startsWith("sha256-")).map(hexOf)
  let found = false
  for (const file of requirementFiles(job)) {
    const text = readText(file) ?? ""
    const edited =
      move.kind === "remove"
        ? removeRequirementLines(text, move.name)
        : editRequirementLines(text, move.name, dependency.version, move.version, sha256)
    if (edited !== undefined) found = writeText(file, edited) || found
  }
  if (found) return
  throw new Unfixable(`no line pins ${move.name} in a way that can be changed (name==version, hashes known)`)
}

function hexOf(sri: string): string {
  return `sha256:${Buffer.from(sri.slice("sha256-".length), "base64").toString("hex")}`
}

/** The file and those that it includes by -r or -c, as far as they are files of the copy. */
function requirementFiles({ copy, file }: { copy: WorkingCopy; file: string }): string[] {
  const found = new Set<string>([file])
  for (const at of found) {
    for (const line of (readText(at) ?? "").split(/\r?\n/)) {
      const named = /^\s*(?:-r|-c|--requirement|--constraint)[\s=]*(\S+)/.exec(line)?.[1]
      if (named === undefined) continue
      const path = join(at, "..", named)
      if (copy.originals.has(relative(copy.dir, path).replaceAll("\\", "/")) && found.size < 50) found.add(path)
    }
  }
  return [...found].filter((path) => /\.(txt|in)$/.test(basename(path)))
}
