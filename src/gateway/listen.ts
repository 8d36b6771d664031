// Where the gate listens, and what that takes.
import type { Server } from "node:http"
import type { AddressInfo } from "node:net"
import { EXIT, NanoguardError } from "../errors.ts"
import type { Controls } from "./control.ts"
import type { GatewayOptions } from "./gateway.ts"
import { isLoopback } from "./server.ts"

/** Throws `NanoguardError` (usage) for an address that others reach, without TLS or with somebody who comes without a token. */
export function checkReach({ host, tls, anonymous }: Pick<GatewayOptions, "host" | "tls" | "anonymous">): void {
  if (isLoopback(host) || (tls !== undefined && anonymous === undefined)) return
  throw new NanoguardError("beyond loopback the gateway wants TLS and tokens", {
    exit: EXIT.usage,
    hint: "give --tls-key and --tls-cert, and --require-token",
  })
}

/** The control API over TCP, which speaks with the gate's own certificate. Errors: usage (no TLS, a token that can be guessed), environment. */
export async function openRemote(
  remote: NonNullable<GatewayOptions["remote"]>,
  tls: GatewayOptions["tls"],
  controls: Controls,
): Promise<Server> {
  if (tls !== undefined) return (await import("./control/remote.ts")).listenRemote({ ...remote, tls }, controls)
  throw new NanoguardError("the control API over TCP wants TLS", {
    exit: EXIT.usage,
    hint: "give --tls-key and --tls-cert",
  })
}

/** Listens, and resolves with the port. Errors: environment (address in use). */
export async function listenGate(server: Server, at: Pick<GatewayOptions, "host" | "port">): Promise<number> {
  const { host, port } = at
  await new Promise<void>((resolve, reject) => {
    const fail = (cause: NodeJS.ErrnoException) => reject(cannotListen(at, cause))
    server.once("error", fail)
    server.listen({ host, port }, () => {
      server.off("error", fail)
      resolve()
    })
  })
  return (server.address() as AddressInfo).port
}

function cannotListen(
  { host, port }: Pick<GatewayOptions, "host" | "port">,
  cause: NodeJS.ErrnoException,
): NanoguardError {
  const why = cause.code === "EADDRINUSE" ? "the port is in use" : (cause.code ?? "unknown error")
  return new NanoguardError(`the gateway cannot listen on ${host} port ${port}: ${why}`, {
    exit: EXIT.environment,
    hint: "give --port another number, or stop what listens there (nanoguard gateway stop)",
    cause,
  })
}
