// A real MCP client and server, of the protocol's own SDK: what the server offers may be listed, and a person agrees to a call.
import { randomUUID } from "node:crypto"
import { createRequire } from "node:module"
import { join } from "node:path"
import { afterAll, beforeAll, expect, it } from "vitest"
import { tool } from "../../tools.ts"
import { type Lab, openLab } from "./lab.ts"

const HOST = "mcp.example.com"
const KEY = "k3y-Of-The-Mcp-Server-77120"

let lab: Lab
beforeAll(async () => {
  lab = await openLab({
    policy: (port) => `network:
  - { id: talk, allow: ${HOST}, service: mcp, ports: [${port}], addresses: [127.0.0.1], methods: [GET, POST, DELETE], credential: mcp }
  - { id: calls, ask: ${HOST}, service: mcp, ports: [${port}], addresses: [127.0.0.1], where: { mcp.method: { equals: tools/call } }, credential: mcp }
  - { id: no-wipe, deny: ${HOST}, service: mcp, ports: [${port}], where: { mcp.tool: { equals: wipe } } }
approvers: { default: { people: [ana] } }
`,
    credentials: [{ name: "mcp", value: KEY, reach: { hosts: [HOST] }, env: ["MCP_KEY"] }],
  })
})
afterAll(() => lab?.close())

const CLIENT = (sdk: string) => `
import { Client } from ${JSON.stringify(join(sdk, "client/index.js"))}
import { StreamableHTTPClientTransport } from ${JSON.stringify(join(sdk, "client/streamableHttp.js"))}
const headers = { authorization: "Bearer " + process.env.MCP_KEY }
const transport = new StreamableHTTPClientTransport(new URL(process.env.BASE + "/mcp"), { requestInit: { headers } })
const client = new Client({ name: "agent", version: "1.0.0" })
await client.connect(transport)
console.log("tools:", (await client.listTools()).tools.map(({ name }) => name).join(" "))
for (const [name, args] of [["wipe", {}], ["pay", { amount: 5 }]]) {
  try {
    console.log(name, JSON.stringify((await client.callTool({ name, arguments: args })).content))
  } catch (error) {
    console.log(name, "failed:", error.message)
  }
}
await client.close()
`

it("the SDK's client lists tools, has a call held and then done, and another refused", async (ctx) => {
  const { directory } = tool(ctx, "mcp")
  const sdk = join(directory, "node_modules/@modelcontextprotocol/sdk/dist/esm")
  const load = createRequire(join(directory, "package.json"))
  const { McpServer } = load("@modelcontextprotocol/sdk/server/mcp.js")
  const { StreamableHTTPServerTransport } = load("@modelcontextprotocol/sdk/server/streamableHttp.js")
  const z = load("zod")
  const paid: unknown[] = []
  const server = new McpServer({ name: "shop", version: "1.0.0" })
  server.registerTool("pay", { inputSchema: { amount: z.number() } }, async ({ amount }: { amount: number }) => {
    paid.push(amount)
    return { content: [{ type: "text", text: `paid ${amount}` }] }
  })
  server.registerTool("wipe", { inputSchema: {} }, async () => ({ content: [{ type: "text", text: "wiped" }] }))
  const transport = new StreamableHTTPServerTransport({ sessionIdGenerator: () => randomUUID() })
  await server.connect(transport)
  ctx.onTestFinished(() => server.close())
  const keys = new Set<string | undefined>()
  lab.origin.raw(HOST, (request, response) => {
    keys.add(request.headers.authorization)
    void transport.handleRequest(request, response)
  })

  const cwd = lab.directory("mcp", { "client.mjs": CLIENT(sdk) })
  const running = lab.exec(`'${process.execPath}' client.mjs`, { cwd, env: { BASE: lab.at(HOST) } })
  const question = await Promise.race([lab.held(), running])
  if (!("asked" in question)) throw new Error(`nothing was held:\n${question.terminal}`)
  expect(question.asked).toMatchObject({ method: "POST", path: "/mcp", operation: "mcp:tools/call" })
  expect(JSON.stringify(question.asked.shown)).toContain("pay")
  expect(paid).toEqual([])
  await lab.approve(question.id)
  const { exit, terminal } = await running
  expect(exit, terminal).toBe(0)
  expect(terminal).toContain("tools: pay wipe")
  expect(terminal).toContain('pay [{"type":"text","text":"paid 5"}]')
  expect(terminal).toMatch(/wipe failed: .*network\.host-denied\. \[ng-/)
  expect(terminal).toContain("nanoguard: refused POST")
  expect(paid).toEqual([5])
  expect([...keys]).toEqual([`Bearer ${KEY}`])
  expect(terminal).not.toContain(KEY)
  expect(lab.troubles()).toBe("")
})
