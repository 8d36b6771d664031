// A WebSocket that is looked into, from its first moment to its last one.
import { once } from "node:events"
import { type Duplex, duplexPair } from "node:stream"
import { expect, test } from "vitest"
import { passFrames } from "../../../src/gateway/egress/frame-pass.ts"

const close = async (side: Duplex) => {
  side.destroy()
  await once(side, "close")
}

test.each([
  ["client", [0]],
  ["origin", [1]],
  ["client and origin", [0, 1]],
])("a connection whose %s left before it began is over", async (_, gone) => {
  const [[client], [origin]] = [duplexPair(), duplexPair()]
  const sides = [client, origin] as const
  for (const at of gone) await close(sides[at]!)
  const troubles: unknown[] = []
  const passed = await passFrames(client, origin, 600_000, { onTrouble: (error) => void troubles.push(error) })
  expect(passed).toEqual({ sent: 0, received: 0 })
  expect(sides.map(({ destroyed }) => destroyed)).toEqual([true, true])
  expect(troubles).toEqual([])
})
