// Gemini CLI itself, with a scripted model behind the gate: a placeholder for a key, and a shell whose requests are held and refused.
import type { ServerResponse } from "node:http"
import { afterAll, beforeAll, expect, it } from "vitest"
import { hasTool, tool } from "../../tools.ts"
import { SAMPLE } from "../faults/random.ts"
import { type Lab, openLab } from "./lab.ts"

const MODEL = "generativelanguage.googleapis.com"
const SHOP = "api.example.com"
const KEY = `AIzaSy${"Real7".repeat(6)}xyz`

let lab: Lab
beforeAll(async () => {
  lab = await openLab({
    policy: (port) => `network:
  - { id: model, allow: ${MODEL}, ports: [${port}], addresses: [127.0.0.1], credential: google }
  - { id: orders, ask: ${SHOP}, methods: [POST], ports: [${port}], addresses: [127.0.0.1], reason: orders cost money }
approvers: { default: { people: [ana] } }
`,
    credentials: [
      {
        ...{ name: "google", value: KEY, shape: "google", reach: { hosts: [MODEL] } },
        slot: { in: "header", name: "x-goog-api-key" },
      },
    ],
    names: [MODEL],
  })
})
afterAll(() => lab?.close())

interface Part {
  functionResponse?: { response: unknown }
}

/** An answer of the model as it streams: a text, or one call of the shell. */
function answer(response: ServerResponse, part: object): void {
  const usageMetadata = { promptTokenCount: 10, candidatesTokenCount: 5, totalTokenCount: 15 }
  const candidates = [{ index: 0, content: { role: "model", parts: [part] }, finishReason: "STOP" }]
  response.writeHead(200, { "content-type": "text/event-stream" })
  response.end(`data: ${JSON.stringify({ candidates, usageMetadata })}\n\n`)
}

it("Gemini CLI works with a placeholder; its shell's request is held and answered, another one refused", async (ctx) => {
  if (SAMPLE && !hasTool("gemini-cli"))
    ctx.skip("Gemini CLI is missing: a whole run (npm run test:full) installs its 100 MB")
  const gemini = tool(ctx, "gemini-cli").program("gemini")
  const commands = [
    `curl -sS -d amount=5 ${lab.at(SHOP)}/orders; echo "the key is $GEMINI_API_KEY"`,
    `curl -sS -X DELETE ${lab.at(SHOP)}/orders/1`,
  ]
  const results: string[] = []
  lab.origin.host(SHOP, ({ method }, response, body) => response.end(`${method} ${body}: order 17 is placed`))
  lab.origin.host(MODEL, ({ url }, response, body) => {
    if (!url?.includes(":streamGenerateContent")) return void response.writeHead(404).end("{}")
    const { contents } = JSON.parse(body.toString()) as { contents: { parts: Part[] }[] }
    const told = contents
      .flatMap(({ parts }) => parts)
      .flatMap(({ functionResponse }) => (functionResponse ? [JSON.stringify(functionResponse.response)] : []))
    if (told.length > results.length) results.splice(0, results.length, ...told)
    const command = commands[told.length]
    const call = { functionCall: { name: "run_shell_command", args: { command, description: "order" } } }
    answer(response, command === undefined ? { text: "All is done, said the model." } : call)
  })
  const home = lab.directory("gemini-home", {
    ".gemini/settings.json": JSON.stringify({
      security: { auth: { selectedType: "gemini-api-key" } },
      privacy: { usageStatisticsEnabled: false },
      general: { disableAutoUpdate: true },
    }),
  })
  const running = lab.exec(
    `'${process.execPath}' '${gemini}' --yolo --skip-trust -m gemini-2.5-pro -p 'place the order'`,
    {
      cwd: lab.directory("gemini"),
      env: { HOME: home, GOOGLE_GEMINI_BASE_URL: lab.at(MODEL) },
    },
  )
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
  expect(placed).toMatch(/the key is AIzaSy\w+/)
  expect(deleted).toContain("refused by policy: network.host-denied. [ng-")
  expect(terminal).toContain(`nanoguard: refused DELETE ${lab.at(SHOP)}/orders/1: network.host-denied`)
  const toModel = lab.origin.asked.filter(({ host, method }) => host === MODEL && method === "POST")
  expect(new Set(toModel.map(({ headers }) => headers["x-goog-api-key"]))).toEqual(new Set([KEY]))
  for (const { body } of lab.origin.asked) expect(body.includes(KEY)).toBe(false)
  expect(terminal + results.join("")).not.toContain(KEY)
})
