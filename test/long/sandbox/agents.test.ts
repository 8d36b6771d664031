// Codex and Gemini CLI themselves in boxes, with a scripted model behind the gate: each has a placeholder for its key, runs a command, and
// edits a file of the workspace, beside directories of agents' settings that nobody may write.
import { randomUUID } from "node:crypto"
import { existsSync, readdirSync, readFileSync } from "node:fs"
import type { ServerResponse } from "node:http"
import { join } from "node:path"
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import { useEngine } from "../../sandbox/engines.ts"
import { hasTool, tool, toolDirectory } from "../../tools.ts"
import { SAMPLE } from "../faults/random.ts"
import { type BoxLab, LAB_ENGINES, openBoxLab } from "./lab.ts"

const OPENAI = "api.openai.com"
const GOOGLE = "generativelanguage.googleapis.com"
const KEYS = {
  openai: `sk-proj-${"Real7".repeat(12)}T3BlbkFJ${"Real7".repeat(12)}`,
  google: `AIzaSy${"Real7".repeat(6)}xyz`,
}

let lab: BoxLab
beforeAll(async () => {
  lab = await openBoxLab({
    tools: [toolDirectory("codex"), toolDirectory("gemini-cli")],
    policy: (port) => `network:
  - { id: openai, allow: ${OPENAI}, ports: [${port}], addresses: [127.0.0.1], credential: openai }
  - { id: google, allow: ${GOOGLE}, ports: [${port}], addresses: [127.0.0.1], credential: google }
`,
    credentials: [
      { name: "openai", value: KEYS.openai, shape: "openai", reach: { hosts: [OPENAI] } },
      {
        ...{ name: "google", value: KEYS.google, shape: "google", reach: { hosts: [GOOGLE] } },
        slot: { in: "header", name: "x-goog-api-key" },
      },
    ],
    names: [OPENAI, GOOGLE],
  })
})
afterAll(() => lab?.close())

/** What the model has its shell do, one after the other. */
const COMMANDS = [
  `echo "the key is $OPENAI_API_KEY$GEMINI_API_KEY"; sed -i s/one/two/ a.txt; cat a.txt`,
  "touch .codex/x .gemini/x .mcp.json/x .mcp.json; ls -A; curl -sS http://nanoguard.internal/v1/run",
]

/** Answers of the Responses API as they stream. */
function playOpenai(results: string[]): void {
  const answer = (response: ServerResponse, item: object) => {
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
  lab.origin.host(OPENAI, ({ url, method }, response, body) => {
    if (method !== "POST" || !url?.endsWith("/responses")) return void response.writeHead(404).end("{}")
    const { input, tools } = JSON.parse(body.toString()) as {
      input: { type: string; output?: unknown }[]
      tools: { name?: string }[]
    }
    const told = input.filter(({ type }) => type === "function_call_output").map(({ output }) => JSON.stringify(output))
    results.splice(0, results.length, ...told)
    const command = COMMANDS[told.length]
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
}

/** Answers of the Gemini API as they stream. */
function playGoogle(results: string[]): void {
  const answer = (response: ServerResponse, part: object) => {
    const usageMetadata = { promptTokenCount: 10, candidatesTokenCount: 5, totalTokenCount: 15 }
    const candidates = [{ index: 0, content: { role: "model", parts: [part] }, finishReason: "STOP" }]
    response.writeHead(200, { "content-type": "text/event-stream" })
    response.end(`data: ${JSON.stringify({ candidates, usageMetadata })}\n\n`)
  }
  lab.origin.host(GOOGLE, ({ url }, response, body) => {
    if (!url?.includes(":streamGenerateContent")) return void response.writeHead(404).end("{}")
    const { contents } = JSON.parse(body.toString()) as {
      contents: { parts: { functionResponse?: { response: unknown } }[] }[]
    }
    const told = contents
      .flatMap(({ parts }) => parts)
      .flatMap(({ functionResponse }) => (functionResponse ? [JSON.stringify(functionResponse.response)] : []))
    results.splice(0, results.length, ...told)
    const command = COMMANDS[told.length]
    const call = { functionCall: { name: "run_shell_command", args: { command, description: "work" } } }
    answer(response, command === undefined ? { text: "All is done, said the model." } : call)
  })
}

const CODEX = () => `model = "gpt-5"
model_provider = "ours"
[model_providers.ours]
name = "ours"
base_url = "${lab.at(OPENAI)}/v1"
env_key = "OPENAI_API_KEY"
wire_api = "responses"
[shell_environment_policy]
inherit = "all"
ignore_default_excludes = true
`
const GEMINI = JSON.stringify({
  security: { auth: { selectedType: "gemini-api-key" } },
  privacy: { usageStatisticsEnabled: false },
  general: { disableAutoUpdate: true },
})

interface Agent {
  name: string
  tool: string
  host: string
  play: (results: string[]) => void
  /** The header of the key, and the key. */
  sent: readonly [header: string, key: string]
  /** What is written into the home of the box, and the command, for its program. */
  line: (program: string) => string
}

const AGENTS: readonly Agent[] = [
  {
    ...{ name: "Codex", tool: "codex", host: OPENAI, play: playOpenai },
    sent: ["authorization", `Bearer ${KEYS.openai}`],
    line: (program) =>
      `mkdir -p ~/.codex && cat > ~/.codex/config.toml <<'E'\n${CODEX()}E\n${program} exec --skip-git-repo-check --dangerously-bypass-approvals-and-sandbox 'do it' < /dev/null`,
  },
  {
    ...{ name: "Gemini CLI", tool: "gemini-cli", host: GOOGLE, play: playGoogle },
    sent: ["x-goog-api-key", KEYS.google],
    line: (program) =>
      `mkdir -p ~/.gemini && echo '${GEMINI}' > ~/.gemini/settings.json\nexport GOOGLE_GEMINI_BASE_URL=${lab.at(GOOGLE)}\nnode ${program} --yolo --skip-trust -m gemini-2.5-pro -p 'do it'`,
  },
]

describe.each(LAB_ENGINES)("in a box of %s", (engine) => {
  it.for(AGENTS)("$name works, and leaves settings of agents alone", async (agent, ctx) => {
    if (SAMPLE && (engine === "docker" || !hasTool(agent.tool)))
      ctx.skip(`${agent.name} is missing, or a sample is enough: npm run test:full`)
    await useEngine(ctx, engine)
    const program = lab.inBox(tool(ctx, agent.tool).program(agent.tool.replace("-cli", "")))
    const results: string[] = []
    agent.play(results)
    const before = lab.origin.asked.length
    const workspace = lab.workspace(`${agent.tool}-${engine}`, { "a.txt": "one\n" })
    const { exit, terminal } = await lab.run(engine, workspace, ["sh", "-c", agent.line(program)])
    expect(exit, terminal).toBe(0)
    expect(terminal).toContain("All is done, said the model.")
    const [first, second] = results
    expect(first).toMatch(/the key is (?:sk-proj-|AIzaSy)\w+/)
    expect(first).toContain("two")
    expect(readFileSync(join(workspace, "a.txt"), "utf8")).toBe("two\n")
    expect(second).toMatch(/Read-only file system|Permission denied/)
    expect(second).toContain("nanoguard.own-run/1")
    // Of what stood there while it ran nothing is left.
    expect(readdirSync(workspace)).toEqual(["a.txt"])
    for (const name of [".codex", ".gemini", ".mcp.json"]) expect(existsSync(join(workspace, name))).toBe(false)
    const asked = lab.origin.asked.slice(before).filter(({ method }) => method === "POST")
    const [header, key] = agent.sent
    expect(new Set(asked.map(({ headers }) => headers[header]))).toEqual(new Set([key]))
    for (const { body } of asked) expect(body.toString()).not.toMatch(/Real7Real7/)
    expect(terminal + results.join("")).not.toContain("Real7Real7")
  })
})
