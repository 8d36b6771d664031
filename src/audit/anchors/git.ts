// Checkpoints in a git ref: a commit each, with the note as its one file. Whoever guards that repository against forced pushes
// guards the log; and a copy of the repository is a copy of the evidence.
import type { Context } from "../../context.ts"
import { cleanText } from "../../render/clean.ts"
import { parseCheckpoint } from "../checkpoints/checkpoint-text.ts"
import { NoteError } from "../checkpoints/note-error.ts"
import type { Anchor, Checkpoint } from "../types.ts"
import { AnchorError, AnchorMoved, orBad } from "./failure.ts"
import { gitPlace } from "./git-place.ts"
import { must } from "./git-run.ts"
import { logId } from "./log-id.ts"

/** Name of the note in each commit. */
const FILE = "checkpoint"

/** Objects that one call of git reads. */
const AT_ONCE = 20_000

/** Opens `git:<path or url>`; `target` is what follows the colon. Throws `NanoguardError` for an address that is not allowed. */
export function openGitAnchor(name: string, target: string, ctx: Pick<Context, "env" | "exec" | "cwd">): Anchor {
  const place = gitPlace(name, target, ctx)
  const { git } = place

  const notesOf = async (commits: readonly string[], onBad: OnBad): Promise<string[]> => {
    const notes: string[] = []
    for (let i = 0; i < commits.length; i += AT_ONCE) {
      const names = commits.slice(i, i + AT_ONCE).map((commit) => `${commit}:${FILE}`)
      // Sizes first: one blob could be larger than all that is read.
      const listed = must(name, "cannot be read", await git.local(["cat-file", "--batch-check"], linesOf(names)))
      const sizes = listed.trim().split("\n")
      const wanted = names.filter((_, at) => NOTE.test(sizes[at] ?? ""))
      if (wanted.length < names.length) {
        const error = new NoteError(`${cleanText(name)} has a commit without a checkpoint in its ref`)
        await orBad(() => Promise.reject(error), onBad)
      }
      if (wanted.length === 0) continue
      const read = must(name, "cannot be read", await git.local(["cat-file", "--batch"], linesOf(wanted)))
      notes.push(...splitBatch(name, read, wanted.length))
    }
    return notes
  }

  const parse = (note: string, origin: string): Checkpoint => {
    const checkpoint = parseCheckpoint(note)
    if (checkpoint.origin === origin) return checkpoint
    throw new NoteError(`${cleanText(name)} has a checkpoint of another log in ${refOf(origin)}`)
  }

  // What the newest was when it was last asked for: a commit follows exactly what its writer compared itself with.
  const seen = new Map<string, Newest>()

  const readNewest = async (origin: string): Promise<Newest> => {
    const tip = await place.tip(refOf(origin))
    const newest = tip === undefined ? {} : { tip, checkpoint: parse((await notesOf([tip], undefined))[0]!, origin) }
    seen.set(origin, newest)
    return newest
  }

  const write = async (args: readonly string[], input: string): Promise<string> =>
    must(name, "cannot be written", await git.local(args, input)).trim()

  return {
    name,
    async read(origin, newest = false, onBad) {
      if (newest) {
        const { checkpoint } = await readNewest(origin)
        return checkpoint === undefined ? [] : [checkpoint]
      }
      const tip = await place.tip(refOf(origin))
      if (tip === undefined) return []
      const commits = must(name, "cannot be read", await git.local(["rev-list", "--reverse", tip]))
        .trim()
        .split("\n")
      const found: Checkpoint[] = []
      for (const note of await notesOf(commits, onBad)) {
        const checkpoint = await orBad(() => parse(note, origin), onBad)
        if (checkpoint) found.push(checkpoint)
      }
      return found.sort((a, b) => a.size - b.size)
    },
    async publish(checkpoint) {
      const { origin, size, note } = checkpoint
      const known = seen.get(origin)
      const { tip, checkpoint: newest } = known ?? (await readNewest(origin))
      seen.delete(origin)
      if (newest?.note === note) return
      if (newest && (!known || newest.size >= size)) throw new AnchorMoved(name)
      const blob = await write(["hash-object", "-w", "--stdin"], note)
      const tree = await write(["mktree"], `100644 blob ${blob}\t${FILE}\n`)
      const parents = tip === undefined ? [] : ["-p", tip]
      const args = ["commit-tree", "--no-gpg-sign", ...parents, "-F", "-", tree]
      const commit = await write(args, `${origin} at ${size}\n`)
      if (await place.advance(refOf(origin), commit, tip)) return
      if ((await place.tip(refOf(origin))) !== tip) throw new AnchorMoved(name)
      throw new AnchorError(name, `refuses to move ${refOf(origin)}`)
    },
  }
}

type OnBad = Parameters<Anchor["read"]>[2]

/** What `git cat-file --batch-check` says of a blob of less than a million bytes. */
const NOTE = /^[0-9a-f]{40,64} blob \d{1,6}$/

const linesOf = (names: readonly string[]) => names.map((one) => `${one}\n`).join("")

/** The commit that a ref names, and its note; neither where there is no such ref. */
interface Newest {
  tip?: string
  checkpoint?: Checkpoint
}

function refOf(origin: string): string {
  return `refs/nanoguard/${logId(origin)}`
}

/** Contents out of `git cat-file --batch`: a line with id, type and bytes, then the content and a newline, for each. */
function splitBatch(name: string, output: string, count: number): string[] {
  const bytes = Buffer.from(output)
  const contents: string[] = []
  let at = 0
  while (contents.length < count) {
    const end = bytes.indexOf("\n", at)
    const header = end < 0 ? undefined : /^[0-9a-f]{40,64} blob (\d{1,6})$/.exec(bytes.toString("latin1", at, end))
    if (!header) throw new NoteError(`${cleanText(name)} has a commit without a checkpoint in its ref`)
    const start = end + 1
    at = start + Number(header[1]) + 1
    contents.push(bytes.toString("utf8", start, at - 1))
  }
  return contents
}
