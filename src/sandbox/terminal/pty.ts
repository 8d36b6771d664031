// A terminal of the box's own: script(1) makes one, passes keys and the size of the person's terminal on to it, and what is printed on
// it to a pipe. So nothing of the box ever holds the person's terminal itself.
import { realpathSync } from "node:fs"
import { basename } from "node:path"
import type { Context } from "../../context.ts"
import { findProgram } from "../engines/program.ts"
import type { Launch } from "../types.ts"
import { quoteWords } from "./quote.ts"

/**
 * The same launch on a terminal of its own; undefined where this machine has no `script` that passes exit codes on (busybox's does
 * not). util-linux: `script -qefc <shell command> /dev/null`, where `-e` is the exit code and `-f` says that nothing waits in a
 * buffer; it leaves descriptors open. BSD and macOS: `script -q /dev/null <words>` (never run by the tests, which are on Linux).
 */
export function onTerminal(
  launch: Launch,
  ctx: Pick<Context, "env" | "cwd">,
  platform = process.platform,
): Launch | undefined {
  const script = findProgram(ctx, "script")
  if (script === undefined || basename(realpathSync(script)) === "busybox") return undefined
  if (platform !== "linux") return { ...launch, file: script, args: ["-q", "/dev/null", launch.file, ...launch.args] }
  const descriptors = launch.descriptors ?? []
  const command = `exec ${quoteWords([launch.file, ...launch.args])}`
  const short = command.length < LONGEST_WORD
  const own = 3 + descriptors.length
  return {
    file: script,
    args: ["-qefc", short ? command : `eval "$(cat <&${own})" ${own}<&-`, "/dev/null"],
    env: { ...definedOf(launch.env ?? ctx.env), SHELL: "/bin/sh" },
    descriptors: short ? descriptors : [...descriptors, Buffer.from(command)],
  }
}

/** The kernel takes words of up to 128 KiB (MAX_ARG_STRLEN), and a box with many mounts has more of a command: that one is read. */
const LONGEST_WORD = 30_000

function definedOf(env: Context["env"]): Record<string, string> {
  return Object.fromEntries(Object.entries(env).filter((entry): entry is [string, string] => entry[1] !== undefined))
}
