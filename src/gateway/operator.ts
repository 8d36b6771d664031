// The person behind the agents of this account, as the record names them.
import { userInfo } from "node:os"
import type { Context } from "../context.ts"

/** Who runs agents here: `NANOGUARD_OPERATOR`, else the system's name of this user. */
export function operatorOf(ctx: Pick<Context, "env">): string {
  if (ctx.env["NANOGUARD_OPERATOR"]) return ctx.env["NANOGUARD_OPERATOR"]
  try {
    return userInfo().username
  } catch {
    return "unknown"
  }
}
