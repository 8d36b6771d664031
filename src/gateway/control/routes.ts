// What the control API answers: every method and path, with how much of a body it reads. docs/openapi.yaml says the same, and a test holds them together.
import type { ServerResponse } from "node:http"
import type { ApprovalState } from "../../approvals/types.ts"
import { EXIT, NanoguardError } from "../../errors.ts"
import { RUN_PATTERN } from "../../sandbox/run-name.ts"
import { readBoxEnd, readBoxRequest } from "../boxes/read-request.ts"
import type { Controls, ExceptionRequest } from "../control.ts"
import { readNewRun } from "../new-run.ts"
import type { ApprovalControls } from "./approvals.ts"
import { readDecision } from "./read-decision.ts"

/** A JSON document, bytes of a request, or a stream of events. */
export type Result =
  | { bytes: Buffer }
  | { feed: ApprovalControls["store"] }
  | { json: unknown }
  /** Takes the response over. */
  | { stream: (response: ServerResponse) => void }

export interface Route {
  method: "GET" | "POST" | "DELETE"
  /** As in the document: a parameter stands in braces. */
  path: string
  /** Most bytes of a body. */
  limit: number
  /** Also for who comes over TCP with the token: nothing that opens runs, or ends the gate. */
  remote: boolean
  /** Undefined: there is nothing by that name. */
  answer: (controls: Controls, asked: AskedRoute) => Promise<unknown> | unknown
}

interface AskedRoute {
  /** The parameter of the path. */
  name: string
  query: URLSearchParams
  body: Readonly<Record<string, unknown>>
}

/** Project graphs come with a new run. */
const LARGE = 64 * 1024 * 1024
const SMALL = 1024 * 1024

const STATES: ReadonlySet<string> = new Set(["pending", "granted", "denied", "expired", "consumed"])

const route = (line: string, answer: Route["answer"], more: Partial<Route> = {}): Route => {
  const [method, path] = line.split(" ") as [Route["method"], string]
  return { method, path, answer, limit: SMALL, remote: false, ...more }
}

/** Approvals are answered where the gate has a queue of them. */
const approvals = (
  line: string,
  answer: (approvals: ApprovalControls, asked: AskedRoute) => Promise<Result | undefined>,
) =>
  route(
    line,
    (controls, asked) => {
      controls.onApprover?.()
      return controls.approvals && answer(controls.approvals, asked)
    },
    { remote: true },
  )

const json = (value: unknown): Result | undefined => (value === undefined ? undefined : { json: value })

export const ROUTES: readonly Route[] = [
  route("GET /v1/status", async ({ status }) => json(await status()), { remote: true }),
  route("GET /v1/policy", ({ policy }) => json(policy())),
  route("POST /v1/reload", async ({ reload }) => json(await reload())),
  route("POST /v1/stop", ({ stop }) => {
    setImmediate(stop)
    return json({ stopping: true })
  }),
  route("POST /v1/runs", async ({ openRun }, { body }) => json(await openRun(readNewRun(body))), { limit: LARGE }),
  route("GET /v1/runs/{visit}", async ({ summarise }, { name }) => json(await summarise(name, false))),
  route("DELETE /v1/runs/{visit}", async ({ summarise }, { name }) => json(await summarise(name, true))),
  route("POST /v1/boxes", async ({ boxes }, { body }) => json(await boxes?.open(readBoxRequest(body))), {
    limit: LARGE,
  }),
  route("GET /v1/boxes", async ({ boxes }) => boxes && json({ boxes: await boxes.list() })),
  route("GET /v1/boxes/{run}/events", ({ boxes }, { name }) =>
    boxes?.has(name) ? { stream: (response: ServerResponse) => boxes.follow(name, response) } : undefined,
  ),
  route("DELETE /v1/boxes/{run}", async ({ boxes }, { name, body }) => json(await boxes?.end(name, readBoxEnd(body)))),
  route("POST /v1/why", async ({ why }, { body }) => json(await why(String(body["purl"])))),
  route("POST /v1/exceptions", async ({ requestException }, { body }) =>
    json(await requestException(body as unknown as ExceptionRequest)),
  ),
  route("GET /v1/vault", async ({ vault }) => json(vault?.status())),
  route("POST /v1/vault/unlock", async ({ vault }, { body }) => json(await vault?.unlock(body))),
  route("POST /v1/vault/lock", async ({ vault }) => json(await vault?.lock())),
  approvals("GET /v1/approvals", async ({ list }, { query }) => json({ approvals: await list(stateOf(query)) })),
  approvals("GET /v1/approvals/events", async ({ store }) => ({ feed: store })),
  approvals("GET /v1/approvals/{id}", async ({ show }, { name }) => json(await show(name))),
  approvals("DELETE /v1/approvals/{id}", async ({ cancel }, { name }) =>
    (await cancel(name)) ? json({ cancelled: true }) : undefined,
  ),
  approvals("GET /v1/approvals/{id}/body", async ({ body }, { name }) => {
    const bytes = await body(name)
    return bytes && { bytes }
  }),
  approvals("POST /v1/approvals/{id}/decision", async ({ decide }, { name, body }) =>
    json(await decide(readDecision(name, body))),
  ),
]

function stateOf(query: URLSearchParams): ApprovalState {
  const state = query.get("state") ?? "pending"
  if (STATES.has(state)) return state as ApprovalState
  throw new NanoguardError("there is no such state", { exit: EXIT.usage, hint: [...STATES].join(", ") })
}

/** What each parameter may be. */
const PARAMETERS: Readonly<Record<string, string>> = {
  "{visit}": "([\\w-]{1,64})",
  "{run}": `(${RUN_PATTERN})`,
  "{id}": "(ap-[a-z2-7]{8})",
}

const PATTERNS = ROUTES.map((one) => {
  const pattern = one.path.replace(/\{\w+\}/g, (name) => PARAMETERS[name]!)
  return { route: one, pattern: new RegExp(`^${pattern}$`) }
})

/** The route of a request, with the parameter of its path; undefined where there is none. */
export function findRoute(method: string, path: string, remote: boolean): { route: Route; name: string } | undefined {
  for (const { route, pattern } of PATTERNS) {
    const match = route.method === method && (route.remote || !remote) ? pattern.exec(path) : null
    if (match) return { route, name: match[1] ?? "" }
  }
  return undefined
}
