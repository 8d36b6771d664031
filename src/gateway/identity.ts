// Who asks: by a token in a header or in the address, or nobody in particular on loopback.
import type { RunBook } from "./runs.ts"
import type { Attribution } from "./types.ts"

/** Undefined where nobody is known: the request is refused. */
export type Identify = (token: string | undefined, authorization: string | undefined) => Attribution | undefined

/**
 * Reads tokens of the run book. `anonymous` is whoever comes without one; undefined where a token is required. A token that is
 * nobody's is refused and never taken for anonymous: its run may have been ended.
 */
export function createIdentify(runs: Pick<RunBook, "find">, anonymous: Attribution | undefined): Identify {
  return (token, authorization) => {
    const given = token ?? tokenOf(authorization)
    return given === undefined ? anonymous : runs.find(given)
  }
}

/** The token of `Bearer` or, as the password, of `Basic` credentials (RFC 6750, RFC 7617); "" where there is a header without one. */
function tokenOf(authorization: string | undefined): string | undefined {
  if (authorization === undefined) return undefined
  const [scheme = "", value = ""] = authorization.trim().split(/ +/, 2)
  if (/^bearer$/i.test(scheme)) return value
  if (!/^basic$/i.test(scheme)) return ""
  const text = Buffer.from(value, "base64").toString("latin1")
  return text.slice(text.indexOf(":") + 1)
}
