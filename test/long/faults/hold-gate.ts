// A gate that holds whatever comes, as a process to be killed: `node hold-gate.ts <json>`; says its port on stdout. What is granted it sends to
// the origin, with the id of the approval that it rests on.
import { createHash } from "node:crypto"
import { createServer, type IncomingMessage, type ServerResponse, request as send } from "node:http"
import type { AddressInfo } from "node:net"
import { buffer } from "node:stream/consumers"
import { askingRules } from "../../../src/approvals/requests.ts"
import type { NetworkArguments } from "../../../src/approvals/types.ts"
import { processContext } from "../../../src/context.ts"
import { createHolds } from "../../../src/gateway/hold/holds.ts"
import type { HeldItem } from "../../../src/gateway/hold/types.ts"
import { decide } from "../../../src/policy/decide.ts"
import { loadPolicyTexts } from "../../../src/policy/load.ts"
import type { NetworkAction } from "../../../src/policy/types.ts"
import { Conflict } from "../../../src/store/conflict.ts"
import { openStore } from "../../../src/store/open.ts"
import { createSealer } from "../../gateway/hold/sealer.ts"

interface Settings {
  name: string
  policy: string
  /** Port of the origin. */
  origin: number
  /** base64 of 32 bytes. */
  key: string
}

const { name, policy: text, origin, key }: Settings = JSON.parse(process.argv[2]!)
const ctx = processContext()
const store = await openStore(ctx, { gateway: name })
const policy = await loadPolicyTexts([{ file: "nanoguard.yaml", text }])
const holds = createHolds(store, createSealer(Buffer.from(key, "base64")), name, ctx.now, {
  limits: { agent: 200, all: 500 },
})
const who = { agent: "claude-1", run: "r1", operator: "olga", boxed: true }
await holds.sweep()

async function handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const left = new AbortController()
  response.on("close", () => left.abort())
  const body = await buffer(request)
  const action: NetworkAction = {
    kind: "network",
    method: "POST",
    scheme: "https",
    host: "api.example.com",
    port: 443,
    path: request.url!,
  }
  const plain = decide(policy, action, { now: ctx.now() })
  const asked: NetworkArguments = {
    ...{ method: "POST", scheme: "https", host: action.host, port: 443, path: action.path, query: "", headers: {} },
    body: { sha256: createHash("sha256").update(body).digest("hex"), size: body.length, type: "text/plain" },
    ...{ ...askingRules(plain), codes: [plain.code], reason: plain.reason, shown: {} },
  }
  let item: HeldItem | undefined
  for (;;) {
    const grants = await holds.grantsFor(who, policy, asked)
    const verdict = decide(policy, action, { now: ctx.now(), grants: grants.map(({ grant }) => grant) })
    if (verdict.effect === "allow") {
      const used = grants.filter(({ grant }) => verdict.excepted?.some(({ rule }) => rule === `approval ${grant.id}`))
      const approval = used[0]!.grant.id
      const bytes = await item?.body()
      const consumed = holds.consume(used, item)
      const event = {
        type: "network.released",
        subject: plain.subject,
        gateway: name,
        approval,
        outcome: "released" as const,
      }
      try {
        await store.write({ changes: consumed, events: [event] })
      } catch (error) {
        if (error instanceof Conflict) continue
        throw error
      }
      await forward(request.url!, bytes ?? body, approval)
      await holds.finish(consumed)
      response.writeHead(200).end(approval)
      return
    }
    const held = await holds.hold(who, policy, plain, asked, body)
    if (held.state !== "pending") {
      response.writeHead(held.state === "denied" ? 403 : 503).end()
      return
    }
    item = held
    process.stdout.write(`held ${held.id} ${request.url}\n`)
    const { state } = await held.settled(left.signal)
    if (state === "left") return
    if (state !== "granted") {
      response.writeHead(403).end()
      return
    }
  }
}

function forward(path: string, body: Buffer, approval: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const request = send({ port: origin, method: "POST", path, headers: { "x-approval": approval } }, (answer) => {
      answer.resume().on("end", resolve)
    })
    request.on("error", reject)
    request.end(body)
  })
}

const server = createServer((request, response) => {
  handle(request, response).catch((error: unknown) => {
    process.stderr.write(`${String(error)}\n`)
    response.destroy()
  })
})
server.listen(0, "127.0.0.1", () => process.stdout.write(`port ${(server.address() as AddressInfo).port}\n`))
