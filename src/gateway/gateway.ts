// The gate, put together: one server, one store, one cache, the law in force, and the control socket of who runs it.
import { rmSync } from "node:fs"
import type { IncomingMessage, ServerResponse } from "node:http"
import type { Context } from "../context.ts"
import type { CompiledPolicy } from "../policy/compiled.ts"
import { couldReach } from "../policy/network.ts"
import type { Store } from "../store/types.ts"
import { createVaultControl } from "../vault/control.ts"
import { VERSION } from "../version.ts"
import type { Answer } from "./answer.ts"
import { createApprovalControls } from "./control/approvals.ts"
import type { RemoteOptions } from "./control/remote.ts"
import { type Controls, type GateStatus, listenControl } from "./control.ts"
import { controlPath } from "./control-path.ts"
import type { Desk } from "./desk.ts"
import type { EgressInput, OpenEgress } from "./egress/open.ts"
import { openEgress } from "./egress/open.ts"
import { isRegistry } from "./egress/registry.ts"
import { requestException } from "./front/exception.ts"
import type { Front } from "./front/types.ts"
import { explainHeldBack, whyPackage } from "./front/why.ts"
import { judgeHealth } from "./health.ts"
import { createIdentify } from "./identity.ts"
import { type LoadedPolicy, openLaw } from "./law.ts"
import { checkReach, listenGate, openRemote } from "./listen.ts"
import { createMetrics } from "./metrics.ts"
import { PROTOCOLS } from "./protocols/index.ts"
import { createRecorder } from "./recorder.ts"
import { createRunBook } from "./runs.ts"
import { type ClientLimits, createGateServer } from "./server.ts"
import { describeGate } from "./status.ts"
import type { Attribution } from "./types.ts"
import type { Upstream } from "./upstream/types.ts"

export interface GatewayOptions {
  /** Id of this gateway in the record. */
  gateway: string
  host: string
  /** 0 for any that is free. */
  port: number
  /** How clients reach it where that is not `host` and `port`: behind a load balancer. */
  origin?: string
  tls?: { key: string; cert: string }
  /** Who a request without a token is, on loopback; undefined where a token is required. */
  anonymous?: Attribution
  load: () => Promise<LoadedPolicy>
  store: Store
  desk: Desk
  upstream: Upstream
  offline: boolean
  /** Milliseconds that a request may wait for a person. */
  wait: number
  /** What clients get; for tests. */
  limits?: Partial<ClientLimits> | undefined
  /** Where approvers elsewhere reach the queue. */
  remote?: Pick<RemoteOptions, "host" | "port" | "token">
  /** The proxy for everything else that goes out; none where absent. */
  egress?: Pick<EgressInput, "vault" | "resolve" | "ca" | "parent" | "holds" | "limits">
  /** Told of what goes wrong inside while it runs. */
  onTrouble: (error: unknown) => void
}

export interface Gateway {
  readonly origin: string
  status: () => Promise<GateStatus>
  reload: () => Promise<{ hash: string; changed: boolean }>
  /** Resolves once it is told to stop, by `close` or by its control socket. */
  stopped: Promise<void>
  close: () => Promise<void>
}

/** Milliseconds for answers under way when the gate is told to stop. */
const DRAIN = 5_000

/** Opens the gate and listens. Errors: usage, configuration (policy, upstreams), environment (address in use, advisories). */
export async function openGateway(ctx: Context, options: GatewayOptions): Promise<Gateway> {
  checkReach(options)
  const { upstream, tls, host } = options
  const recorder = createRecorder(options.store, options.gateway)
  const law = await openLaw(ctx, options.load, upstream, recorder)
  const runs = createRunBook(ctx.now, (who, runIsOver) => egress?.endVisit(who, runIsOver))
  const metrics = createMetrics({ upstream: upstream.stats, runs: () => runs.size, version: VERSION })
  const front: Front = {
    protocols: PROTOCOLS,
    law: law.current,
    upstream,
    recorder,
    desk: options.desk,
    runs,
    metrics,
    wait: options.wait,
    now: ctx.now,
  }

  let egress: OpenEgress | undefined
  let origin = options.origin ?? ""
  // Goes by the last request: without records nothing is released.
  let recording = true
  let closing: Promise<void> | undefined
  const health = (): Answer => {
    const { httpStatus, ...judged } = judgeHealth({
      now: ctx.now(),
      recording,
      policyKept: law.kept() !== undefined,
      advisoriesAsOf: Date.parse(law.current().evidence.advisories.info.asOf),
      closing: closing !== undefined,
    })
    return { ...text("application/json", JSON.stringify(judged)), status: httpStatus }
  }
  const own = (path: string): Answer | undefined => {
    if (path === "/-/health") return health()
    if (path === "/-/metrics") return text(metrics.contentType, metrics.text())
    return undefined
  }
  const identify = createIdentify(runs, options.anonymous)
  const server = createGateServer({
    front,
    identify,
    ...(options.egress && {
      proxy: (request: IncomingMessage, response: ServerResponse) => egress?.serve(request, response) === true,
    }),
    origin: () => origin,
    own,
    onBegun: metrics.began,
    onDone: (done) => {
      if (done.ecosystem !== undefined && done.status > 0 && done.status < 500) recording = true
      metrics.done(done)
    },
    onTrouble: (error) => {
      recording = false
      metrics.recordFailed()
      options.onTrouble(error)
    },
    limits: options.limits,
    ...(tls && { tls }),
  })
  if (options.egress !== undefined) {
    const { store, gateway, onTrouble } = options
    egress = openEgress(server, { ...options.egress, front, law, identify, store, gateway, now: ctx.now, onTrouble })
  }
  const abandon = async (error: unknown) => {
    server.close()
    await egress?.close()
    await law.close()
    throw error
  }
  const port = await listenGate(server, options).catch(abandon)
  origin ||= `${tls ? "https" : "http"}://${host.includes(":") ? `[${host}]` : host}:${port}`

  const started = ctx.now()
  const status = () =>
    describeGate({
      ...{ gateway: options.gateway, origin, started, offline: options.offline, law, runs, upstream, egress },
      ...{ vault: options.egress?.vault, db: options.store.db, now: ctx.now() },
    })
  let stop = () => {}
  const stopped = new Promise<void>((resolve) => {
    stop = resolve
  })
  // What waits for people, and tunnels that nobody looks into, go by the new policy as well.
  const reload = async () => {
    const result = await law.reload()
    if (result.changed) {
      egress?.holds.recall()
      const { policy, registries } = law.current()
      egress?.cutTunnels(
        ({ target }) => !isRegistry(registries, target) && !couldReach(policy, target.host, target.port),
      )
    }
    return result
  }
  const path = controlPath(ctx)
  const controls: Controls = {
    status,
    reload,
    policy: () => {
      const { policy, project, texts = [] } = law.current()
      return { project, hash: policy.hash, sandbox: policy.sandbox, texts }
    },
    stop,
    openRun: async (run) => {
      const opened = runs.open(run)
      if (egress === undefined) return { ...opened, origin }
      const certificate = await egress.certificateOf(opened.run)
      const placeholders = egress.placeholdersOf(run.agent, opened.run)
      return { ...opened, origin, egress: { certificate, placeholders, ruled: isRuled(law.current().policy) } }
    },
    summarise: async (visit, ends) => {
      const found = runs.summary(visit)
      try {
        return found && (await explainHeldBack(front, found.who, found.summary))
      } finally {
        // Whatever fails while it is explained: its token is worth nothing from now on.
        if (ends) runs.close(visit)
      }
    },
    why: (purl) => whyPackage(front, purl),
    requestException: (request) => requestException(front, request),
    ...(options.egress && {
      vault: createVaultControl(options.egress.vault, options.store, options.gateway),
      approvals: createApprovalControls(options.store, options.egress.vault, options.gateway, ctx.now, () =>
        egress?.holds.wake(),
      ),
    }),
  }
  const control = await listenControl(path, controls).catch(abandon)
  const remote =
    options.remote &&
    (await openRemote(options.remote, tls, controls).catch((error: unknown) => {
      control.close()
      return abandon(error)
    }))
  // A connection that could not be accepted ends no gate.
  for (const one of [server, control, remote]) one?.on("error", options.onTrouble)
  const close = async () => {
    stop()
    control.close()
    remote?.close()
    remote?.closeAllConnections()
    rmSync(path, { force: true })
    const closed = new Promise<void>((resolve) => server.close(() => resolve()))
    await egress?.close()
    server.closeIdleConnections()
    setTimeout(() => server.closeAllConnections(), DRAIN).unref()
    await closed
    control.closeAllConnections()
    await law.close()
  }
  return {
    origin,
    status,
    reload,
    stopped,
    close: () => {
      closing ??= close()
      return closing
    },
  }
}

/** Whether a policy says anything about requests: where it does not, none but those for packages is let out. */
function isRuled({ listRules, mode }: CompiledPolicy): boolean {
  return mode === "observe" || listRules.some(({ kind }) => kind === "network")
}

const text = (contentType: string, body: string): Answer => ({
  status: 200,
  headers: { "content-type": contentType, "cache-control": "no-store" },
  body,
})
