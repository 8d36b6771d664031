// What goes wrong between the gate and an origin, in words of our own.

/** `loop`: the gate's own address. `untrusted`: its certificate was not believed, so that nothing was sent. */
export type OriginFault = "unresolved" | "unreachable" | "untrusted" | "timeout" | "broken" | "loop" | "gone"

/** The message is a fixed text, fit for clients and the log; what the network said is in `cause`. */
export class OriginError extends Error {
  override name = "OriginError"
  readonly fault: OriginFault
  /** As Node's own errors carry one. */
  readonly code: string

  constructor(fault: OriginFault, message: string, cause?: unknown) {
    super(message, { cause })
    this.fault = fault
    this.code = `ORIGIN_${fault.toUpperCase()}`
  }
}

const TIMEOUTS = /^(?:UND_ERR_(?:HEADERS|BODY|CONNECT)_TIMEOUT|ETIMEDOUT)$/
const UNREACHABLE = /^(?:ECONNREFUSED|EHOSTUNREACH|ENETUNREACH|EADDRNOTAVAIL|UND_ERR_CONNECT_TIMEOUT)$/
/** How Node names certificates that it does not believe, and handshakes that failed; and, by ERR_SSL_, what breaks TLS after one. */
const UNTRUSTED = /^(?:ERR_TLS_|ERR_SSL_|CERT_|UNABLE_TO_|SELF_SIGNED_|DEPTH_ZERO_|ERR_OSSL_)/

const UNSENT: ReadonlySet<string | undefined> = new Set<OriginFault>([
  "unresolved",
  "unreachable",
  "untrusted",
  "loop",
  "gone",
])

/** Whether nothing of a request went to its origin: no answer came (status 0), and it failed before there was a connection for it. */
export function wasUnsent(status: number, failed: string | undefined): boolean {
  return status === 0 && UNSENT.has(failed)
}

/** What an attempt counts that a request did not go by: a host that was reached has its name, which is a word by itself. */
export function unsentBy(failed: string | undefined): { sent: false; reached?: true } {
  return failed === "untrusted" ? { sent: false, reached: true } : { sent: false }
}

/** Any error of a request to an origin as one of ours. */
export function originError(error: unknown): OriginError {
  if (error instanceof OriginError) return error
  const found = error instanceof AggregateError ? error.errors[0] : error
  const code = String((found as { code?: unknown } | undefined)?.code ?? "")
  if (UNREACHABLE.test(code)) return new OriginError("unreachable", "no connection to the host", error)
  if (UNTRUSTED.test(code)) return new OriginError("untrusted", "no trusted TLS connection to the host", error)
  if (TIMEOUTS.test(code)) return new OriginError("timeout", "the host did not answer in time", error)
  return new OriginError("broken", "the host's answer broke off, or was none", error)
}
