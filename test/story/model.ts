// The model of the story: it reads what the agent's shell said, and says the next step. It is as naive as its orders are: what it knows of
// refusals it reads in them.
import { randomUUID } from "node:crypto"
import type { ServerResponse } from "node:http"

/** One turn: words, and a command or the end. */
export interface Turn {
  say: string
  command?: string
}

/** What the shell said so far, oldest first. */
export type Script = (results: readonly string[]) => Turn

const MERGE = (method: string) =>
  `curl -sS -X PUT https://api.github.com/repos/acme/shop/pulls/7/merge -H "authorization: Bearer $GITHUB_TOKEN" --json '{"merge_method":"${method}"}'`

/** The shop's errand: add a client, merge a pull request, print receipts. */
export const errand: Script = (results) => {
  const last = results.at(-1) ?? ""
  switch (results.length) {
    case 0:
      return { say: "I add axios, as the ticket says.", command: "npm install axios@1.6.0" }
    case 1: {
      // The refusal itself says what to do.
      const [, fix = "npm view axios versions"] = /Run: (npm install \S+@[\d.]*\d)/.exec(last.replaceAll("`", "")) ?? []
      return { say: "That version is refused. The refusal names an approved one.", command: fix }
    }
    case 2:
      return { say: "Installed. Now I merge the pull request.", command: MERGE("merge") }
    case 3: {
      const [, reason] = /"note":\s*"([^"]*)"/.exec(last.replaceAll("\\", "")) ?? []
      return { say: `A person said no: ${reason ?? "no reason"}. I ask for that.`, command: MERGE("squash") }
    }
    case 4:
      return { say: "Merged. Receipts are next.", command: "npm install pretty-receipts" }
    case 5:
      return { say: "All there. I watch the tests.", command: "node --version && sleep 600" }
    default:
      return { say: "All is done." }
  }
}

interface Message {
  content: string | { type: string; content?: unknown }[]
}

/** Answers a request for a message as Anthropic's API streams it. */
export function answerModel(body: Buffer, response: ServerResponse, script: Script): void {
  const { messages, tools = [] } = JSON.parse(body.toString()) as { messages: Message[]; tools?: unknown[] }
  const told = messages.flatMap(({ content }) => (typeof content === "string" ? [] : content))
  const results = told.filter(({ type }) => type === "tool_result").map(({ content }) => textOf(content))
  // Titles and such are asked for without tools.
  stream(response, tools.length === 0 ? { say: "The shop's errand" } : script(results))
}

function textOf(content: unknown): string {
  if (typeof content === "string") return content
  if (!Array.isArray(content)) return ""
  return content.map((part: { text?: string }) => part.text ?? "").join("\n")
}

function stream(response: ServerResponse, { say, command }: Turn): void {
  const message = {
    ...{
      id: `msg_${randomUUID()}`,
      type: "message",
      role: "assistant",
      model: "claude",
      content: [],
      stop_reason: null,
    },
    ...{ stop_sequence: null, usage: { input_tokens: 900, output_tokens: 1 } },
  }
  const text = block(0, { type: "text", text: "" }, { type: "text_delta", text: say })
  const call =
    command === undefined
      ? []
      : block(
          1,
          { type: "tool_use", id: `toolu_${randomUUID().replaceAll("-", "")}`, name: "Bash", input: {} },
          { type: "input_json_delta", partial_json: JSON.stringify({ command, description: say }) },
        )
  const stop_reason = command === undefined ? "end_turn" : "tool_use"
  const events = [
    { type: "message_start", message },
    ...text,
    ...call,
    { type: "message_delta", delta: { stop_reason, stop_sequence: null }, usage: { output_tokens: 60 } },
    { type: "message_stop" },
  ]
  response.writeHead(200, { "content-type": "text/event-stream" })
  for (const event of events) response.write(`event: ${event.type}\ndata: ${JSON.stringify(event)}\n\n`)
  response.end()
}

const block = (index: number, content_block: object, delta: object) => [
  { type: "content_block_start", index, content_block },
  { type: "content_block_delta", index, delta },
  { type: "content_block_stop", index },
]
