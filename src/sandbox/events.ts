// What the gate tells `run` of its box while it lasts: one long answer, a line for each event.
import { request as send } from "node:http"
import { connect } from "node:net"
import type { Context } from "../context.ts"
import type { BoxEvent } from "../gateway/boxes/types.ts"
import { controlPath } from "../gateway/control-path.ts"

export interface BoxFeed {
  onEvent: (event: BoxEvent) => void
  /** The gate is gone, or says nothing any more. Called once. */
  onLost: () => void
}

/** Milliseconds without a sign of life: the gate gives one every 5 s. */
const SILENCE = 15_000
const MAX_LINE = 64 * 1024

/** Listens to the events of a run. Returns what ends it; nothing is called afterwards. */
export function watchBox(ctx: Pick<Context, "env">, run: string, { onEvent, onLost }: BoxFeed): () => void {
  let over = false
  const lost = () => {
    if (over) return
    end()
    onLost()
  }
  const end = () => {
    over = true
    request.destroy()
  }
  const createConnection = () => connect(controlPath(ctx))
  const request = send({ createConnection, path: `/v1/boxes/${run}/events`, timeout: SILENCE })
  request.on("response", (response) => {
    if (response.statusCode !== 200) return lost()
    let rest = ""
    response.setEncoding("utf8")
    response.on("data", (chunk: string) => {
      const lines = (rest + chunk).split("\n")
      rest = lines.pop() ?? ""
      for (const line of lines) if (!over && line !== "") onEvent(JSON.parse(line) as BoxEvent)
      if (rest.length > MAX_LINE) lost()
    })
    response.on("close", lost)
  })
  request.on("timeout", lost)
  request.on("error", lost)
  request.end()
  return end
}
