// Access tokens of logins, renewed shortly before they end: once for all that wait, in this process and others.
import type { Context } from "../../context.ts"
import { EXIT } from "../../errors.ts"
import type { Standing } from "../chain.ts"
import { vaultError } from "../errors.ts"
import type { VaultKeys } from "../keys.ts"
import { type LoginDocument, readDocument } from "./document.ts"
import { type LoginName, renewalOf } from "./providers.ts"
import { keepRenewed, readRenewed, withLoginLock } from "./state.ts"
import { readTokens } from "./tokens.ts"

/** Milliseconds before its end in which a token is renewed, and within which it still has to be good to be used. */
const EARLY = 5 * 60_000
const LATE = 10_000

/** Milliseconds that a token endpoint may take, and between two tries after one that failed. */
const TIMEOUT = 30_000
const PAUSE = 30_000

export interface Logins {
  /** An access token that is good now. `kept` is what the vault has. Errors: environment (it ended, and cannot be renewed). */
  accessToken: (keys: LoginKeys, standing: Standing, kept: string) => Promise<string>
  /** Forgets what is known of tokens. */
  forget: () => void
}

type LoginKeys = Pick<VaultKeys, "logins">

type LoginContext = Pick<Context, "env" | "now" | "fetch">

/** The logins of one process. */
export function createLogins(ctx: LoginContext): Logins {
  const known = new Map<string, LoginDocument>()
  const flights = new Map<string, Promise<LoginDocument>>()
  const failed = new Map<string, number>()

  const renew = async (keys: LoginKeys, standing: Standing, document: LoginDocument): Promise<LoginDocument> => {
    const { name, last, credential } = standing
    const wait = failed.get(last)
    if (wait !== undefined && ctx.now() < wait) return document
    return withLoginLock(ctx, name, async () => {
      // Another process may have done it while this one waited.
      const newest = readRenewed(ctx, keys, standing) ?? document
      if (!endsWithin(ctx, newest, EARLY)) return newest
      const source = credential!.source
      const renewed = source.from === "login" && (await ask(ctx, source.login, newest))
      if (!renewed) {
        failed.set(last, ctx.now() + PAUSE)
        return newest
      }
      keepRenewed(ctx, keys, standing, renewed)
      return renewed
    })
  }

  return {
    async accessToken(given, standing, kept) {
      const { name, last } = standing
      // A copy: the vault may be locked, and its keys overwritten, while the endpoint is asked.
      const keys = { logins: Buffer.from(given.logins) }
      let document = known.get(last) ?? readRenewed(ctx, keys, standing) ?? readDocument(kept)
      if (!document) throw vaultError(`the login of ${name} is damaged`, "import it again", EXIT.environment)
      if (endsWithin(ctx, document, EARLY)) {
        const flight = flights.get(last) ?? renew(keys, standing, document).finally(() => void flights.delete(last))
        flights.set(last, flight)
        document = await flight
      }
      known.set(last, document)
      if (!endsWithin(ctx, document, LATE)) return document.access
      throw vaultError(
        `the login of ${name} has ended and could not be renewed`,
        "log in again with its own program, then: nanoguard secret import",
        EXIT.environment,
      )
    },
    forget: () => known.clear(),
  }
}

/** Nobody knows when a token ends whose end nobody said. */
const endsWithin = (ctx: LoginContext, { expires }: LoginDocument, time: number) =>
  expires !== 0 && expires - ctx.now() <= time

/** The renewed login; undefined where the endpoint refused, or said something else. */
async function ask(ctx: LoginContext, login: LoginName, document: LoginDocument): Promise<LoginDocument | undefined> {
  const request = renewalOf(login, document)
  if (!request) return undefined
  try {
    const response = await ctx.fetch(request.url, { ...request.init, signal: AbortSignal.timeout(TIMEOUT) })
    if (response.ok) return await readTokens(response, document, ctx.now())
    await response.body?.cancel()
  } catch {
    // Whatever it was may quote the token.
  }
  return undefined
}
