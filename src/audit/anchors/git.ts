// Checkpoints in a git ref: a commit each, with the note as its one file. Whoever guards that repository against forced pushes
// guards the log; and a copy of the repository is a copy of the evidence.
import type { Context } from "../../context.ts"
import { parseCheckpoint } from "../checkpoint-text.ts"
import { NoteError } from "../note-error.ts"
import type { Anchor, Checkpoint } from "../types.ts"
import { AnchorError, AnchorMoved } from "./failure.ts"
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

  const notesOf = async (commits: readonly string[]): Promise<string[]> => {
    const notes: string[] = []
    for (let i = 0; i < commits.length; i += AT_ONCE) {
      const wanted = commits.slice(i, i + AT_ONCE)
      const read = await git.local(["cat-file", "--batch"], wanted.map((commit) => `${commit}:${FILE}\n`).join(""))
      notes.push(...splitBatch(name, must(name, "cannot be read", read), wanted.length))
    }
    return notes
  }

  const parse = (note: string, origin: string): Checkpoint => {
    const checkpoint = parseCheckpoint(note)
    if (checkpoint.origin === origin) return checkpoint
    throw new NoteError(`${name} has a checkpoint of another log in ${refOf(origin)}`)
  }

  return {
    name,
    async read(origin, newest = false) {
      const tip = await place.tip(refOf(origin))
      if (tip === undefined) return []
      const history = newest ? tip : must(name, "cannot be read", await git.local(["rev-list", "--reverse", tip]))
      const found = (await notesOf(history.trim().split("\n"))).map((note) => parse(note, origin))
      return found.sort((a, b) => a.size - b.size)
    },
    async publish(checkpoint) {
      const ref = refOf(checkpoint.origin)
      const tip = await place.tip(ref)
      const before = tip === undefined ? undefined : parse((await notesOf([tip]))[0]!, checkpoint.origin)
      if (before?.note === checkpoint.note) return
      // Whoever calls compared with what it read; something newer came since.
      if (before && before.size >= checkpoint.size) throw new AnchorMoved(name)
      const write = async (args: readonly string[], input: string) =>
        must(name, "cannot be written", await git.local(args, input)).trim()
      const blob = await write(["hash-object", "-w", "--stdin"], checkpoint.note)
      const tree = await write(["mktree"], `100644 blob ${blob}\t${FILE}\n`)
      const parents = tip === undefined ? [] : ["-p", tip]
      const message = `${checkpoint.origin} at ${checkpoint.size}\n`
      const commit = await write(["commit-tree", "--no-gpg-sign", ...parents, "-F", "-", tree], message)
      if (await place.advance(ref, commit, tip)) return
      if ((await place.tip(ref)) !== tip) throw new AnchorMoved(name)
      throw new AnchorError(name, `refuses to move ${ref}`)
    },
  }
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
    if (!header) throw new NoteError(`${name} has a commit without a checkpoint in its ref`)
    const start = end + 1
    at = start + Number(header[1]) + 1
    contents.push(bytes.toString("utf8", start, at - 1))
  }
  return contents
}
