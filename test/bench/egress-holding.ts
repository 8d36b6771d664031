// A gate that holds requests for the egress bench, from the sources: thousands at once want limits that no command line sets. A process of its
// own (`fork`) over a store that is there already: `node egress-holding.ts <name of its policy file>`. Tells `{ port }`, and `{ waiting }` when asked.
import { readFileSync } from "node:fs"
import { createServer } from "node:http"
import type { AddressInfo } from "node:net"
import { processContext } from "../../src/context.ts"
import { openEgress } from "../../src/gateway/egress/open.ts"
import { keepHeapSmall } from "../../src/gateway/heap.ts"
import { createRunBook } from "../../src/gateway/runs.ts"
import { loadPolicyTexts } from "../../src/policy/load.ts"
import { openStore } from "../../src/store/open.ts"
import { openVault } from "../../src/vault/open.ts"

const MANY = 10_000
const WHO = { agent: "agent", operator: "operator", run: "run", boxed: false }

keepHeapSmall()
const ctx = processContext()
const store = await openStore(ctx, { gateway: "bench" })
const vault = await openVault(ctx, store)
const file = process.argv[2] ?? ""
const policy = await loadPolicyTexts([{ file, text: readFileSync(file, "utf8") }])
const server = createServer()
const egress = openEgress(server, {
  front: { metrics: { decided: () => {} }, runs: createRunBook(Date.now) } as never,
  law: { current: () => ({ policy, project: "bench", registries: [] }) as never },
  identify: () => WHO,
  ...{ store, vault, gateway: "bench", now: Date.now },
  ca: [readFileSync(process.env["NODE_EXTRA_CA_CERTS"] ?? "", "utf8")],
  holds: { limits: { agent: MANY, all: MANY } },
  limits: { perRun: MANY, all: MANY },
  onTrouble: (error) => process.stderr.write(`${error instanceof Error ? error.stack : error}\n`),
})
process.on("message", (message) => {
  if (message === "waiting") process.send?.({ waiting: egress.holds.waiting })
})
process.once("disconnect", () => process.exit())
server.listen(0, "127.0.0.1", 8192, () => process.send?.({ port: (server.address() as AddressInfo).port }))
