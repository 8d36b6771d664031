// The control API over TCP, for approvers elsewhere: TLS and a token, and of its routes only those that a signature decides about.
import { createHash, timingSafeEqual } from "node:crypto"
import type { IncomingMessage, ServerResponse } from "node:http"
import { createServer, type Server } from "node:https"
import { EXIT, NanoguardError } from "../../errors.ts"
import type { Controls } from "../control.ts"
import { handleControl, LIMITS } from "./handle.ts"

export interface RemoteOptions {
  host: string
  /** 0 for any that is free. */
  port: number
  tls: { key: string; cert: string }
  /** What callers send as `authorization: Bearer`; at least 32 characters. */
  token: string
}

const MIN_TOKEN = 32
const MAX_CALLERS = 64
const HANDSHAKE = 10_000

/** Listens for approvers who are elsewhere. Throws `NanoguardError`: usage (a token that can be guessed), environment (address in use). */
export async function listenRemote(options: RemoteOptions, controls: Controls): Promise<Server> {
  const { host, port, tls, token } = options
  if (token.length < MIN_TOKEN)
    throw new NanoguardError(`the control token is shorter than ${MIN_TOKEN} characters`, {
      exit: EXIT.usage,
      hint: "make one with `openssl rand -hex 32`",
    })
  const expected = digest(token)
  const server = createServer({ ...tls, ...LIMITS, handshakeTimeout: HANDSHAKE }, (request, response) => {
    if (isCaller(request, expected)) void handleControl(controls, request, response, true)
    else refuse(response)
  })
  server.maxConnections = MAX_CALLERS
  await new Promise<void>((resolve, reject) => {
    server.once("error", (cause: NodeJS.ErrnoException) =>
      reject(
        new NanoguardError(`the control API cannot listen on ${host} port ${port}: ${cause.code}`, {
          exit: EXIT.environment,
          hint: "give it another port",
          cause,
        }),
      ),
    )
    server.listen({ host, port }, resolve)
  })
  return server
}

function isCaller({ headers }: IncomingMessage, expected: Buffer): boolean {
  const match = /^Bearer +(\S{1,512})$/i.exec(headers.authorization ?? "")
  return match !== null && timingSafeEqual(digest(match[1]!), expected)
}

function refuse(response: ServerResponse): void {
  response.writeHead(401, { "content-type": "application/json", "www-authenticate": "Bearer", connection: "close" })
  response.end(JSON.stringify({ error: "this needs the control token" }))
}

const digest = (text: string) => createHash("sha256").update(text).digest()
