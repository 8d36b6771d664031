import { expect, it } from "vitest"
import { gatewayExec } from "../../src/commands/gateway-exec.ts"
import { adoptedProject } from "../gateway/adopted.ts"
import { startNpmUpstream } from "../gateway/gate.ts"

const POLICY = "version: 1\npackages: { unknown: allow }\n"

/** A project whose policy is in force, and no gate. */
async function prepare() {
  const upstream = await startNpmUpstream()
  upstream.publish("good", { "1.0.0": {} })
  return adoptedProject(POLICY, { npm_config_registry: upstream.base })
}

const LATE = `setTimeout(() => fetch(process.env.npm_config_registry + "good", { headers: { authorization: "Bearer " + process.env.NANOGUARD_TOKEN } })
  .then(({ status }) => process.exit(status === 200 ? 0 : 1), () => process.exit(2)), 3500)`

it("keeps a command's own gate for another command that came to it", async () => {
  const ctx = await prepare()
  const first = gatewayExec(ctx, [process.execPath, "-e", "setTimeout(() => {}, 2500)"], { port: "0" })
  await expect.poll(() => ctx.err(), { timeout: 20_000 }).toContain("packages come through")
  const second = gatewayExec(ctx, [process.execPath, "-e", LATE], {})
  expect(await Promise.all([first, second])).toEqual([{ exit: 0 }, { exit: 0 }])
  expect(ctx.err()).toContain("another command uses this gate")
})
