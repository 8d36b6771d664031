// gRPC over HTTP/2, as its own library for Node speaks it: a call, a stream, and one that waits for a person at its opening.

import { createSecureServer, type ServerHttp2Stream } from "node:http2"
import { createRequire } from "node:module"
import type { AddressInfo } from "node:net"
import { join } from "node:path"
import { afterAll, beforeAll, expect, it } from "vitest"
import { tool } from "../../tools.ts"
import { type Lab, openLab } from "./lab.ts"

const HOST = "grpc.example.com"
const KEY = "k3y-Of-The-Grpc-Server-55281"

const server = createSecureServer({
  SNICallback: (host, answer) => answer(null, lab.origin.ca.contextFor(host)),
})
const asked: { path: string; authorization: string | undefined }[] = []
let port = 0
let lab: Lab
beforeAll(async () => {
  server.on("stream", (stream, headers) => {
    asked.push({ path: String(headers[":path"]), authorization: headers.authorization })
    const chunks: Buffer[] = []
    stream.on("data", (chunk: Buffer) => chunks.push(chunk))
    stream.on("end", () => answer(stream, Buffer.concat(chunks)))
  })
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve))
  port = (server.address() as AddressInfo).port
  lab = await openLab({
    policy: () => `network:
  - { id: rpc, allow: ${HOST}, http2: true, ports: [${port}], methods: [POST], paths: ["/shop.Items/*"], addresses: [127.0.0.1], credential: rpc }
  - { id: pay, ask: ${HOST}, http2: true, ports: [${port}], methods: [POST], paths: ["/shop.Pay/*"], addresses: [127.0.0.1], credential: rpc }
approvers: { default: { people: [ana] } }
`,
    credentials: [{ name: "rpc", value: KEY, reach: { hosts: [HOST] }, env: ["RPC_KEY"] }],
  })
})
afterAll(async () => {
  server.close()
  await lab?.close()
})

/** A message, one more, and the status in trailers (gRPC over HTTP/2, "Responses"). */
function answer(stream: ServerHttp2Stream, message: Buffer): void {
  stream.respond({ ":status": 200, "content-type": "application/grpc+proto" }, { waitForTrailers: true })
  stream.on("wantTrailers", () => stream.sendTrailers({ "grpc-status": "0" }))
  stream.write(message)
  stream.end(message)
}

const CLIENT = (from: string) => `
import { createRequire } from "node:module"
const grpc = createRequire(${JSON.stringify(from)})("@grpc/grpc-js")
const bytes = (value) => Buffer.from(value)
const method = (path) => ({ path, requestStream: false, responseStream: true, requestSerialize: bytes, requestDeserialize: String, responseSerialize: bytes, responseDeserialize: String })
const unary = (path) => ({ ...method(path), responseStream: false })
const both = (path) => ({ ...method(path), requestStream: true })
const Client = grpc.makeGenericClientConstructor({ list: method("/shop.Items/List"), wipe: method("/shop.Admin/Wipe"), wipeOne: unary("/shop.Admin/WipeOne"), wipeAll: both("/shop.Admin/WipeAll"), pay: method("/shop.Pay/Pay"), back: unary("/shop.Pay/Back") }, "shop")
const client = new Client(process.env.TARGET, grpc.credentials.createSsl())
const metadata = new grpc.Metadata()
metadata.set("authorization", "Bearer " + process.env.RPC_KEY)
for (const name of ["list", "wipe", "pay"]) await new Promise((resolve) => {
  const call = client[name]("hello " + name, metadata)
  call.on("data", (text) => console.log(name, "said", text))
  call.on("error", (error) => (console.log(name, "failed:", error.code, error.details), resolve()))
  call.on("end", resolve)
})
const told = (name, error) => console.log(name, "failed:", error.code, error.details, JSON.parse(String(error.metadata.get("nanoguard-verdict-bin")[0])).verdict.code)
for (const name of ["wipeOne", "back"]) await new Promise((resolve) => client[name]("one", metadata, (error) => (told(name, error), resolve())))
await new Promise((resolve) => {
  const call = client.wipeAll(metadata)
  call.on("data", () => {}).on("error", (error) => (told("wipeAll", error), resolve()))
  for (let at = 0; at < 100; at++) call.write("x".repeat(10_000))
})
client.close()
`

it("@grpc/grpc-js calls, is refused, and is held at its opening", async (ctx) => {
  const { directory } = tool(ctx, "grpc")
  const from = join(directory, "package.json")
  createRequire(from).resolve("@grpc/grpc-js")
  const cwd = lab.directory("grpc", { "client.mjs": CLIENT(from) })
  const env = { TARGET: `${HOST}:${port}` }
  const running = lab.exec(`'${process.execPath}' client.mjs`, { cwd, env })
  const question = await Promise.race([lab.held(), running])
  if (!("asked" in question)) throw new Error(`nothing was held:\n${question.terminal}`)
  expect(question.asked).toMatchObject({ method: "POST", path: "/shop.Pay/Pay" })
  await lab.approve(question.id)
  const other = await Promise.race([lab.held(), running])
  if (!("asked" in other)) throw new Error(`nothing more was held:\n${other.terminal}`)
  expect(other.asked).toMatchObject({ path: "/shop.Pay/Back", opening: "grpc" })
  await lab.deny(other.id, "not without \u00fcber 100%")
  const { terminal } = await running
  expect(terminal).toMatch(/list said hello list\nlist said hello list/)
  expect(terminal).toContain("pay said hello pay")
  expect(terminal).toMatch(
    /wipe failed: 7 POST \S+\/shop\.Admin\/Wipe refused by policy: network\.host-denied\. \[ng-\d+\]/,
  )
  for (const [name, path] of [
    ["wipeOne", "WipeOne"],
    ["wipeAll", "WipeAll"],
  ])
    expect(terminal).toMatch(
      new RegExp(`${name} failed: 7 POST \\S+/shop\\.Admin/${path} refused by policy: .* network.host-denied\n`),
    )
  expect(terminal).toMatch(/back failed: 7 POST .* A person denied \S+: not without \S+ 100%\. .*\n/)
  expect(terminal).toMatch(/nanoguard: refused POST \S+\/shop\.Admin\/Wipe: network\.host-denied/)
  expect(asked.map(({ path }) => path)).toEqual(["/shop.Items/List", "/shop.Pay/Pay"])
  expect(asked.map(({ authorization }) => authorization)).toEqual([`Bearer ${KEY}`, `Bearer ${KEY}`])
  expect(terminal).not.toContain(KEY)
})
