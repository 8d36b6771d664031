// What PostgreSQL, the network and TLS can answer, as errors that a person can act on. No detail of a server's error is shown:
// it may quote rows.
import { EXIT, NanoguardError } from "../../errors.ts"
import type { Server } from "./url.ts"

type Place = Pick<Server, "shown">

interface Meaning {
  what: string
  hint: string
}

const MIGRATE = "run `nanoguard store migrate` as the owner of the database"
const GRANT =
  "grant the role: GRANT nanoguard_writer TO ...; (nanoguard_reader for reading only, nanoguard_eraser to erase)"

// SQLSTATE, as in appendix A of PostgreSQL's manual; then codes of Node's network and TLS.
const MEANINGS: Record<string, Meaning> = {
  "28P01": {
    what: "refuses the user or the password",
    hint: "check the address, or PGPASSWORD where it holds no password",
  },
  "28000": { what: "refuses this user from here", hint: "check the server's pg_hba.conf, and whether it asks for TLS" },
  "3D000": { what: "has no such database", hint: "create it, or correct the address" },
  "42501": { what: "does not permit this", hint: GRANT },
  "3F000": { what: "holds no record yet", hint: MIGRATE },
  "42P01": { what: "holds no record yet", hint: MIGRATE },
  "42703": { what: "holds a record of another version", hint: MIGRATE },
  "53100": { what: "has no space left on its disk", hint: "make space there; nothing that was acknowledged is lost" },
  "53200": { what: "is out of memory", hint: "look at the server; nothing that was acknowledged is lost" },
  "53300": { what: "takes no more connections", hint: "raise max_connections, or end other clients" },
  "57P01": { what: "is shutting down", hint: "try again once it is up" },
  "57P02": { what: "has crashed and is recovering", hint: "try again once it is up" },
  "57P03": { what: "is starting up or shutting down", hint: "try again in a moment" },
  "57014": { what: "took too long and the statement was cancelled", hint: "look at the server's load and locks" },
  "55P03": {
    what: "did not get the log's lock in time",
    hint: "look for a session that holds it: pg_locks, pg_stat_activity",
  },
  "25006": { what: "is read-only", hint: "give the address of the primary, not of a standby" },
  ECONNREFUSED: { what: "does not answer: nothing listens there", hint: "start it, or correct the address" },
  ENOENT: { what: "does not answer: there is no such socket", hint: "start it, or correct the address" },
  EACCES: {
    what: "cannot be reached: its socket is closed to this user",
    hint: "correct the address or the socket's directory",
  },
  ENOTFOUND: { what: "cannot be found: the host has no address", hint: "correct the host's name" },
  EAI_AGAIN: { what: "cannot be found: names do not resolve here", hint: "check the network and DNS" },
  CERT_HAS_EXPIRED: { what: "shows a certificate that has expired", hint: "renew the server's certificate" },
  ERR_TLS_CERT_ALTNAME_INVALID: {
    what: "shows a certificate for another name",
    hint: "use the name in the certificate",
  },
}

const UNTRUSTED = {
  what: "shows a certificate that no known authority signed",
  hint: "name the authority: sslrootcert=<file>",
}
const NO_TLS = {
  what: "does not speak TLS",
  hint: "turn it on at the server; only with sslmode=disable would everything travel readable",
}
const SILENT = { what: "does not answer", hint: "check that it runs and that the network lets this machine through" }

/** The code that PostgreSQL (five characters) or Node gave an error; "" where it has none. */
export function codeOf(error: unknown): string {
  const code = (error as { code?: unknown } | null)?.code
  return typeof code === "string" ? code : ""
}

/** Whether the server itself said it. A code of five letters is not enough: EPIPE has as many. */
function isAnswer(error: unknown): error is Error & { code: string; severity: string } {
  return error instanceof Error && "severity" in error && /^[0-9A-Z]{5}$/.test(codeOf(error))
}

/**
 * Whether the connection is gone or of no more use, so that what was sent last may or may not have happened: everything
 * but an answer of the server to a statement.
 */
export function isLost(error: unknown): boolean {
  if (!isAnswer(error)) return true
  return /^(08|57P0|25P03)/.test(error.code) || error.severity === "FATAL" || error.severity === "PANIC"
}

/** Whether the server lacks something that every statement needs: space, memory, a working disk, the time to answer. */
export function isExhausted(error: unknown): boolean {
  return /^(53|57|58|XX)/.test(codeOf(error))
}

/** Like `toStoreError`, but an error that only the statement's author can act on (a constraint, say) comes back as it is. */
export function known(error: unknown, server: Place): unknown {
  return meaningOf(error) === undefined ? error : toStoreError(error, server)
}

/** Any failure as a `NanoguardError` (environment) that names the server without its password, what is wrong and what to do. */
export function toStoreError(error: unknown, server: Place): NanoguardError {
  if (error instanceof NanoguardError) return error
  const meaning = meaningOf(error)
  const answer = meaning ?? { what: `failed: ${messageOf(error)}`, hint: "look at the server's log" }
  const detail = meaning && isAnswer(error) ? `: ${messageOf(error)}` : ""
  return new NanoguardError(`PostgreSQL at ${server.shown} ${answer.what}${detail}`, {
    exit: EXIT.environment,
    hint: answer.hint,
    cause: error,
  })
}

/** The error for a record that only an older program has migrated so far. */
export function oldSchema(server: Place): NanoguardError {
  return new NanoguardError(`PostgreSQL at ${server.shown} holds a record of an older version`, {
    exit: EXIT.environment,
    hint: MIGRATE,
  })
}

function meaningOf(error: unknown): Meaning | undefined {
  const code = codeOf(error)
  const known = Object.hasOwn(MEANINGS, code) ? MEANINGS[code] : undefined
  if (known !== undefined) return known
  const message = messageOf(error)
  if (/SELF_SIGNED|UNABLE_TO_|CERT_/.test(code)) return UNTRUSTED
  if (message.includes("does not support SSL")) return NO_TLS
  if (/^E[A-Z]+$/.test(code) || /timeout|terminated|not queryable|Connection ended/i.test(message)) return SILENT
  return undefined
}

function messageOf(error: unknown): string {
  const first = error instanceof AggregateError ? (error.errors[0] as unknown) : error
  return first instanceof Error ? first.message : String(first)
}
