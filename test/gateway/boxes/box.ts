// A box as its gate sees it, for one test: opened by the control API, spoken for by its socket.
import { type IncomingMessage, request as send } from "node:http"
import { connect } from "node:net"
import { createInterface } from "node:readline"
import { onTestFinished } from "vitest"
import type { BoxEvent, BoxRequest, OpenedBox } from "../../../src/gateway/boxes/types.ts"
import { controlPath } from "../../../src/gateway/control-path.ts"
import { type Answer, askSocket } from "../control/support.ts"
import { type GateOptions, openTestGate } from "../gate.ts"

export const BOX: BoxRequest = {
  ...{ agent: "claude-1", operator: "olga", engine: "bubblewrap", workspace: "direct" },
  command: ["/usr/bin/claude", "--secret"],
}

/** Follows the events of a box; `next` skips signs of life. */
export async function followBox(socketPath: string, run: string) {
  const response = await new Promise<IncomingMessage>((resolve, reject) => {
    const request = send({ socketPath, path: `/v1/boxes/${run}/events`, agent: false }, resolve)
    request.on("error", reject).end()
    onTestFinished(() => void request.destroy())
  })
  response.on("error", () => {})
  const lines = createInterface({ input: response })[Symbol.asyncIterator]()
  return {
    status: response.statusCode,
    leave: () => response.destroy(),
    next: async (): Promise<BoxEvent | undefined> => {
      for (;;) {
        const { value, done } = await lines.next()
        if (done) return undefined
        const event = JSON.parse(String(value)) as BoxEvent
        if (event.event !== "alive" && event.event !== "heard") return event
      }
    },
  }
}

/** A gate with a proxy and one box. */
export async function openTestBox(options: Partial<GateOptions> = {}, request: Partial<BoxRequest> = {}) {
  const gate = await openTestGate({ policy: "version: 1\n", egress: {}, ...options })
  const path = controlPath(gate.ctx)
  const control = askSocket(path)
  const open = async (more: Partial<BoxRequest> = {}) => {
    const answer = await control("POST /v1/boxes", { ...BOX, ...request, ...more })
    if (answer.status !== 200) throw new Error(String(answer.json()["error"]))
    return answer.json() as unknown as OpenedBox
  }
  const box = await open()
  return { gate, control, path, open, box, ask: askBox(box) }
}

/** Asks the gate as something in a box does: by its socket, as the relay passes it on. */
export function askBox({ directory }: OpenedBox) {
  const ask = askSocket(`${directory}/gate/gate.sock`)
  return (line: string, body?: unknown, headers: Record<string, string> = {}): Promise<Answer> =>
    ask(line, body, { host: "127.0.0.1:8471", ...headers })
}

/** Sends bytes to a box's socket, and gives what comes until it ends. */
export function exchangeRaw({ directory }: OpenedBox, bytes: string): Promise<string> {
  return new Promise((resolve) => {
    const socket = connect(`${directory}/gate/gate.sock`)
    let text = ""
    socket.on("data", (chunk) => {
      text += chunk.toString("latin1")
    })
    socket.on("error", () => {}).on("close", () => resolve(text))
    socket.write(bytes, "latin1")
  })
}
