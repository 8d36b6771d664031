// A directory for a box of nanoguard's own: a box runs as the owner of its workspace.
import { statSync } from "node:fs"
import type { Context } from "../context.ts"

/** Gives a directory with all that is in it to the owner of the project in which root started nanoguard; anybody else's is theirs already. */
export async function giveToOwner(ctx: Pick<Context, "env" | "exec" | "cwd">, directory: string): Promise<void> {
  const { uid, gid } = statSync(ctx.cwd)
  if (process.getuid?.() !== 0 || uid === 0) return
  await ctx.exec("chown", ["-R", `${uid}:${gid}`, directory], { env: ctx.env, timeout: 10_000 })
}
