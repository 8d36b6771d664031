// What does not come at once: WebSockets, server-sent events, and bodies larger than any buffer.
import { createHash, randomBytes } from "node:crypto"
import { readFileSync } from "node:fs"
import { createRequire } from "node:module"
import { join } from "node:path"
import { Readable } from "node:stream"
import { fileURLToPath } from "node:url"
import { afterAll, beforeAll, expect, it, type TestContext } from "vitest"
import { WebSocketServer } from "ws"
import { tool } from "../../tools.ts"
import { findPythonTool } from "../python-tools.ts"
import { type Lab, openLab } from "./lab.ts"

const HOST = "stream.example.com"
const KEY = "k3y-Of-The-Streams-31847"
const MIB = 1024 * 1024
const SIZE = 256 * 1024 * 1024

let lab: Lab
const keys = new Set<string | undefined>()
const events = new Map<string, () => void>()
beforeAll(async () => {
  lab = await openLab({
    policy: (port) => `network:
  - { id: all, allow: ${HOST}, ports: [${port}], paths: ["/open/**"], addresses: [127.0.0.1], credential: streams }
  - { id: asks, ask: ${HOST}, ports: [${port}], paths: ["/asked/**"], addresses: [127.0.0.1], credential: streams }
approvers: { default: { people: [ana] } }
`,
    credentials: [{ name: "streams", value: KEY, reach: { hosts: [HOST] }, env: ["STREAM_KEY"] }],
  })
  const sockets = new WebSocketServer({ noServer: true })
  lab.origin.upgrade((request, socket, head) => {
    keys.add(request.headers.authorization)
    sockets.handleUpgrade(request, socket, head, (one) => {
      one.on("message", (data) => one.send(`echo ${data}`))
    })
  })
  lab.origin.raw(HOST, (request, response) => {
    keys.add(request.headers.authorization)
    if (request.url === "/open/events") {
      response.writeHead(200, { "content-type": "text/event-stream" })
      response.write("data: first\n\n")
      events.set("second", () => response.end("data: second\n\n"))
      return
    }
    if (request.url === "/open/read-first") {
      request.resume()
      events.get("second")?.()
      response.end()
      return
    }
    const hash = createHash("sha256")
    if (request.method === "PUT") {
      request.on("data", (chunk: Buffer) => hash.update(chunk))
      request.on("end", () => response.end(hash.digest("hex")))
      return
    }
    const block = randomBytes(MIB)
    const blocks = Readable.from(
      (function* () {
        for (let at = 0; at < SIZE; at += MIB) {
          hash.update(block)
          yield block
        }
      })(),
    )
    response.writeHead(200, { "content-length": SIZE, "x-begun": "yes" })
    blocks.pipe(response)
    blocks.on("end", () => sent.push(hash.digest("hex")))
  })
})
afterAll(() => lab?.close())

/** Hashes of what was downloaded. */
const sent: string[] = []

/** Most memory that the gate had so far, in bytes (Linux). */
function peakOf(pid: number): number {
  return Number(/^VmHWM:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))![1]) * 1024
}

it("a large upload and a large download come whole, and the gate keeps little of them", async (ctx) => {
  if (process.platform !== "linux") ctx.skip("/proc is missing: it says how much memory a process had, on Linux")
  const curl = 'curl -sS -f -H "authorization: Bearer $STREAM_KEY"'
  // What the first request of all loads (libraries, the authorities that are trusted) is none of what passes.
  await lab.exec(`${curl} ${lab.at(HOST)}/open/read-first`, { cwd: lab.directory("warm") })
  const before = peakOf(lab.pid)
  const { exit, terminal } = await lab.exec(
    `head -c ${SIZE} /dev/urandom > big && sha256sum < big && ${curl} -T big ${lab.at(HOST)}/open/up && echo && ${curl} ${lab.at(HOST)}/open/down | sha256sum; rm big`,
    { cwd: lab.directory("large") },
  )
  expect(exit, terminal).toBe(0)
  const [local, remote, down] = terminal.match(/\b[0-9a-f]{64}\b/g) ?? []
  expect(local).toBeDefined()
  expect(remote).toBe(local)
  expect(down).toBe(sent[0])
  // What passes is not kept: only what Node has not collected yet.
  expect(peakOf(lab.pid) - before).toBeLessThan(100 * MIB)
  expect([...keys]).toEqual([`Bearer ${KEY}`])
})

it("the first event passes before the second is written", async () => {
  // The second is written only once the client said that it has the first.
  const script = `
const headers = { authorization: "Bearer " + process.env.STREAM_KEY }
const answer = await fetch(process.env.BASE + "/open/events", { headers })
let text = ""
for await (const chunk of answer.body.pipeThrough(new TextDecoderStream())) {
  text += chunk
  if (text === "data: first\\n\\n") await fetch(process.env.BASE + "/open/read-first", { method: "POST", headers })
}
console.log(JSON.stringify(text))`
  const cwd = lab.directory("events", { "events.mjs": script })
  const { terminal } = await lab.exec(`'${process.execPath}' events.mjs`, { cwd, env: { BASE: lab.at(HOST) } })
  expect(terminal).toContain(JSON.stringify("data: first\n\ndata: second\n\n"))
})

const WS = (ws: string, agent: string) => `
import WebSocket from ${JSON.stringify(ws)}
import agents from ${JSON.stringify(agent)}
const agent = new agents.HttpsProxyAgent(process.env.https_proxy)
for (const path of ["/open/ws", "/other/ws", "/asked/ws"]) await new Promise((resolve) => {
  const socket = new WebSocket(process.env.BASE + path, { agent, headers: { authorization: "Bearer " + process.env.STREAM_KEY } })
  socket.on("open", () => socket.send("hello on " + path))
  socket.on("message", (data) => (console.log(String(data)), socket.close()))
  socket.on("error", (error) => console.log(path, "failed:", error.message))
  socket.on("close", resolve)
})`

const WEBSOCKETS = `
import asyncio, os
from websockets.asyncio.client import connect
async def main():
    for path in ["/open/ws", "/other/ws", "/asked/ws"]:
        try:
            headers = {"authorization": "Bearer " + os.environ["STREAM_KEY"]}
            async with connect(os.environ["BASE"] + path, additional_headers=headers, open_timeout=60) as socket:
                await socket.send("hello on " + path)
                print(await socket.recv(), flush=True)
        except Exception as error:
            print(path, "failed:", error, flush=True)
asyncio.run(main())
`

interface Client {
  label: string
  /** The file, and the line that runs it. */
  find: (ctx: TestContext) => Promise<{ file: string; text: string; line: string }>
}

const CLIENTS: Client[] = [
  {
    label: "ws",
    find: async (ctx) => {
      const agent = createRequire(join(tool(ctx, "https-proxy-agent").directory, "x.js")).resolve("https-proxy-agent")
      const ws = fileURLToPath(import.meta.resolve("ws"))
      return { file: "say.mjs", text: WS(ws, agent), line: `'${process.execPath}' say.mjs` }
    },
  },
  {
    label: "websockets",
    find: async (ctx) => {
      const found = await findPythonTool("requests")
      if ("missing" in found) ctx.skip(found.missing)
      const python = join((found as { bin: string }).bin, "python")
      return { file: "say.py", text: WEBSOCKETS, line: `'${python}' say.py` }
    },
  },
]

it.for(CLIENTS)("$label opens, is refused, and is held at its opening", async ({ label, find }, ctx) => {
  const { file, text, line } = await find(ctx)
  keys.clear()
  const env = { BASE: lab.at(HOST).replace("https:", "wss:") }
  const running = lab.exec(line, { cwd: lab.directory(label, { [file]: text }), agent: label, env })
  const question = await Promise.race([lab.held(label), running])
  if (!("asked" in question)) throw new Error(`nothing was held:\n${question.terminal}`)
  expect(question.asked).toMatchObject({ scheme: "wss", path: "/asked/ws", opening: "websocket" })
  await lab.approve(question.id)
  const { terminal } = await running
  expect(terminal).toContain("echo hello on /open/ws")
  expect(terminal).toContain("echo hello on /asked/ws")
  expect(terminal).toMatch(/\/other\/ws failed: .*403/)
  expect(terminal).toMatch(/nanoguard: refused GET wss:\/\/\S+\/other\/ws: network\.host-denied/)
  expect([...keys]).toEqual([`Bearer ${KEY}`])
  expect(terminal).not.toContain(KEY)
})
