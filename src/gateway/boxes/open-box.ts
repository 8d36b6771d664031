// One box: its run, its directory, its record, and last of all its socket, so that nothing in it is answered before the record is durable.
import type { Context } from "../../context.ts"
import { narrowScope } from "../../policy/scope.ts"
import type { Scope } from "../../policy/scope-types.ts"
import { boxSettings } from "../../sandbox/settings.ts"
import type { Store } from "../../store/types.ts"
import type { Answer } from "../answer.ts"
import type { OpenEgress } from "../egress/open.ts"
import type { Front } from "../front/types.ts"
import type { RunSummary } from "../runs.ts"
import type { ServerOptions } from "../server.ts"
import type { Attribution } from "../types.ts"
import { makeMounted, removeMounted, socketOf } from "./directory.ts"
import { gitHostsOf } from "./git-hosts.ts"
import { createInternal } from "./internal.ts"
import { openPublisher } from "./publish.ts"
import { BOX_ORIGIN, type BoxServer, openBoxServer } from "./server.ts"
import type { BoxRequest, OpenedBox } from "./types.ts"

export interface BoxesOptions {
  ctx: Pick<Context, "env" | "now">
  /** Id of this gateway in the record. */
  gateway: string
  front: Front
  store: Pick<Store, "db" | "append">
  egress: OpenEgress
  /** Of the gate's own server. */
  server: Pick<ServerOptions, "onDone" | "onTrouble" | "limits" | "onAsking">
  health: () => Answer
  /** Sums a visit up, and ends it. */
  summarise: (visit: string) => Promise<RunSummary | undefined>
  /** Whether the policy in force says anything about requests. */
  isRuled: () => boolean
}

export interface LiveBox {
  who: Attribution & { visit: string }
  request: BoxRequest
  /** Milliseconds since the epoch. */
  started: number
  opened: OpenedBox
  server: BoxServer
}

/** Opens a box below `above`, the box of the run that starts it; `onHeard` is told of the first connection from it. Errors: environment (directory, socket, port, record). */
export async function openBox(
  options: BoxesOptions,
  request: BoxRequest,
  above: Pick<LiveBox, "who"> | undefined,
  onHeard: (run: string) => void,
): Promise<LiveBox> {
  const { ctx, front, store, egress } = options
  const { agent, operator, project, run: known } = request
  const scope = narrowScope(above && inherited(above.who), own(request))
  const { run, visit } = front.runs.open({
    ...{ agent, operator, boxed: true, lasts: Number.POSITIVE_INFINITY },
    ...(known !== undefined && { run: known }),
    ...(project !== undefined && { project }),
    ...(above && { parents: [above.who.run, above.who.agent, ...(above.who.parents ?? [])] }),
    ...(scope && { scope }),
  })
  const who = { ...front.runs.summary(visit)!.who, visit }
  const started = ctx.now()
  let close = () => {}
  let isRecorded = false
  try {
    const [certificate, publisher] = await Promise.all([
      egress.certificateOf(run),
      openPublisher(request.publish ?? []),
    ])
    close = publisher.close
    const placeholders = egress
      .placeholdersOf(agent, run)
      .filter(({ credential }) => scope?.credentials?.includes(credential) !== false)
    const settings = boxSettings({ run, certificate, placeholders, gitHosts: gitHostsOf(front.law().policy) })
    const directory = makeMounted(ctx, run, settings.files)
    const event = boxEvent(options, { who, request })
    await store.append({
      ...{ ...event, type: known === undefined ? "sandbox.started" : "sandbox.rejoined", outcome: "released" },
      detail: { ...event.detail, command: firstWord(request.command) },
    })
    isRecorded = true
    const server = await openBoxServer({
      ...{ who, path: socketOf(directory), gate: { front, ...options.server }, egress, health: options.health },
      ...{ internal: createInternal({ front, store, who, started }), publisher, onHeard: () => onHeard(run) },
    })
    const opened = {
      ...{ run, visit, directory, origin: BOX_ORIGIN, env: settings.env, notes: settings.notes },
      egress: { certificate, placeholders, ruled: options.isRuled() },
    }
    return { who, request, started, opened, server }
  } catch (error) {
    close()
    front.runs.close(visit)
    if (known === undefined) removeMounted(ctx, run)
    if (isRecorded)
      await store
        .append({ ...boxEvent(options, { who, request }), type: "sandbox.ended", outcome: "failed" })
        .catch(() => {})
    throw error
  }
}

/** The rights that a box is asked with; its budgets count for its agent. */
function own({ agent, scope }: BoxRequest): Scope | undefined {
  const { budgets, ...rest } = scope ?? {}
  if (scope === undefined || budgets === undefined) return scope && rest
  return { ...rest, budgets: budgets.map((budget) => ({ ...budget, counter: `agent:${agent}/${budget.unit}` })) }
}

/** A parent's rights, as its child's: what the parent used of its run's budgets counts for both. */
function inherited({ scope, run }: Attribution): Scope | undefined {
  if (scope?.budgets === undefined) return scope
  return { ...scope, budgets: scope.budgets.map((budget) => ({ run, ...budget })) }
}

/** What every record about a box says. */
export function boxEvent({ gateway, front }: BoxesOptions, { who, request }: Pick<LiveBox, "who" | "request">) {
  const { engine, workspace, image, parent } = request
  return {
    ...{ gateway, subject: who.agent, agent: who.agent, run: who.run, operator: who.operator, boxed: true },
    policy: front.law().policy.hash,
    detail: {
      ...{ engine, workspace },
      ...(image !== undefined && { image: image.slice(0, 300) }),
      ...(parent !== undefined && { parent }),
    },
  }
}

/** Arguments may be secrets. */
const firstWord = ([first = ""]: readonly string[]) => (first.split("/").at(-1) ?? "").slice(0, 100)
