// Which store this process uses: files in the state directory, or a PostgreSQL that several gateways share.
import type { Context } from "../context.ts"
import { EXIT, NanoguardError } from "../errors.ts"
import { stateHome } from "../home.ts"

export { stateHome }

export type StoreLocation =
  | { kind: "sqlite"; directory: string }
  /** `url` may hold a password: for people there is `parseServer(url).shown`. */
  | { kind: "postgres"; url: string }

/**
 * Reads `NANOGUARD_STORE`: unset or empty means the files in `stateHome`, else it must be a `postgres://` or `postgresql://`
 * URL (whose parts `parseServer` checks). Anything else is a configuration error that never repeats the value: it may hold a password.
 */
export function storeLocation(ctx: Pick<Context, "env">): StoreLocation {
  const value = ctx.env["NANOGUARD_STORE"]
  if (!value) return { kind: "sqlite", directory: stateHome(ctx) }
  if (/^postgres(ql)?:\/\//.test(value)) return { kind: "postgres", url: value }
  throw new NanoguardError("NANOGUARD_STORE is not a postgres:// address", {
    exit: EXIT.configuration,
    hint: "write postgres://user@host:5432/database, or unset it for files in the state directory (NANOGUARD_HOME moves that)",
  })
}
