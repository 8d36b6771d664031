// What a disk may hold after the power was cut: all that was synced before, and of the rest whatever the disk likes.
import { mkdirSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import type { DirectoryNode, FileNode, FileStep, NameStep, Node } from "./disk.ts"
import type { Random } from "./random.ts"

const SECTOR = 512

/** How a disk treats what nobody synced; each file, directory and cut draws its own. */
type Temper = "forgets" | "keeps" | "keeps-first" | "picks" | "tears"
const TEMPERS: readonly Temper[] = ["forgets", "keeps", "keeps-first", "picks", "tears", "tears"]

/** A file in the making: `size` bytes of what is held, which is zero behind them. */
interface Bytes {
  held: Buffer
  size: number
}

/** What a disk does to a file of that name; where undefined, it draws. */
export type Tempers = (name: string) => Temper | undefined

/** The worst for what is derived: the record loses all that it may, and the index nothing. */
export const INDEX_AHEAD: Tempers = (name) => (name.startsWith("record.db") ? "forgets" : "keeps")

/** Writes the directory as it may be found after a cut at this moment, into `place`, which is made. */
export function writeAsLeft(root: DirectoryNode, cut: number, place: string, random: Random, tempers?: Tempers): void {
  mkdirSync(place, { recursive: true, mode: 0o700 })
  for (const [name, node] of namesAt(root, cut, random)) {
    const path = join(place, name)
    if ("now" in node) writeAsLeft(node, cut, path, random, tempers)
    // What SQLite's processes share is memory: no disk promises any of it, and each recovery makes it anew.
    else if (!name.endsWith("-shm")) writeFileSync(path, contentAt(node, cut, random, tempers?.(name)), { mode: 0o600 })
  }
}

/** POSIX promises a name only once its directory is synced, not with the file. */
function namesAt({ names }: DirectoryNode, cut: number, random: Random): Map<string, Node> {
  const { kept, open } = split(names, cut)
  const found = new Map<string, Node>()
  for (const step of [...kept, ...survivors(open, random)]) {
    if (step.kind !== "names") continue
    for (const [name, node] of step.set) {
      if (node) found.set(name, node)
      else found.delete(name)
    }
  }
  return found
}

/** The bytes of a file: what was synced, then what else the disk kept, whole or in sectors. */
export function contentAt({ steps }: FileNode, cut: number, random: Random, temper = random.pick(TEMPERS)): Buffer {
  const { kept, open } = split(steps, cut)
  const file: Bytes = { held: Buffer.alloc(0), size: 0 }
  for (const step of kept) apply(file, step)
  for (const step of survivors(open, random, temper)) {
    if (step.kind === "write" && temper === "tears") tear(file, step, random)
    else apply(file, step)
  }
  return file.held.subarray(0, file.size)
}

/** What had ended when the last sync began that had ended before the cut; and what came after, or was under way. */
function split<Step extends FileStep | NameStep>(steps: readonly Step[], cut: number): { kept: Step[]; open: Step[] } {
  const begun = steps.filter(({ start }) => start < cut)
  const sync = Math.max(-1, ...begun.filter(({ kind, end }) => kind === "sync" && end < cut).map(({ start }) => start))
  return { kept: begun.filter(({ end }) => end < sync), open: begun.filter(({ end }) => end >= sync) }
}

function survivors<Step>(open: readonly Step[], random: Random, temper = random.pick(TEMPERS)): Step[] {
  if (temper === "forgets") return []
  if (temper === "keeps-first") return open.slice(0, random.below(open.length + 1))
  return temper === "picks" ? open.filter(() => random.chance(0.5)) : [...open]
}

function apply(file: Bytes, step: FileStep): void {
  if (step.kind === "truncate") resize(file, step.size)
  if (step.kind !== "write") return
  resize(file, Math.max(file.size, step.offset + step.data.length))
  step.data.copy(file.held, step.offset)
}

/** Of one write some sectors reach the disk; the file may have grown to its end all the same. */
function tear(file: Bytes, { offset, data }: Extract<FileStep, { kind: "write" }>, random: Random): void {
  const share = random.pick([0.2, 0.5, 0.9, 1])
  const end = offset + data.length
  for (let from = offset; from < end; ) {
    const to = Math.min(end, (Math.floor(from / SECTOR) + 1) * SECTOR)
    const piece: FileStep = {
      kind: "write",
      offset: from,
      data: data.subarray(from - offset, to - offset),
      start: 0,
      end: 0,
    }
    if (random.chance(share)) apply(file, piece)
    from = to
  }
  if (random.chance(0.3)) resize(file, Math.max(file.size, end))
}

function resize(file: Bytes, size: number): void {
  if (size > file.held.length) file.held = Buffer.concat([file.held], size * 2)
  // What was cut off does not come back when the file grows again.
  if (size < file.size) file.held.fill(0, size, file.size)
  file.size = size
}
