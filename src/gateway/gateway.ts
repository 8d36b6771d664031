// The gate, put together: one server, one store, one cache, the law in force, and the control socket of who runs it.
import type { IncomingMessage, ServerResponse } from "node:http"
import { setTimeout as sleep } from "node:timers/promises"
import type { Context } from "../context.ts"
import { stateHome } from "../home.ts"
import { couldReach } from "../policy/network.ts"
import type { Store } from "../store/types.ts"
import { VERSION } from "../version.ts"
import { type Boxes, createBoxes } from "./boxes/boxes.ts"
import { summariseBox } from "./boxes/summary.ts"
import { sweepUnbegun } from "./boxes/unbegun.ts"
import type { RemoteOptions } from "./control/remote.ts"
import { type GateStatus, listenControl } from "./control.ts"
import { controlPath } from "./control-path.ts"
import { createControls, isRuled } from "./controls.ts"
import { createDeadman, type Deadman } from "./deadman.ts"
import type { Desk } from "./desk.ts"
import type { EgressInput, OpenEgress } from "./egress/open.ts"
import { openEgress } from "./egress/open.ts"
import { isRegistry } from "./egress/registry.ts"
import type { Front } from "./front/types.ts"
import { createIdentify } from "./identity.ts"
import { type LoadedPolicy, openLaw } from "./law.ts"
import { checkReach, listenGate, openRemote } from "./listen.ts"
import { createMetrics } from "./metrics.ts"
import { createOwn } from "./own.ts"
import { PROTOCOLS } from "./protocols/index.ts"
import { createRecorder } from "./recorder.ts"
import { createRunBook } from "./runs.ts"
import { type ClientLimits, createGateServer, type ServerOptions } from "./server.ts"
import { describeGate } from "./status.ts"
import { openStops } from "./stops.ts"
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
  /** Runs whose token is still good, those that are being opened among them. */
  visits: () => number
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
  const deadman: Deadman = createDeadman({
    ...{ ctx, store: options.store, gateway: options.gateway },
    wanted: () => law.current().policy.sandbox["pause-when"] ?? [],
    isWaiting: () => boxes?.someWait === true,
    onPause: (why, on) => boxes?.pause(why, on),
  })
  const { store } = deadman
  const recorder = createRecorder(store, options.gateway)
  const law = await openLaw(ctx, options.load, upstream, recorder)
  const runs = createRunBook(
    ctx.now,
    (who, runIsOver) => egress?.endVisit(who, runIsOver),
    (who, refusal) => boxes?.refused(who, refusal),
  )
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
    killed: (who) => stops.killed(who),
  }

  let egress: OpenEgress | undefined
  let boxes: Boxes | undefined
  let origin = options.origin ?? ""
  // Goes by the last request: without records nothing is released.
  let recording = true
  let closing: Promise<void> | undefined
  const { health, answer: own } = createOwn(
    () => ({
      ...{ now: ctx.now(), recording, policyKept: law.kept() !== undefined, closing: closing !== undefined },
      advisoriesAsOf: Date.parse(law.current().evidence.advisories.info.asOf),
    }),
    metrics,
  )
  const stops = await openStops({
    ...{ store, directory: stateHome(ctx), runs, onTrouble: options.onTrouble },
    ...{ egress: () => egress, boxes: () => boxes },
  })
  const identify = createIdentify(runs, options.anonymous)
  const shared: Pick<ServerOptions, "onDone" | "onTrouble" | "limits" | "onAsking"> = {
    onAsking: stops.answering,
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
  }
  const server = createGateServer({
    ...{ ...shared, front, identify },
    ...(options.egress && {
      proxy: (request: IncomingMessage, response: ServerResponse) => egress?.serve(request, response) === true,
    }),
    origin: () => origin,
    own,
    onBegun: metrics.began,
    ...(tls && { tls }),
  })
  if (options.egress !== undefined) {
    const { gateway, onTrouble } = options
    const onHeld: EgressInput["onHeld"] = (who, approval, subject) => {
      const done = [stops.waiting(who), boxes?.held(who, approval, subject)]
      return (state) => {
        for (const one of done) one?.(state)
      }
    }
    // Whoever asks for anything but a registry says who it is: many clients bring their token only once they are asked for it (407).
    const own = { identify: createIdentify(runs, undefined) }
    const parts = { front, law, ...own, store, gateway, now: ctx.now, onTrouble, onHeld }
    egress = openEgress(server, { ...options.egress, ...parts })
    boxes = createBoxes({
      ...{ ctx, gateway, front, store, egress, server: shared, health },
      summarise: (visit) => summariseBox(front, store.db, visit),
      isRuled: () => isRuled(law.current().policy),
    })
  }
  const abandon = async (error: unknown) => {
    server.close()
    stops.close()
    deadman.close()
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
      ...{ vault: options.egress?.vault, db: store.db, now: ctx.now() },
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
  const controls = createControls({
    ...{ front, law, origin, status, reload, stop, store, gateway: options.gateway, onApprover: deadman.seen },
    isClosing: () => closing !== undefined,
    egress: egress && boxes && options.egress && { open: egress, vault: options.egress.vault, boxes },
  })
  const control = await listenControl(controlPath(ctx), controls).catch(abandon)
  const remote =
    options.remote &&
    (await openRemote(options.remote, tls, controls).catch((error: unknown) => {
      control.leave()
      control.close()
      return abandon(error)
    }))
  // A connection that could not be accepted ends no gate.
  for (const one of [server, control, remote]) one?.on("error", options.onTrouble)
  const close = async () => {
    stop()
    stops.close()
    deadman.close()
    const boxesClosed = boxes?.close()
    control.leave()
    control.close()
    remote?.close()
    remote?.closeAllConnections()
    const closed = new Promise<void>((resolve) => server.close(() => resolve()))
    await Promise.race([boxesClosed, sleep(DRAIN, undefined, { ref: false })])
    await egress?.close()
    server.closeIdleConnections()
    setTimeout(() => server.closeAllConnections(), DRAIN).unref()
    await closed
    control.closeAllConnections()
    await law.close()
  }
  if (boxes !== undefined) sweepUnbegun(ctx, ctx.now(), options.onTrouble)
  return {
    origin,
    status,
    visits: () => runs.visits,
    reload,
    stopped,
    close: () => {
      closing ??= close()
      return closing
    },
  }
}
