// Writing the plan: all or nothing, each file whole, nothing outside the repository.
import { randomBytes } from "node:crypto"
import {
  chmodSync,
  closeSync,
  fsyncSync,
  lstatSync,
  mkdirSync,
  openSync,
  renameSync,
  rmdirSync,
  rmSync,
  writeSync,
} from "node:fs"
import { dirname, join } from "node:path"
import { EXIT, NanoguardError } from "../errors.ts"
import { readInside, refuseLinks } from "./paths.ts"
import type { PlannedFile } from "./types.ts"

interface Staged {
  file: PlannedFile
  temporary: string
  target: string
}

/** What has to be taken back where something fails. */
interface Traces {
  temporaries: string[]
  directories: string[]
  renamed: Staged[]
}

/**
 * Writes the files of a plan and returns their paths. Every file is first written whole beside its target, and only when
 * all are there are they renamed into place, so that an interruption or a full disk leaves the repository as it was.
 * Throws EXIT.configuration where a file has changed since it was planned, or a link has appeared.
 */
export function writeFiles(root: string, files: readonly PlannedFile[]): string[] {
  const pending = files.filter((file) => ["create", "merge", "replace"].includes(file.action))
  for (const file of pending) refuseChanged(root, file)
  const traces: Traces = { temporaries: [], directories: [], renamed: [] }
  const release = holdInterrupts()
  try {
    const staged = pending.map((file) => stage(root, file, traces))
    for (const { file } of staged) refuseChanged(root, file)
    for (const item of staged) {
      renameSync(item.temporary, item.target)
      traces.renamed.push(item)
    }
  } catch (error) {
    takeBack(traces)
    throw error
  } finally {
    release()
  }
  return pending.map((file) => file.path)
}

function stage(root: string, file: PlannedFile, traces: Traces): Staged {
  refuseLinks(root, file.path)
  const target = join(root, file.path)
  const directory = dirname(target)
  const first = mkdirSync(directory, { recursive: true })
  for (let at = directory; first !== undefined && at.length >= first.length; at = dirname(at)) {
    traces.directories.push(at)
  }
  const temporary = join(directory, `.nanoguard-${randomBytes(8).toString("hex")}.tmp`)
  traces.temporaries.push(temporary)
  writeWhole(temporary, file.after)
  const stat = lstatSync(target, { throwIfNoEntry: false })
  if (stat) chmodSync(temporary, stat.mode & 0o777)
  return { file, temporary, target }
}

/** Creates a file that does not exist, and has it on the disk before it returns. */
function writeWhole(path: string, text: string): void {
  const fd = openSync(path, "wx", 0o644)
  try {
    const bytes = Buffer.from(text)
    for (let at = 0; at < bytes.length; ) at += writeSync(fd, bytes, at)
    fsyncSync(fd)
  } finally {
    closeSync(fd)
  }
}

function takeBack({ temporaries, directories, renamed }: Traces): void {
  for (const { file, temporary, target } of renamed.reverse()) {
    if (file.before === null) rmSync(target, { force: true })
    else {
      writeWhole(temporary, file.before)
      chmodSync(temporary, lstatSync(target).mode & 0o777)
      renameSync(temporary, target)
    }
  }
  for (const temporary of temporaries) rmSync(temporary, { force: true })
  const deepestFirst = directories.sort((a, b) => b.length - a.length)
  for (const directory of deepestFirst) removeIfEmpty(directory)
}

function refuseChanged(root: string, file: PlannedFile): void {
  if (readInside(root, file.path) === file.before) return
  throw new NanoguardError(`${file.path} has changed since it was shown`, {
    exit: EXIT.configuration,
    where: { file: file.path },
    hint: "Nothing was written. Run init again.",
  })
}

/** Ctrl-C while files are renamed waits for the last one: the few renames are not to be cut in two. */
function holdInterrupts(): () => void {
  const hold = () => {}
  process.on("SIGINT", hold)
  return () => process.off("SIGINT", hold)
}

function removeIfEmpty(directory: string): void {
  try {
    rmdirSync(directory)
  } catch {
    // not empty: somebody else put something there
  }
}
