// The directory that a box sees at /run/nanoguard: one of its own, which nobody else on this machine can enter.
import { createHash } from "node:crypto"
import { chmodSync, existsSync, lstatSync, mkdirSync, rmdirSync, rmSync, symlinkSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { dirname, join } from "node:path"
import type { Context } from "../../context.ts"
import { EXIT, NanoguardError } from "../../errors.ts"
import { stateHome } from "../../home.ts"
import { boxDirectory } from "../../sandbox/box-directory.ts"
import { readTemplate } from "../../scaffold/templates.ts"
import { prepareDirectory } from "../../store/sqlite/files.ts"

/** A file of it; the path is below it. */
export interface BoxContent {
  path: string
  text: string | Uint8Array
}

/** Bytes of a Unix socket's path on Linux, without the 0 at its end (unix(7)); macOS takes four fewer. */
const MAX_SOCKET = 103
const SOCKET = join("gate", "gate.sock")
/** Programs that a wrapper stands before: package managers, and git, which shows no more of a refusal than its status. */
const WRAPPED = [
  ...[
    "npm",
    "npx",
    "pnpm",
    "pnpx",
    "yarn",
    "bun",
    "bunx",
    "pip",
    "pip3",
    "pipx",
    "pipenv",
    "uv",
    "uvx",
    "poetry",
    "pdm",
  ],
  ...["cargo", "go", "git"],
]

/** The directory that is mounted into a run's box. Need not exist. Below the state directory, or where paths are shorter. */
export function mountedDirectory(ctx: Pick<Context, "env">, run: string): string {
  const own = join(boxDirectory(ctx, run), "box")
  if (Buffer.byteLength(join(own, SOCKET)) <= MAX_SOCKET) return own
  // Boxes of another state directory have other names there.
  const place = createHash("sha256").update(stateHome(ctx)).digest("hex").slice(0, 8)
  return join(shortPlace(ctx), place, run, "box")
}

function shortPlace({ env }: Pick<Context, "env">): string {
  const uid = process.getuid?.() ?? 0
  const places = [env["XDG_RUNTIME_DIR"], `/run/user/${uid}`].flatMap((one) => (one?.startsWith("/") ? [one] : []))
  const runtime = places.find((one) => one.length < 60 && lstatSync(one, { throwIfNoEntry: false })?.uid === uid)
  if (runtime !== undefined) return join(runtime, "nanoguard")
  // Whoever made it before us would be its owner: `prepareDirectory` refuses it then.
  const shared = Buffer.byteLength(tmpdir()) < 40 ? tmpdir() : "/tmp"
  return join(shared, `nanoguard-${uid}`)
}

/** The gate's socket in a box's directory. */
export const socketOf = (directory: string): string => join(directory, SOCKET)

/** Whether the directory that a run's box has mounted is there: what ended has none any more. */
export function hasMounted(ctx: Pick<Context, "env">, run: string): boolean {
  return existsSync(dirname(socketOf(mountedDirectory(ctx, run))))
}

/**
 * Makes the directory that is mounted into a run's box, with the relay, the wrappers, and `content`, all to be read by whatever user the box
 * has; what leads there is for its owner alone. Files that are there are written anew. Throws `NanoguardError` (environment).
 */
export function makeMounted(ctx: Pick<Context, "env">, run: string, content: readonly BoxContent[]): string {
  const directory = mountedDirectory(ctx, run)
  const home = dirname(directory)
  try {
    // Its owner, its mode, and that it is no link.
    prepareDirectory(dirname(dirname(home)))
    prepareDirectory(dirname(home))
    mkdirSync(home, { recursive: true, mode: 0o700 })
    prepareDirectory(home)
    const write = (path: string, text: string | Uint8Array, mode = 0o644) => {
      makeOpen(directory, dirname(join(directory, path)))
      writeFileSync(join(directory, path), text)
      chmodSync(join(directory, path), mode)
    }
    makeOpen(directory, dirname(socketOf(directory)))
    write("relay.mjs", readTemplate("box/relay.mjs"))
    write(join("bin", "shim"), readTemplate("box/shim.sh"), 0o755)
    for (const name of WRAPPED) {
      if (!existsSync(join(directory, "bin", name))) symlinkSync("shim", join(directory, "bin", name))
    }
    for (const { path, text } of content) write(path, text)
    return directory
  } catch (cause) {
    if (cause instanceof NanoguardError) throw cause
    throw new NanoguardError("the directory of the box cannot be made", {
      exit: EXIT.environment,
      hint: "look at its owner, and at the space there",
      where: { file: directory },
      cause,
    })
  }
}

/** Makes a directory at or below `top` that every user may read, whatever the umask says. */
function makeOpen(top: string, directory: string): void {
  if (existsSync(directory)) return
  if (directory !== top) makeOpen(top, dirname(directory))
  mkdirSync(directory)
  chmodSync(directory, 0o755)
}

/** Takes the mounted directory of a run away: nothing can rejoin it. Where the state directory has something else of the run, that stays. */
export function removeMounted(ctx: Pick<Context, "env">, run: string): void {
  const directory = mountedDirectory(ctx, run)
  rmSync(directory, { recursive: true, force: true })
  const home = boxDirectory(ctx, run)
  if (dirname(directory) !== home) rmSync(dirname(directory), { recursive: true, force: true })
  try {
    rmdirSync(home)
  } catch {
    // `nanoguard run` has something there, and removes it itself.
  }
}
