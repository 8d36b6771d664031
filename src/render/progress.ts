// Progress on stderr, on a terminal only; ora would write its escapes into files as well.
import type { Context } from "../context.ts"

export interface Progress {
  update: (done: number, of: number) => void
  stop: () => void
}

/** Starts a spinner that appears with the first update; undefined where stderr is no terminal. */
export async function startProgress(ctx: Pick<Context, "stderr" | "env">, what: string): Promise<Progress | undefined> {
  if (ctx.stderr.isTTY !== true || ctx.env["CI"] || ctx.env["TERM"] === "dumb") return undefined
  const { default: ora } = await import("ora")
  let spinner: ReturnType<typeof ora> | undefined
  return {
    update: (done, of) => {
      const text = `${what}: ${done} of ${of}`
      spinner ??= ora({ text, stream: ctx.stderr as NodeJS.WriteStream, discardStdin: false }).start()
      spinner.text = text
    },
    stop: () => void spinner?.stop(),
  }
}
