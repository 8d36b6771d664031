// Tunnels that are not looked into: the bytes pass as they are, to the host whose name the client said in the clear.
import type { Duplex } from "node:stream"
import { originError } from "./origin-error.ts"
import type { Origins } from "./origins.ts"
import type { Target } from "./types.ts"
import { type Passed, passBetween } from "./upgrade.ts"

/** Dials a vetted address, and passes everything both ways, the ClientHello first: it was put back onto the socket. Never rejects. */
export async function passTunnel(
  origins: Origins,
  target: Target,
  addresses: readonly string[],
  client: Duplex,
  idle: number,
): Promise<Passed & { failed?: string }> {
  let origin: Duplex
  try {
    origin = await origins.open({ target, addresses }, false)
  } catch (error) {
    client.destroy()
    return { sent: 0, received: 0, failed: originError(error).code }
  }
  return passBetween(client, origin, idle)
}
