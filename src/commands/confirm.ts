// The question before what cannot be taken back. Asked of a person only: a script says --yes.
import type { Context } from "../context.ts"
import { EXIT, NanoguardError } from "../errors.ts"

export interface ConfirmOptions {
  yes?: boolean
  dryRun?: boolean
  format?: "text" | "json"
}

/** Throws `NanoguardError` (usage) where the command would have to ask and there is nobody to answer. To be called first. */
export function refuseUnasked(ctx: Context, command: string, options: ConfirmOptions): void {
  if (options.yes || options.dryRun) return
  const hint = "--yes goes ahead without asking; --help has the rest"
  if (options.format === "json")
    throw new NanoguardError(`${command} --format json asks nothing: add --yes`, { exit: EXIT.usage, hint })
  if (ctx.stdin.isTTY && ctx.stdout.isTTY) return
  throw new NanoguardError(`${command} asks first, and this is no terminal: add --yes`, { exit: EXIT.usage, hint })
}

/** Asks; no is what Enter takes. False too where the question is interrupted. */
export async function askFirst(ctx: Context, message: string): Promise<boolean> {
  const { confirm } = await import("@inquirer/prompts")
  try {
    return await confirm({ message, default: false }, { input: ctx.stdin, output: ctx.stdout })
  } catch (error) {
    // inquirer rejects with ExitPromptError on Ctrl-C.
    if (error instanceof Error && error.name === "ExitPromptError") return false
    throw error
  }
}

/** Who gives the order, as the log will know it: `--by`, else the name of the person's account. Throws `NanoguardError` (usage). */
export function nameOfCaller(ctx: Context, by: string | undefined): string {
  const name = by ?? ctx.env["USER"] ?? ctx.env["LOGNAME"] ?? ctx.env["USERNAME"]
  if (name) return name
  throw new NanoguardError("the log has to say who ordered this", { exit: EXIT.usage, hint: "add --by <name>" })
}
