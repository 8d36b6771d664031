// From moves to re-locked files, by the manager that the lockfile belongs to.
import { dirname, join, posix } from "node:path"
import { type Manager, managerOf } from "../../packages/commands.ts"
import { readLockfile } from "../../packages/lockfiles/index.ts"
import type { Lockfile } from "../../packages/types.ts"
import { restoreSnapshot, takeSnapshot, type WorkingCopy } from "./copy.ts"
import type { Job, Task } from "./job.ts"
import type { RunManager } from "./run.ts"
import { Unfixable } from "./types.ts"

const NODE: ReadonlySet<Manager> = new Set<Manager>(["npm", "pnpm", "yarn1", "yarn", "bun"])

/** `base` is the copy of the current directory, from which a lockfile's path counts. */
export interface Workshop {
  copy: WorkingCopy
  base: string
  run: RunManager
}

/** Makes the moves of one task in the copy. Throws `Unfixable` and leaves the copy as it was where that fails. */
export async function carryOut({ copy, base, run }: Workshop, task: Task): Promise<void> {
  const { lockfile, moves } = task
  const manager = managerOf(lockfile)
  if (manager === undefined) throw new Unfixable(`no one package manager writes ${posix.basename(lockfile.path)}`)
  const file = join(base, lockfile.path)
  const read = () => readLockfile(base, lockfile.path)
  const job: Job = { copy, manager, file, dir: dirname(file), run, read }
  const before = takeSnapshot(copy)
  try {
    for (const move of moves) {
      if (NODE.has(manager)) await (await import("./node.ts")).moveNode(job, move, task)
      else if (manager === "cargo") await (await import("./cargo.ts")).moveCargo(job, move, task)
      else if (manager === "go") await (await import("./golang.ts")).moveGo(job, move)
      else await (await import("./python.ts")).movePython(job, move, task)
    }
    refuseOtherFormat(manager, lockfile, await read())
  } catch (error) {
    restoreSnapshot(copy, before)
    throw error
  }
}

/** A manager of another generation writes another lockfile, which is not what anybody asked for. */
function refuseOtherFormat(manager: Manager, before: Lockfile, after: Lockfile): void {
  // go.mod says which Go the module wants, and that a new requirement may raise.
  if (manager === "go" || (before.format === after.format && before.formatVersion === after.formatVersion)) return
  throw new Unfixable(
    `the ${manager} on the PATH writes lockfiles of version ${after.formatVersion}, and this one has ${before.formatVersion}: use the project's own`,
    manager,
  )
}

/** The command that installs what a lockfile has. */
export function installCommand(lockfile: Lockfile): string | undefined {
  switch (managerOf(lockfile)) {
    case "npm":
      return "npm ci"
    case "pnpm":
      return "pnpm install --frozen-lockfile"
    case "yarn1":
      return "yarn install --frozen-lockfile"
    case "yarn":
      return "yarn install --immutable"
    case "bun":
      return "bun install --frozen-lockfile"
    case "pip":
      return `pip install -r ${posix.basename(lockfile.path)}`
    case "pipenv":
      return "pipenv sync"
    case "poetry":
      return "poetry sync"
    case "uv":
      return "uv sync --locked"
    case "pdm":
      return "pdm sync"
    case "cargo":
      return "cargo build --locked"
    case "go":
      return "go build ./..."
    default:
      return undefined
  }
}
