// Clients whose requests wait for a person while the gate is killed again and again: they come again, to the gate that is there then.
import { type ChildProcess, spawn } from "node:child_process"
import { createServer, request as send } from "node:http"
import type { AddressInfo } from "node:net"
import { createInterface } from "node:readline"
import { buffer } from "node:stream/consumers"
import { setTimeout as sleep } from "node:timers/promises"
import { onTestFinished } from "vitest"
import { answerApproval } from "../../../src/approvals/answer.ts"
import { listApprovals } from "../../../src/approvals/list.ts"
import type { NetworkArguments, Signer } from "../../../src/approvals/types.ts"
import { NanoguardError } from "../../../src/errors.ts"
import type { Store } from "../../../src/store/types.ts"
import type { Random } from "./random.ts"

/** What reached the origin, by which approval. */
export interface Receipt {
  path: string
  body: string
  approval: string
}

/** An origin on loopback that keeps what it gets. */
export async function startOrigin(): Promise<{ port: number; receipts: Receipt[] }> {
  const receipts: Receipt[] = []
  const server = createServer(async (request, response) => {
    const body = await buffer(request).catch(() => undefined)
    if (body === undefined) return
    receipts.push({ path: request.url!, body: body.toString(), approval: String(request.headers["x-approval"]) })
    response.end()
  })
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve))
  onTestFinished(() => {
    server.closeAllConnections()
    server.close()
  })
  return { port: (server.address() as AddressInfo).port, receipts }
}

export interface HoldGate {
  child: ChildProcess
  /** Undefined until it listens. */
  port: () => number | undefined
  /** Ids of requests that it told to be held. */
  held: Set<string>
  err: () => string
  ended: Promise<void>
}

export function startHoldGate(
  program: string,
  env: Readonly<Record<string, string | undefined>>,
  settings: object,
): HoldGate {
  const child = spawn(process.execPath, [program, JSON.stringify(settings)], { env: env as NodeJS.ProcessEnv })
  onTestFinished(() => void child.kill("SIGKILL"))
  const held = new Set<string>()
  let port: number | undefined
  let err = ""
  child.stderr.on("data", (chunk) => {
    err += String(chunk)
  })
  createInterface({ input: child.stdout }).on("line", (line) => {
    const [word, value = ""] = line.split(" ")
    if (word === "port") port = Number(value)
    // A line that its death cut short names nothing.
    else if (word === "held" && line.split(" ").length === 3) held.add(value)
  })
  const ended = new Promise<void>((resolve) => child.once("exit", () => resolve()))
  return { child, port: () => port, held, err: () => err, ended }
}

/** Sends until it is answered by 200 or 403: 503 and a gate that died are reasons to come again. */
export async function sendUntilAnswered(
  gates: readonly { current: HoldGate }[],
  path: string,
  body: string,
  random: Random,
): Promise<number> {
  for (;;) {
    const port = random.pick(gates).current.port()
    const status = port === undefined ? 0 : await post(port, path, body)
    if (status === 200 || status === 403) return status
    await sleep(20 + random.below(60))
  }
}

function post(port: number, path: string, body: string): Promise<number> {
  return new Promise((resolve) => {
    const request = send({ port, method: "POST", path, agent: false }, (response) => {
      response.resume().on("close", () => resolve(response.complete ? (response.statusCode ?? 0) : 0))
    })
    request.on("error", () => resolve(0))
    request.end(body)
  })
}

/** What a person thinks of a request, by its path: every third is refused. */
export const isWelcome = (path: string) => Number(path.split("/").at(-1)) % 3 !== 0

/** A person who answers what waits, some of it late, until `signal`. Resolves with the ids that they said yes to. */
export async function decideAll(
  store: Store,
  person: Signer,
  random: Random,
  signal: AbortSignal,
): Promise<Set<string>> {
  const agreed = new Set<string>()
  while (!signal.aborted) {
    for (const { id, binding } of await listApprovals(store.db, Date.now())) {
      if (random.chance(0.6)) continue
      const { path } = binding.arguments as unknown as NetworkArguments
      const yes = isWelcome(path)
      const terms = yes ? { scope: "run" as const, expires: Date.now() + 600_000 } : { note: "no" }
      await answerApproval(store, id, { answer: yes ? "approve" : "deny", terms }, person, Date.now(), "person").then(
        () => yes && agreed.add(id),
        (error: unknown) => {
          if (!(error instanceof NanoguardError)) throw error
        },
      )
    }
    await sleep(30)
  }
  return agreed
}
