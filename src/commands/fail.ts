// The end of a run that failed: the error where its reader looks for it, and the exit code.
import type { Context } from "../context.ts"
import { NanoguardError } from "../errors.ts"
import { renderError } from "../render/error.ts"
import { loadStyle } from "../render/style.ts"

/** Internal errors; outside of the documented codes, so that no script takes a bug for a finding. */
const BUG = 70

/** Prints an error: text on stderr; with `--format json` one document on stdout. Resolves with the exit code. */
export async function failWith(ctx: Context, argv: readonly string[], error: unknown): Promise<number> {
  if (wantsJson(argv)) ctx.stdout.write(renderError(error, { format: "json" }))
  else ctx.stderr.write(renderError(error, { style: await loadStyle(ctx.stderr, ctx.env, colorFlag(argv)) }))
  return error instanceof NanoguardError ? error.exit : BUG
}

/** With `--output` the document goes into a file, and stdout is for people. */
function wantsJson(argv: readonly string[]): boolean {
  if (argv.some((word) => /^--output(=|$)/.test(word))) return false
  return argv.some((word, index) => word === "--format=json" || (word === "--format" && argv[index + 1] === "json"))
}

function colorFlag(argv: readonly string[]): boolean | undefined {
  const flag = argv.findLast((word) => word === "--color" || word === "--no-color")
  return flag === undefined ? undefined : flag === "--color"
}
