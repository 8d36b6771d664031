import { realpathSync } from "node:fs"
import { expect, it } from "vitest"
import { adoptPolicy } from "../../src/approvals/adopt.ts"
import { addApprover } from "../../src/approvals/enrol.ts"
import { gatewayExec } from "../../src/commands/gateway-exec.ts"
import { loadPolicyTexts } from "../../src/policy/load.ts"
import { openStore } from "../../src/store/open.ts"
import { newPerson } from "../approvals/support.ts"
import { emptyHome, NOW, temporaryDirectory, testContext } from "../context.ts"
import { startNpmUpstream } from "../gateway/gate.ts"

const POLICY = "version: 1\npackages: { unknown: allow }\n"

/** A project whose policy is in force, and no gate. */
async function prepare() {
  const upstream = await startNpmUpstream()
  upstream.publish("good", { "1.0.0": {} })
  const cwd = realpathSync(temporaryDirectory({ "nanoguard.yaml": POLICY }))
  const ctx = testContext(cwd, { env: emptyHome({ npm_config_registry: upstream.base }) })
  const store = await openStore(ctx, { gateway: "test" })
  const ana = newPerson("ana")
  await addApprover(store, ana, ana, NOW, "test")
  const texts = [{ file: "nanoguard.yaml", text: POLICY }]
  await adoptPolicy(store, { project: cwd, texts, policy: await loadPolicyTexts(texts), since: 0 }, ana, NOW, "test")
  await store.close()
  return ctx
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
