// Every command in one place. Each action imports its module when it runs, so that one command never pays for another.
import { Command, CommanderError } from "commander"
import { type Context, processContext } from "./context.ts"
import { EXIT, NanoguardError } from "./errors.ts"
import { VERSION } from "./version.ts"

/** Declares the program; `ctx` reaches every action. */
export function program(ctx: Context): Command {
  const cli = new Command("nanoguard")
    .description("Guardrails for autonomous agents, enforced by the infrastructure around the agent.")
    .version(VERSION)
    .exitOverride()
    .configureOutput({
      writeOut: (text) => ctx.stdout.write(text),
      writeErr: (text) => ctx.stderr.write(text),
    })
  return cli
}

/** Runs one command line and resolves with the exit code; nothing below it calls `process.exit`. */
export async function main(argv: readonly string[] = process.argv, ctx: Context = processContext()): Promise<number> {
  try {
    await program(ctx).parseAsync(argv as string[])
    return Number(process.exitCode ?? EXIT.ok)
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.ok : EXIT.usage
    if (error instanceof NanoguardError) {
      ctx.stderr.write(`${error.message}\n`)
      return error.exit
    }
    throw error
  }
}
