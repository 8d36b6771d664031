// What a command says when its answer leaves the newest records out.
import type { DerivedReader } from "../audit/derive/open-derived.ts"
import type { Context } from "../context.ts"
import { cleanText, countOf } from "../render/clean.ts"

/** Says on stderr how many of the newest records the index lacks, why, and what would help. Silent where it lacks none. */
export function tellBehind(ctx: Pick<Context, "stderr">, { behind, failure }: DerivedReader): void {
  if (behind === 0) return
  const { message = "this user may not write the index", hint } = failure ?? {}
  ctx.stderr.write(`not searched: ${countOf(behind, "newest record")}: ${cleanText(message)}\n`)
  if (hint !== undefined) ctx.stderr.write(`hint: ${cleanText(hint)}\n`)
}
