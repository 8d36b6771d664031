// What a command says when its answer leaves the newest records out.
import type { DerivedReader } from "../audit/derive/open-derived.ts"
import type { Context } from "../context.ts"
import { cleanText, countOf, formatCount } from "../render/clean.ts"
import type { Reader } from "../store/reader.ts"

/** Says on stderr how many of the newest records the index lacks, why, and what would help. Silent where it lacks none. */
export function tellBehind(ctx: Pick<Context, "stderr">, { behind, failure }: DerivedReader): void {
  if (behind === 0) return
  const { message = "this user may not write the index", hint } = failure ?? {}
  ctx.stderr.write(`not searched: ${countOf(behind, "newest record")}: ${cleanText(message)}\n`)
  if (hint !== undefined) ctx.stderr.write(`hint: ${cleanText(hint)}\n`)
}

/** How many records the log has had, by its checkpoints, what places confirmed, and its index. */
export async function readKnown({ db, indexed }: Reader): Promise<number> {
  const newest = async (table: "checkpoints" | "publications") => {
    const query = db.selectFrom(table).select(({ fn }) => fn.max<number | null>("size").as("size"))
    return Number((await query.executeTakeFirst())?.size ?? 0)
  }
  const derived = db.selectFrom("derived").select("value").where("name", "=", "seq")
  const index = indexed ? await derived.executeTakeFirst() : undefined
  return Math.max(await newest("checkpoints"), await newest("publications"), Number(index?.value ?? 0))
}

/** Says on stderr where the log ends before what was `known` of it: records were removed, or this is an older copy. */
export function tellCut({ stderr }: Pick<Context, "stderr">, known: number, end: number): void {
  if (known <= end) return
  stderr.write(`the log ends with record ${formatCount(end)}, and had ${formatCount(known)}: records are gone\n`)
  stderr.write("hint: run `nanoguard audit verify`, and keep the store as it is\n")
}
