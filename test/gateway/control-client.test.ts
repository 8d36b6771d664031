import { expect, onTestFinished, test } from "vitest"
import { EXIT, NanoguardError } from "../../src/errors.ts"
import { type Controls, listenControl } from "../../src/gateway/control.ts"
import { askGate, readFromGate } from "../../src/gateway/control-client.ts"
import { controlPath } from "../../src/gateway/control-path.ts"
import { GateGone } from "../../src/gateway/gone.ts"
import { emptyHome } from "../context.ts"

test("a gate that ends is gone for whoever asks it and for whoever reads from it; one that refuses is not", async () => {
  const ctx = { env: emptyHome() }
  let error: NanoguardError = new GateGone()
  const answer = () => Promise.reject(error)
  const controls = { approvals: { show: answer, body: answer } } as unknown as Controls
  const server = await listenControl(controlPath(ctx), controls)
  onTestFinished(() => {
    server.closeAllConnections()
    server.close()
  })
  const id = "ap-aaaaaaaa"
  const ask = () => [askGate(ctx, "GET", `/v1/approvals/${id}`), readFromGate(ctx, `/v1/approvals/${id}/body`)]
  const said = async () => (await Promise.allSettled(ask())).map((one) => "reason" in one && one.reason)
  expect(await said()).toEqual([expect.any(GateGone), expect.any(GateGone)])
  error = new NanoguardError("the vault is locked", { exit: EXIT.environment })
  for (const one of await said()) {
    expect(one).toMatchObject({ message: "the vault is locked" })
    expect(one).not.toBeInstanceOf(GateGone)
  }
})
