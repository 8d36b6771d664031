// A control socket over a real queue, and what asks it.
import { type IncomingHttpHeaders, type IncomingMessage, request as send } from "node:http"
import { join } from "node:path"
import { onTestFinished } from "vitest"
import { decisionMessage } from "../../../src/approvals/decision.ts"
import type { Signer, Terms } from "../../../src/approvals/types.ts"
import { createApprovalControls } from "../../../src/gateway/control/approvals.ts"
import { type Controls, listenControl } from "../../../src/gateway/control.ts"
import { newPlace } from "../../approvals/support.ts"
import { NOW, temporaryDirectory } from "../../context.ts"
import { createSealer } from "../hold/sealer.ts"
import { openHolds } from "../hold/support.ts"

export interface Answer {
  status: number
  headers: IncomingHttpHeaders
  bytes: Buffer
  /** The document in it. */
  json: () => Record<string, unknown>
}

export type Ask = (line: string, body?: unknown, headers?: Record<string, string>) => Promise<Answer>

/** Asks a control socket: `GET /v1/status`. A body that is no text is sent as JSON. */
export const askSocket =
  (socketPath: string): Ask =>
  (line, body, headers = {}) =>
    new Promise((resolve, reject) => {
      const [method, path] = line.split(" ") as [string, string]
      const sent = typeof body === "string" || body === undefined ? (body ?? "") : JSON.stringify(body)
      const length = sent === "" ? {} : { "content-length": Buffer.byteLength(sent) }
      const request = send(
        { socketPath, method, path, agent: false, headers: { ...length, ...headers } },
        (response) => {
          const chunks: Buffer[] = []
          response.on("data", (chunk: Buffer) => chunks.push(chunk))
          response.on("error", reject)
          response.on("end", () => {
            const bytes = Buffer.concat(chunks)
            const { statusCode: status = 0, headers: got } = response
            resolve({ status, headers: got, bytes, json: () => JSON.parse(bytes.toString()) })
          })
        },
      )
      request.on("error", reject)
      request.end(sent)
    })

/** A queue with people, a gate that holds requests in it, and its control socket. */
export async function openControl(t: Parameters<typeof newPlace>[1]) {
  const place = await newPlace(async () => ({}), t)
  const vault = createSealer()
  const gate = openHolds(place.store, { vault })
  const approvals = createApprovalControls(place.store, vault, "gw", () => NOW)
  const path = join(temporaryDirectory(), "gateway", "control.sock")
  const controls = { approvals } as Partial<Controls> as Controls
  const server = await listenControl(path, controls)
  onTestFinished(() => {
    server.closeAllConnections()
    server.close()
  })
  return { ...place, gate, approvals, controls, path, ask: askSocket(path) }
}

/** A body that decides, signed by its owner. */
export async function signed(
  digest: string,
  person: Signer,
  { answer = "approve", terms = { scope: "run", expires: NOW + 3_600_000 }, time = NOW }: Signing = {},
) {
  return {
    answer,
    terms,
    by: person.name,
    time,
    signature: await person.sign(decisionMessage(digest, { answer, terms, time })),
  }
}

interface Signing {
  answer?: "approve" | "deny"
  terms?: Terms
  time?: number
}

/** Opens the feed; `next` resolves with one event after the other. */
export async function openFeed(socketPath: string, headers: Record<string, string> = {}) {
  const response = await new Promise<IncomingMessage>((resolve, reject) => {
    const request = send({ socketPath, path: "/v1/approvals/events", agent: false, headers }, resolve)
    request.on("error", reject)
    request.end()
    onTestFinished(() => void request.destroy())
  })
  response.on("error", () => {})
  const blocks = read(response)
  return {
    response,
    next: async () => {
      const { value } = await blocks.next()
      if (value === undefined) throw new Error("the feed ended")
      return value
    },
  }
}

async function* read(response: IncomingMessage) {
  let text = ""
  for await (const chunk of response) {
    text += String(chunk)
    for (let end = text.indexOf("\n\n"); end >= 0; end = text.indexOf("\n\n")) {
      const lines = text.slice(0, end).split("\n")
      text = text.slice(end + 2)
      const of = (name: string) => lines.find((line) => line.startsWith(`${name}: `))?.slice(name.length + 2) ?? ""
      if (of("event") !== "")
        yield { id: of("id"), event: of("event"), data: JSON.parse(of("data")) as Record<string, string> }
    }
  }
}
