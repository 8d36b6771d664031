// A registry on loopback that answers as a test says, and a context that asks it.

import { mkdtempSync, rmSync } from "node:fs"
import { createServer, type IncomingMessage, type RequestListener, type Server } from "node:http"
import type { AddressInfo } from "node:net"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { onTestFinished } from "vitest"
import { type Context, processContext } from "../../../src/context.ts"

export interface TestServer {
  base: string
  requests: IncomingMessage[]
  server: Server
}

/** Starts a server that ends with the test. */
export async function startServer(listener: RequestListener): Promise<TestServer> {
  const requests: IncomingMessage[] = []
  const server = createServer((request, response) => {
    requests.push(request)
    response.on("error", () => {})
    listener(request, response)
  })
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve))
  onTestFinished(() => {
    server.closeAllConnections()
    server.close()
  })
  return { base: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, requests, server }
}

/** A listener that answers paths with JSON values, texts and buffers, and everything else with 404. */
export function routes(answers: Record<string, unknown>): RequestListener {
  return (request, response) => {
    const answer = Object.hasOwn(answers, request.url!) ? answers[request.url!] : undefined
    if (answer === undefined) response.writeHead(404).end()
    else response.end(typeof answer === "string" || Buffer.isBuffer(answer) ? answer : JSON.stringify(answer))
  }
}

/** An empty directory that goes with the test. */
export function emptyDirectory(): string {
  const directory = mkdtempSync(join(tmpdir(), "nanoguard-registries-"))
  onTestFinished(() => rmSync(directory, { recursive: true, force: true }))
  return directory
}

/** A person's context: an empty home, an empty repository, nothing on PATH. */
export function contextWith(env: Record<string, string> = {}, now = Date.UTC(2026, 0, 1)): Context & { home: string } {
  const root = emptyDirectory()
  const home = join(root, "home")
  return { ...processContext(), cwd: join(root, "repository"), home, now: () => now, env: { HOME: home, ...env } }
}
