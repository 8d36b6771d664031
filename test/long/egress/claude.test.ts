// Claude Code itself, with a scripted model behind the gate: it works with a placeholder for a key, and what its shell sends is decided,
// held and answered like anything else.
import { randomUUID } from "node:crypto"
import { globSync } from "node:fs"
import type { ServerResponse } from "node:http"
import { join } from "node:path"
import { afterAll, beforeAll, expect, it } from "vitest"
import { tool } from "../../tools.ts"
import { type Lab, openLab } from "./lab.ts"

const MODEL = "api.anthropic.com"
const SHOP = "api.example.com"
const KEY = `sk-ant-api03-${"Real7".repeat(18)}-AA`

let lab: Lab
beforeAll(async () => {
  lab = await openLab({
    policy: (port) => `network:
  - { id: model, allow: ${MODEL}, ports: [${port}], addresses: [127.0.0.1], credential: anthropic }
  - { id: orders, ask: ${SHOP}, methods: [POST], ports: [${port}], addresses: [127.0.0.1], reason: orders cost money }
approvers: { default: { people: [ana] } }
`,
    credentials: [
      {
        ...{ name: "anthropic", value: KEY, shape: "anthropic", reach: { hosts: [MODEL] } },
        slot: { in: "header", name: "x-api-key" },
      },
    ],
    names: [MODEL],
  })
})
afterAll(() => lab?.close())

interface Message {
  role: string
  content: string | { type: string; content?: unknown }[]
}

/** An answer of the model as it streams: one block of text, or one call of the shell. */
function answer(response: ServerResponse, text: string, command?: string): void {
  const events: [string, object][] = [
    [
      "message_start",
      {
        message: {
          ...{ id: "msg_1", type: "message", role: "assistant", model: "claude", content: [], stop_reason: null },
          ...{ stop_sequence: null, usage: { input_tokens: 10, output_tokens: 1 } },
        },
      },
    ],
  ]
  const block =
    command === undefined
      ? { type: "text", text: "" }
      : { type: "tool_use", id: `toolu_${randomUUID()}`, name: "Bash", input: {} }
  const delta =
    command === undefined
      ? { type: "text_delta", text }
      : { type: "input_json_delta", partial_json: JSON.stringify({ command, description: text }) }
  events.push(["content_block_start", { index: 0, content_block: block }])
  events.push(["content_block_delta", { index: 0, delta }])
  events.push(["content_block_stop", { index: 0 }])
  const stop_reason = command === undefined ? "end_turn" : "tool_use"
  events.push(["message_delta", { delta: { stop_reason, stop_sequence: null }, usage: { output_tokens: 20 } }])
  events.push(["message_stop", {}])
  response.writeHead(200, { "content-type": "text/event-stream" })
  for (const [type, data] of events) response.write(`event: ${type}\ndata: ${JSON.stringify({ type, ...data })}\n\n`)
  response.end()
}

it("Claude Code works with a placeholder; its shell's request is held and answered, another one refused", async (ctx) => {
  const { directory } = tool(ctx, "claude-code")
  const [claude] = globSync("node_modules/@anthropic-ai/claude-code-*/claude", { cwd: directory })
  if (claude === undefined) ctx.skip("Claude Code's native program is missing: there is none for this machine")
  const commands = [
    `curl -sS -d amount=5 ${lab.at(SHOP)}/orders; echo "the key is $ANTHROPIC_API_KEY"`,
    `curl -sS -X DELETE ${lab.at(SHOP)}/orders/1`,
  ]
  /** What the shell said, as the model reads it. */
  const results: string[] = []
  lab.origin.host(SHOP, ({ method }, response, body) => response.end(`${method} ${body}: order 17 is placed`))
  lab.origin.host(MODEL, ({ url }, response, body) => {
    if (!url?.startsWith("/v1/messages?") && url !== "/v1/messages") {
      response.writeHead(url === "/" ? 200 : 404).end()
      return
    }
    const { messages, tools = [] } = JSON.parse(body.toString()) as { messages: Message[]; tools?: unknown[] }
    // The whole conversation comes each time, and some of it comes twice.
    const told = messages.flatMap(({ content }) => (typeof content === "string" ? [] : content))
    const shell = told.filter(({ type }) => type === "tool_result").map(({ content }) => JSON.stringify(content))
    if (shell.length > results.length) results.splice(0, results.length, ...shell)
    // Titles and such are asked for without tools.
    if (tools.length === 0) answer(response, "A title")
    else if (shell.length < commands.length) answer(response, "order", commands[shell.length])
    else answer(response, "All is done, said the model.")
  })

  const home = lab.directory("claude-home")
  const running = lab.exec(`'${join(directory, claude!)}' -p 'place the order' --allowedTools Bash`, {
    cwd: lab.directory("claude"),
    env: {
      ...{ HOME: home, ANTHROPIC_BASE_URL: lab.at(MODEL), CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC: "1" },
      DISABLE_AUTOUPDATER: "1",
    },
  })
  const question = await Promise.race([lab.held(), running])
  if (!("asked" in question)) throw new Error(`nothing was held:\n${question.terminal}\n${results}`)
  expect(question.asked).toMatchObject({
    method: "POST",
    host: SHOP,
    path: "/orders",
    reason: expect.stringContaining("orders cost money"),
  })
  await lab.approve(question.id)
  const { exit, terminal } = await running

  expect(exit, terminal).toBe(0)
  expect(terminal).toContain("All is done, said the model.")
  const [placed, deleted] = results
  expect(placed).toContain("POST amount=5: order 17 is placed")
  // It is told what every agent is: what, why, and where to look.
  expect(deleted).toContain("refused by policy: network.host-denied. [ng-")
  expect(terminal).toContain(`nanoguard: refused DELETE ${lab.at(SHOP)}/orders/1: network.host-denied`)

  const toModel = lab.origin.asked.filter(({ host, method }) => host === MODEL && method === "POST")
  expect(new Set(toModel.map(({ headers }) => headers["x-api-key"]))).toEqual(new Set([KEY]))
  // The agent only ever saw something that looks like one, and said that; the key itself is in nothing that it or anybody was told.
  expect(placed).toMatch(/the key is sk-ant-api03-\w+/)
  for (const { body, headers, host } of lab.origin.asked) {
    expect(body.includes(KEY)).toBe(false)
    if (host !== MODEL) expect(JSON.stringify(headers)).not.toContain(KEY)
  }
  expect(terminal + results.join("")).not.toContain(KEY)
  expect(lab.troubles()).toBe("")
})
