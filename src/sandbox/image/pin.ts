// From the name of a base image to what it is: a digest that an engine knows, and never one that somebody made up.
import type { Context } from "../../context.ts"
import { isPinned } from "./containerfile.ts"
import { findImage, type ImageEngine, mustRun } from "./engine.ts"

/**
 * The reference of an image that this engine has, pinned: by its registry's digest, or by its id where it never came from one. Undefined
 * where the engine does not have it.
 */
export async function pinLocal(
  ctx: Pick<Context, "env" | "cwd" | "exec">,
  engine: ImageEngine,
  reference: string,
): Promise<string | undefined> {
  if (isPinned(reference)) return reference
  const found = await findImage(ctx, engine, reference)
  if (!found) return undefined
  const name = reference.replace(/:[^:/]+$/, "")
  // An image may be known by several names: only the one that was asked for says where the person has it from.
  const own = found.digests.find((digest) => isPinned(digest) && digest.slice(0, digest.indexOf("@")).endsWith(name))
  return own !== undefined && !own.startsWith("localhost/") ? own : found.id
}

/** As `pinLocal`, fetched by the engine first where it is not there. Errors: environment (cannot be fetched). */
export async function pinBase(
  ctx: Pick<Context, "env" | "cwd" | "exec">,
  engine: ImageEngine,
  reference: string,
): Promise<string> {
  const local = await pinLocal(ctx, engine, reference)
  if (local !== undefined && (await findImage(ctx, engine, local)) !== undefined) return local
  await mustRun(ctx, engine, ["pull", "--quiet", reference], `fetch the base image ${reference}`)
  return (await pinLocal(ctx, engine, reference)) ?? reference
}
