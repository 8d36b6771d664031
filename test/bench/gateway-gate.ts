// The gate of the bench, as a process of its own: a real record, a real cache, the policy of the bench.
import { processContext } from "../../src/context.ts"
import { createDesk } from "../../src/gateway/desk.ts"
import { openGateway } from "../../src/gateway/gateway.ts"
import { openUpstream } from "../../src/gateway/upstream/open.ts"
import { loadPolicyTexts } from "../../src/policy/load.ts"
import { openStore } from "../../src/store/open.ts"

const text = process.env["BENCH_POLICY"] ?? ""
const ctx = processContext()
const store = await openStore(ctx, { gateway: "bench" })
const upstream = await openUpstream({ directory: process.env["BENCH_CACHE"], env: ctx.env, now: ctx.now })
const gate = await openGateway(ctx, {
  ...{ gateway: "bench", host: "127.0.0.1", port: 0, store, upstream, offline: false, wait: 0 },
  desk: createDesk(store, "bench", ctx.now),
  load: async () => ({ policy: await loadPolicyTexts([{ file: "nanoguard.yaml", text }]), project: "bench" }),
  anonymous: { agent: "local", operator: "bench", run: "local", boxed: false },
  onTrouble: (error) => process.stderr.write(`${String(error)}\n`),
})
process.send?.({ origin: `${gate.origin}/npm` })
process.once("disconnect", async () => {
  await gate.close()
  await upstream.close()
  await store.close()
  process.exit()
})
