// A gate that lets plain requests to one origin through, as a process to be killed: `node journal-gate.ts <json>`; says its port on stdout.
import { createServer } from "node:http"
import type { AddressInfo } from "node:net"
import { processContext } from "../../../src/context.ts"
import { openEgress } from "../../../src/gateway/egress/open.ts"
import { createRunBook } from "../../../src/gateway/runs.ts"
import { loadPolicyTexts } from "../../../src/policy/load.ts"
import { openStore } from "../../../src/store/open.ts"
import { openVault } from "../../../src/vault/open.ts"

const { name, policy: text } = JSON.parse(process.argv[2]!) as { name: string; policy: string }
const ctx = processContext()
const store = await openStore(ctx, { gateway: name })
const vault = await openVault(ctx, store)
const policy = await loadPolicyTexts([{ file: "nanoguard.yaml", text }])
const server = createServer((request, response) => {
  if (!egress.serve(request, response)) response.writeHead(404).end()
})
const egress = openEgress(server, {
  front: { metrics: { decided: () => {} }, runs: createRunBook(Date.now) } as never,
  law: { current: () => ({ policy, project: "faults", registries: [] }) as never },
  identify: () => ({ agent: "claude-1", operator: "olga", run: "r1", boxed: true }),
  ...{ store, vault, gateway: name, now: Date.now, resolve: async () => ["127.0.0.1"] },
  onTrouble: (error) => process.stderr.write(`${String(error)}\n`),
})
server.listen(0, "127.0.0.1", () => process.stdout.write(`port ${(server.address() as AddressInfo).port}\n`))
