// Directories of a swarm's agents on the host: what one remembers, and what one leaves for another. They are private to the person who runs the swarm,
// and each is mounted only where the file says.
import { createHash } from "node:crypto"
import { chownSync, lstatSync, mkdirSync } from "node:fs"
import { join } from "node:path"
import type { Context } from "../../context.ts"
import { EXIT, NanoguardError } from "../../errors.ts"
import { dataHome } from "../../home.ts"
import { prepareDirectory } from "../../store/sqlite/files.ts"
import type { BoxMount } from "../types.ts"
import type { Swarm, SwarmAgent } from "./types.ts"

/** Where they are in a box. */
const MEMORY = "/memory"
const MESSAGES = "/messages"

/** The directories of an agent of a project's swarm, made where they are not there yet, owned by the user of its box. */
export function swarmMounts(
  ctx: Pick<Context, "env">,
  project: string,
  { messages }: Pick<Swarm, "messages">,
  { name, memory }: Pick<SwarmAgent, "name" | "memory">,
  user: { uid: number; gid: number },
): BoxMount[] {
  const home = prepareBelow(dataHome(ctx), "swarms", createHash("sha256").update(project).digest("hex").slice(0, 16))
  // The last directory of each is its box's user's, which need not be who runs this.
  const leafOf = (kind: "memory" | "messages", leaf: string) => makeLeaf(join(prepareBelow(home, kind), leaf))
  const own = (source: string): string => {
    if (process.getuid?.() === 0) chownSync(source, user.uid, user.gid)
    return source
  }
  const mounts: BoxMount[] = []
  if (memory) mounts.push({ kind: "bind", source: own(leafOf("memory", name)), target: MEMORY, write: true })
  for (const { from, to } of messages) {
    if (from !== name && to !== name) continue
    const source = leafOf("messages", `${from}.to.${to}`)
    // Whoever writes owns it: what the reader's box is, does not matter to a mount that is read-only.
    if (from === name) mounts.push({ kind: "bind", source: own(source), target: `${MESSAGES}/to/${to}`, write: true })
    else mounts.push({ kind: "bind", source, target: `${MESSAGES}/from/${from}`, write: false })
  }
  return mounts
}

function makeLeaf(path: string): string {
  mkdirSync(path, { recursive: true, mode: 0o755 })
  if (lstatSync(path).isDirectory()) return path
  throw new NanoguardError("what should be an agent's directory is something else", {
    exit: EXIT.environment,
    where: { file: path },
    hint: "move it away",
  })
}

function prepareBelow(directory: string, ...names: readonly string[]): string {
  let at = directory
  prepareDirectory(at)
  for (const name of names) {
    at = join(at, name)
    prepareDirectory(at)
  }
  return at
}
