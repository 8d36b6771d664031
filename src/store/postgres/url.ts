// What a postgres:// address means here. pg's own reading of it is not used: it takes any option from the query (a `host` in
// the query replaces the one that is shown), and connects without TLS wherever the address does not ask for it.
import { readFileSync } from "node:fs"
import { userInfo } from "node:os"
import type { ConnectionOptions } from "node:tls"
import { EXIT, NanoguardError } from "../../errors.ts"

export interface Server {
  /** A host name, an address, or the directory of a Unix socket. */
  host: string
  port: number
  database: string
  user: string
  /** Where absent, pg takes PGPASSWORD or the line of ~/.pgpass. */
  password?: string
  ssl: false | ConnectionOptions
  /** Seconds until an attempt to connect is given up. */
  connectTimeout: number
  /** `postgres://user@host:port/database`: all that is ever printed. */
  shown: string
}

const PARAMETERS = new Set(["sslmode", "sslrootcert", "sslcert", "sslkey", "host", "connect_timeout"])
const VERIFIED = new Set(["require", "verify-ca", "verify-full"])
const LOOPBACK = /^(localhost|127(\.\d{1,3}){3}|::1|\/.*)$/

/**
 * Reads a `postgres://` or `postgresql://` address. To another machine it means TLS with a verified certificate and name,
 * unless it says `sslmode=disable`; on this one (loopback, Unix socket) it means none unless it says so. `require` and
 * `verify-ca` verify as `verify-full` does. Throws `NanoguardError` (configuration), which never holds the password.
 */
export function parseServer(text: string): Server {
  const url = parseUrl(text)
  const query = parametersOf(url)
  const host = query.get("host") ?? decode(url.hostname).replace(/^\[(.*)\]$/, "$1")
  if (host === "") throw invalid("it names no host")
  const port = url.port === "" ? 5432 : Number(url.port)
  const user = decode(url.username) || systemUser()
  const database = decode(url.pathname.slice(1)) || user
  const connectTimeout = Number(query.get("connect_timeout") ?? 10)
  if (!Number.isInteger(connectTimeout) || connectTimeout < 1 || connectTimeout > 300) {
    throw invalid("connect_timeout is not a number of seconds from 1 to 300")
  }
  const at = host.startsWith("/") ? host : `${host.includes(":") ? `[${host}]` : host}:${port}`
  return {
    ...{ host, port, database, user, connectTimeout, shown: `postgres://${user}@${at}/${database}` },
    ...(url.password !== "" && { password: decode(url.password) }),
    ssl: readTls(query, host),
  }
}

/** Whether a host, as `parseServer` gives it, is this machine: nobody on a network can listen. */
export function isLoopback(host: string): boolean {
  return LOOPBACK.test(host)
}

function parseUrl(text: string): URL {
  if (!/^postgres(ql)?:\/\//.test(text)) throw invalid("it does not begin with postgres://")
  // The host may be empty where the query names a socket's directory, which the URL standard allows no address with a user.
  const url = URL.parse(text) ?? URL.parse(text.replace(/^([^/]*\/\/[^/?#]*@)(?=[/?#:]|$)/, "$1localhost"))
  if (url === null) throw invalid("it is no URL: a password's special characters must be percent-encoded")
  if (url.hash !== "") throw invalid("it has a fragment (#): percent-encode the character in a password")
  return url
}

function parametersOf(url: URL): Map<string, string> {
  const query = new Map<string, string>()
  for (const [name, value] of url.searchParams) {
    if (!PARAMETERS.has(name)) throw invalid(`the parameter ${JSON.stringify(name.slice(0, 40))} is unknown`)
    if (query.has(name)) throw invalid(`${name} is given twice`)
    query.set(name, value)
  }
  const socket = query.get("host")
  if (socket !== undefined && !socket.startsWith("/"))
    throw invalid("host= may only name the directory of a Unix socket")
  return query
}

function readTls(query: Map<string, string>, host: string): false | ConnectionOptions {
  const mode = query.get("sslmode") ?? (isLoopback(host) ? "disable" : "verify-full")
  if (mode === "disable") return false
  if (!VERIFIED.has(mode)) {
    throw invalid(`sslmode=${mode.slice(0, 20)} would not prove which server it talks to`, [
      "use sslmode=verify-full, with sslrootcert=<file> for a certificate authority of your own",
    ])
  }
  const file = (name: string) => (query.has(name) ? readPem(name, query.get(name)!) : undefined)
  const [ca, cert, key] = [file("sslrootcert"), file("sslcert"), file("sslkey")]
  return {
    ...(ca !== undefined && { ca }),
    ...(cert !== undefined && { cert }),
    ...(key !== undefined && { key }),
  }
}

function readPem(name: string, path: string): string {
  try {
    return readFileSync(path, "utf8")
  } catch (error) {
    throw invalid(`${name} cannot be read (${(error as NodeJS.ErrnoException).code})`, [], { file: path })
  }
}

function decode(part: string): string {
  try {
    return decodeURIComponent(part)
  } catch {
    throw invalid("it has a % that is no percent-encoding: write %25")
  }
}

function systemUser(): string {
  try {
    return userInfo().username
  } catch {
    throw invalid("it names no user")
  }
}

function invalid(problem: string, [hint]: string[] = [], where?: { file: string }): NanoguardError {
  return new NanoguardError(`NANOGUARD_STORE is not a usable PostgreSQL address: ${problem}`, {
    exit: EXIT.configuration,
    hint: hint ?? "write postgres://user:password@host:5432/database",
    ...(where && { where }),
  })
}
