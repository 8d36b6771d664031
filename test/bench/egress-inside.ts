// What the egress bench measures of holding and minting: how much a held request costs, how soon a decision is a request, how long a leaf takes.
import { generateKeyPairSync, sign } from "node:crypto"
import { mkdtempSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { setTimeout as delay } from "node:timers/promises"
import { answerApproval } from "../../src/approvals/answer.ts"
import { addApprover } from "../../src/approvals/enrol.ts"
import { listApprovals } from "../../src/approvals/list.ts"
import { formatPublicKey } from "../../src/approvals/signature.ts"
import { processContext } from "../../src/context.ts"
import { openCa } from "../../src/gateway/egress/ca.ts"
import { openStore } from "../../src/store/open.ts"
import { initVault } from "../../src/vault/init.ts"
import type { Result } from "./egress-client.ts"
import { type Origin, startClient, startHolding } from "./egress-proxies.ts"

type Shares = Pick<Result, "count" | "p50" | "p99">

const shares = (times: number[]): Shares => {
  times.sort((a, b) => a - b)
  const at = (share: number) => times[Math.floor(times.length * share)] ?? Number.NaN
  return { count: times.length, p50: at(0.5), p99: at(0.99) }
}

/** Milliseconds for the certificate of a host that was never asked for, and for loading it. */
export async function measureLeaves(): Promise<Shares> {
  const ca = await openCa("bench")
  const times: number[] = []
  for (let n = 0; n < 600; n++) {
    const begun = performance.now()
    ca.contextFor(`host-${n}.example.com`)
    if (n >= 100) times.push(performance.now() - begun)
  }
  return shares(times)
}

/** A store with somebody who signs, and a gate over it that asks about everything. */
async function open(work: string, origin: Origin) {
  const home = mkdtempSync(join(work, "holding-"))
  const policy = join(home, "nanoguard.yaml")
  const at = `ports: [${origin.port}], addresses: [127.0.0.1, "::1"]`
  writeFileSync(policy, `version: 1\nnetwork:\n  - { id: writes, ask: localhost, ${at} }\n`)
  const env = { ...process.env, NANOGUARD_HOME: join(home, "state"), HOME: home, NODE_EXTRA_CA_CERTS: origin.ca }
  const ctx = { ...processContext(), env }
  const store = await openStore(ctx, { gateway: "approvals" })
  const { privateKey } = generateKeyPairSync("ed25519")
  const person = {
    name: "ana",
    key: formatPublicKey(privateKey),
    sign: async (message: string) => `ed25519:${sign(null, Buffer.from(message), privateKey).toString("base64")}`,
  }
  await addApprover(store, person, person, Date.now(), "approvals")
  await initVault(ctx, { kind: "file" })
  const gate = await startHolding(policy, env)
  const client = await startClient()
  const close = async () => {
    client.close()
    await gate.close()
    await store.close()
  }
  return { store, person, gate, client, close }
}

/** Holds so many requests with a body of 1 KiB, all different. Seconds until all are held; MiB of the gate before and then. */
export async function measureHeld(work: string, origin: Origin, count: number) {
  const { gate, client, close } = await open(work, origin)
  try {
    const job = { port: origin.port, proxy: gate.port, seconds: 0 }
    const { rss: before = 0 } = (await gate.usage()) ?? {}
    const begun = performance.now()
    await client.run({ ...job, mode: "hold", connections: count })
    while ((await gate.waiting()) < count) {
      if (performance.now() - begun > 300_000) break
      await delay(200)
    }
    const seconds = (performance.now() - begun) / 1000
    const { rss = 0 } = (await gate.usage()) ?? {}
    return { count: await gate.waiting(), rss, before, seconds }
  } finally {
    await close()
  }
}

/** Milliseconds from before somebody signs, in another process than the gate's, until the client has the origin's answer; one after the other. */
export async function measureRelease(work: string, origin: Origin, count: number): Promise<Shares> {
  const { store, person, gate, client, close } = await open(work, origin)
  const times: number[] = []
  try {
    for (let n = -20; n < count; n++) {
      const job = { port: origin.port, proxy: gate.port, seconds: 0, connections: 1, path: `/held/${n}` }
      const answered = client.run({ ...job, mode: "held" })
      while ((await gate.waiting()) === 0) await delay(5)
      const [pending] = await listApprovals(store.db, Date.now())
      if (pending === undefined) throw new Error("a request waits, and no question is there")
      await delay(20)
      const terms = { scope: "run", expires: Date.now() + 60_000, uses: 1 } as const
      const begun = process.hrtime.bigint()
      await answerApproval(store, pending.id, { answer: "approve", terms }, person, Date.now(), "approvals")
      const { at = begun } = await answered
      if (n >= 0) times.push(Number(BigInt(at) - begun) / 1e6)
    }
    return shares(times)
  } finally {
    await close()
  }
}
