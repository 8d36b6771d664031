// Asking the gate of this state directory, from a command of the same person.
import { request as send } from "node:http"
import { connect } from "node:net"
import type { Context } from "../context.ts"
import { EXIT, type ExitCode, NanoguardError } from "../errors.ts"
import { controlPath } from "./control-path.ts"
import { GateGone, isNobody } from "./gone.ts"

/**
 * One call of the control API; undefined where the gate knows nothing by that name. Throws `GateGone` where no gate runs or the one that does
 * is ending, else the `NanoguardError` that the gate says.
 */
export async function askGate<T>(
  ctx: Pick<Context, "env">,
  method: string,
  path: string,
  body?: unknown,
): Promise<T | undefined> {
  const sent = body === undefined ? "" : JSON.stringify(body)
  const { status, ending, bytes } = await exchange(controlPath(ctx), method, path, sent)
  if (status === 404) return undefined
  if (status === 200) return JSON.parse(bytes.toString("utf8")) as T
  throw ending ? new GateGone() : refused(bytes)
}

/** The bytes that the gate has by a path; undefined where it has none. Errors: as `askGate`. */
export async function readFromGate(ctx: Pick<Context, "env">, path: string): Promise<Buffer | undefined> {
  const { status, ending, bytes } = await exchange(controlPath(ctx), "GET", path, "")
  if (status === 404) return undefined
  if (status === 200) return bytes
  throw ending ? new GateGone() : refused(bytes)
}

function refused(bytes: Buffer): NanoguardError {
  const value = JSON.parse(bytes.toString("utf8")) as { error?: string; hint?: string; exit?: ExitCode }
  return new NanoguardError(value.error ?? "the gateway failed to answer", {
    exit: value.exit ?? EXIT.environment,
    ...(value.hint !== undefined && { hint: value.hint }),
  })
}

/** Whether a gate answers on the socket of this state directory. */
export async function isGateRunning(ctx: Pick<Context, "env">): Promise<boolean> {
  return exchange(controlPath(ctx), "GET", "/v1/status", "").then(
    ({ status }) => status === 200,
    () => false,
  )
}

const silent = (cause: unknown) =>
  new NanoguardError("the gateway does not answer", {
    exit: EXIT.environment,
    hint: "look at it with `nanoguard gateway status`",
    cause,
  })

function exchange(
  socketPath: string,
  method: string,
  path: string,
  body: string,
): Promise<{ status: number; ending: boolean; bytes: Buffer }> {
  return new Promise((resolve, reject) => {
    const fail = (cause: unknown) => reject(isNobody(cause) ? new GateGone(cause) : silent(cause))
    // Node frames no body of a DELETE by itself.
    const headers = body === "" ? {} : { "content-length": Buffer.byteLength(body) }
    // Node's agent would first find out whether its host's name is an address: 5 ms for the pattern of IPv6 alone.
    const createConnection = () => connect(socketPath)
    const request = send({ createConnection, method, path, headers, timeout: 60_000 }, (response) => {
      const chunks: Buffer[] = []
      response.on("data", (chunk: Buffer) => chunks.push(chunk))
      response.on("error", fail)
      const { statusCode: status = 0, headers } = response
      const ending = status === 503 && headers["retry-after"] !== undefined
      response.on("end", () => resolve({ status, ending, bytes: Buffer.concat(chunks) }))
    })
    request.on("error", fail)
    request.on("timeout", () => request.destroy(new Error("it took too long")))
    request.end(body)
  })
}
