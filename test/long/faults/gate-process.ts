// A gate as a process of its own, to be killed: `node gate-process.ts <json>`; says its address on stdout.

import { processContext } from "../../../src/context.ts"
import { createDesk } from "../../../src/gateway/desk.ts"
import { openGateway } from "../../../src/gateway/gateway.ts"
import { openUpstream } from "../../../src/gateway/upstream/open.ts"
import { loadPolicyTexts } from "../../../src/policy/load.ts"
import { openStore } from "../../../src/store/open.ts"

interface Settings {
  name: string
  policy: string
  /** Where the record is, and what the gate itself calls home. */
  record: string
  home: string
  cache: string
  upstream: string
}

const { name, policy, record, home, cache, upstream: registry }: Settings = JSON.parse(process.argv[2]!)
const env = { PATH: process.env["PATH"] ?? "", HOME: home, NANOGUARD_HOME: home, npm_config_registry: registry }
const ctx = { ...processContext(), cwd: home, env }
const store = await openStore({ ...ctx, env: { ...env, NANOGUARD_HOME: record } }, { gateway: name })
const upstream = await openUpstream({ directory: cache, env, now: ctx.now })
const gate = await openGateway(ctx, {
  ...{ gateway: name, host: "127.0.0.1", port: 0, store, upstream, desk: createDesk(store, name, ctx.now) },
  load: async () => ({ policy: await loadPolicyTexts([{ file: "nanoguard.yaml", text: policy }]), project: "faults" }),
  anonymous: { agent: "local", operator: "ana", run: "local", boxed: false },
  offline: false,
  wait: 0,
  onTrouble: (error) => process.stderr.write(`${String(error)}\n`),
})
process.stdout.write(`${gate.origin}\n`)
