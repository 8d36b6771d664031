// Where the state directory has its boxes.
import { join } from "node:path"
import type { Context } from "../context.ts"
import { stateHome } from "../home.ts"

/** Where the boxes of this state directory are kept. */
export const boxesDirectory = (ctx: Pick<Context, "env">): string => join(stateHome(ctx), "boxes")

/** The directory of a box: private to this user, never mounted whole. */
export const boxDirectory = (ctx: Pick<Context, "env">, run: string): string => join(boxesDirectory(ctx), run)
