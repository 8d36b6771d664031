// Codex itself, with a scripted model behind the gate: a placeholder for a key, and a shell whose requests are held and refused.
import { randomUUID } from "node:crypto"
import type { ServerResponse } from "node:http"
import { afterAll, beforeAll, expect, it } from "vitest"
import { hasTool, tool } from "../../tools.ts"
import { SAMPLE } from "../faults/random.ts"
import { type Lab, openLab } from "./lab.ts"

const MODEL = "api.openai.com"
const SHOP = "api.example.com"
const KEY = `sk-proj-${"Real7".repeat(12)}T3BlbkFJ${"Real7".repeat(12)}`

let lab: Lab
beforeAll(async () => {
  lab = await openLab({
    policy: (port) => `network:
  - { id: model, allow: ${MODEL}, ports: [${port}], addresses: [127.0.0.1], credential: openai }
  - { id: orders, ask: ${SHOP}, methods: [POST], ports: [${port}], addresses: [127.0.0.1], reason: orders cost money }
approvers: { default: { people: [ana] } }
`,
    credentials: [{ name: "openai", value: KEY, shape: "openai", reach: { hosts: [MODEL] } }],
    names: [MODEL],
  })
})
afterAll(() => lab?.close())

interface Item {
  type: string
  output?: unknown
}

/** An answer of the Responses API as it streams: a text, or one call of a tool. */
function answer(response: ServerResponse, item: object): void {
  const id = `resp_${randomUUID()}`
  const usage = { input_tokens: 10, output_tokens: 5, total_tokens: 15 }
  const events = [
    { type: "response.created", response: { id } },
    { type: "response.output_item.done", output_index: 0, item },
    { type: "response.completed", response: { id, status: "completed", output: [item], usage } },
  ]
  response.writeHead(200, { "content-type": "text/event-stream" })
  for (const event of events) response.write(`event: ${event.type}\ndata: ${JSON.stringify(event)}\n\n`)
  response.end()
}

it("Codex works with a placeholder; its shell's request is held and answered, another one refused", async (ctx) => {
  if (SAMPLE && !hasTool("codex")) ctx.skip("Codex is missing: a whole run (npm run test:full) installs its 400 MB")
  const codex = tool(ctx, "codex").program("codex")
  const commands = [
    `curl -sS -d amount=5 ${lab.at(SHOP)}/orders; echo "the key is $OPENAI_API_KEY"`,
    `curl -sS -X DELETE ${lab.at(SHOP)}/orders/1`,
  ]
  const results: string[] = []
  lab.origin.host(SHOP, ({ method }, response, body) => response.end(`${method} ${body}: order 17 is placed`))
  lab.origin.host(MODEL, ({ url, method }, response, body) => {
    if (method !== "POST" || !url?.endsWith("/responses")) return void response.writeHead(404).end("{}")
    const { input, tools } = JSON.parse(body.toString()) as { input: Item[]; tools: { name?: string }[] }
    const told = input.filter(({ type }) => type === "function_call_output").map(({ output }) => JSON.stringify(output))
    if (told.length > results.length) results.splice(0, results.length, ...told)
    const command = commands[told.length]
    const name = tools.find((one) => /^(?:exec_command|shell|shell_command)$/.test(one.name ?? ""))?.name ?? "none"
    const args = {
      exec_command: { cmd: command, yield_time_ms: 30_000 },
      shell_command: { command, timeout_ms: 60_000 },
      shell: { command: ["sh", "-c", command], timeout_ms: 60_000 },
      none: {},
    }[name]
    const call = { type: "function_call", call_id: `call_${randomUUID()}`, name, arguments: JSON.stringify(args) }
    const text = { type: "output_text", text: "All is done, said the model." }
    answer(response, command === undefined ? { type: "message", role: "assistant", content: [text] } : call)
  })
  const home = lab.directory("codex-home", {
    "config.toml": `model = "gpt-5"
model_provider = "ours"
[model_providers.ours]
name = "ours"
base_url = "${lab.at(MODEL)}/v1"
env_key = "OPENAI_API_KEY"
wire_api = "responses"
[shell_environment_policy]
inherit = "all"
ignore_default_excludes = true
`,
  })
  const flags = "--skip-git-repo-check --dangerously-bypass-approvals-and-sandbox"
  const running = lab.exec(`'${codex}' exec ${flags} 'place the order' < /dev/null`, {
    ...{ cwd: lab.directory("codex"), env: { CODEX_HOME: home } },
  })
  const question = await Promise.race([lab.held(), running])
  if (!("asked" in question))
    throw new Error(`nothing was held:\n${question.terminal}\n${results}\n${lab.origin.asked.map(({ url }) => url)}`)
  expect(question.asked).toMatchObject({ method: "POST", host: SHOP, path: "/orders" })
  await lab.approve(question.id)
  const { exit, terminal } = await running
  expect(exit, terminal).toBe(0)
  expect(terminal).toContain("All is done, said the model.")
  const [placed, deleted] = results
  expect(placed).toContain("POST amount=5: order 17 is placed")
  expect(placed).toMatch(/the key is sk-proj-\w+/)
  expect(deleted).toContain("refused by policy: network.host-denied. [ng-")
  expect(terminal).toContain(`nanoguard: refused DELETE ${lab.at(SHOP)}/orders/1: network.host-denied`)
  const toModel = lab.origin.asked.filter(({ host, method }) => host === MODEL && method === "POST")
  expect(new Set(toModel.map(({ headers }) => headers.authorization))).toEqual(new Set([`Bearer ${KEY}`]))
  for (const { body } of lab.origin.asked) expect(body.includes(KEY)).toBe(false)
  expect(terminal + results.join("")).not.toContain(KEY)
})
