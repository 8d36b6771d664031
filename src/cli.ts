// The outer edge: one command line in, one exit code out. What commands there are is in program.ts.
import { type Context, processContext } from "./context.ts"
import { EXIT, NanoguardError } from "./errors.ts"

/**
 * Runs one command line and resolves with the exit code when all of its output is written; nothing below it ends the
 * process.
 */
export async function main(argv: readonly string[] = process.argv, ctx: Context = processContext()): Promise<number> {
  for (const stream of [ctx.stdout, ctx.stderr]) stream.on("error", ignore)
  const exit = await run(argv, ctx)
  const error = await flush(ctx.stdout)
  const failed = error !== undefined && error.code !== "EPIPE"
  const code = failed ? await failUnwritable(argv, ctx, error.code) : exit
  await flush(ctx.stderr)
  return code
}

async function run(argv: readonly string[], ctx: Context): Promise<number> {
  const { runProgram } = await import("./program.ts")
  return runProgram(argv, ctx)
}

/** A reader that has seen enough (`| head`) is no error; anything else is told where `flush` finds it. */
function ignore(): void {}

/** Waits until all is written; the error, if it could not be. */
function flush(stream: Context["stdout"]): Promise<NodeJS.ErrnoException | undefined> {
  return new Promise((resolve) => stream.write("", (error) => resolve(stream.errored ?? error ?? undefined)))
}

async function failUnwritable(argv: readonly string[], ctx: Context, code: string | undefined): Promise<number> {
  const { failWith } = await import("./commands/fail.ts")
  const error = new NanoguardError(`the output could not be written (${code ?? "unknown error"})`, {
    exit: EXIT.environment,
    hint: "check that the disk has room and that the output may be written to",
  })
  return failWith({ ...ctx, stdout: ctx.stderr }, argv, error)
}
