// One request of the control API, from its bytes to its answer.
import type { IncomingMessage, ServerOptions, ServerResponse } from "node:http"
import { EXIT, type ExitCode, NanoguardError } from "../../errors.ts"
import { parseForeignJson } from "../../foreign-json.ts"
import { isRecord } from "../../packages/registries/values.ts"
import type { Controls } from "../control.ts"
import { GateGone } from "../gone.ts"
import { streamFeed } from "./feed.ts"
import { findRoute, type Result } from "./routes.ts"

/** Milliseconds that a caller gets for its head, and for all of its request. */
export const LIMITS: ServerOptions = {
  headersTimeout: 10_000,
  requestTimeout: 60_000,
  connectionsCheckingInterval: 5_000,
}

const STATUS: Partial<Record<ExitCode, number>> = { [EXIT.usage]: 400, [EXIT.environment]: 503 }

/** A body that nobody reads to its end. */
class TooLarge extends Error {}

/** Answers one request; `remote` where it came over TCP. Never throws. */
export async function handleControl(
  controls: Controls,
  request: IncomingMessage,
  response: ServerResponse,
  remote = false,
): Promise<void> {
  const send = (status: number, value: unknown) => {
    if (response.headersSent) return void response.destroy()
    response.writeHead(status, { "content-type": "application/json", "cache-control": "no-store" })
    response.end(JSON.stringify(value))
  }
  try {
    const [path = "", ...rest] = (request.url ?? "").split("?")
    const found = findRoute(request.method ?? "", path, remote)
    if (found === undefined) return send(404, { error: "there is nothing by that name" })
    const body = readBody(await readText(request, found.route.limit))
    const query = new URLSearchParams(rest.join("?"))
    const result = (await found.route.answer(controls, { name: found.name, query, body })) as Result | undefined
    if (result === undefined) send(404, { error: "there is nothing by that name" })
    else if ("json" in result) send(200, result.json)
    else if ("bytes" in result) sendBytes(response, result.bytes)
    else if ("stream" in result) result.stream(response)
    else await streamFeed(result.feed, request, response)
  } catch (error) {
    // Another gate may be here in a moment, or be started by who asks.
    if (error instanceof GateGone) response.setHeader("retry-after", "1")
    if (error instanceof NanoguardError)
      send(STATUS[error.exit] ?? 409, { error: error.message, hint: error.hint, exit: error.exit })
    else if (error instanceof TooLarge) {
      response.setHeader("connection", "close")
      send(413, { error: "the request is too large" })
    } else if (error instanceof SyntaxError) send(400, { error: "the request is no JSON object" })
    else send(500, { error: "the gateway failed to answer" })
  }
}

/** What an agent sent, for a program to look at: no client takes it for a page. */
function sendBytes(response: ServerResponse, bytes: Buffer): void {
  response.writeHead(200, {
    ...{ "content-type": "application/octet-stream", "content-length": bytes.length, "cache-control": "no-store" },
    ...{ "x-content-type-options": "nosniff", "content-disposition": "attachment" },
  })
  response.end(bytes)
}

function readBody(text: string): Readonly<Record<string, unknown>> {
  const body: unknown = text === "" ? {} : parseForeignJson(text)
  if (isRecord(body)) return body
  throw new SyntaxError("no object")
}

async function readText(request: IncomingMessage, limit: number): Promise<string> {
  const chunks: Buffer[] = []
  let size = 0
  for await (const chunk of request) {
    size += (chunk as Buffer).length
    if (size > limit) throw new TooLarge()
    chunks.push(chunk as Buffer)
  }
  return Buffer.concat(chunks).toString("utf8")
}
