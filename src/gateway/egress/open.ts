// The egress proxy, put together and attached to the gate's server.
import type { Server } from "node:http"
import type { AddressInfo } from "node:net"
import type { Store } from "../../store/types.ts"
import { createTokenSource } from "../../vault/oauth.ts"
import type { OpenVault } from "../../vault/open.ts"
import { createResealer } from "../../vault/reseal.ts"
import { type PlaceholderVariable, variablesOf } from "../egress-settings.ts"
import type { Front } from "../front/types.ts"
import { createHolds } from "../hold/holds.ts"
import type { HoldOptions, Holds } from "../hold/types.ts"
import type { Identify } from "../identity.ts"
import type { LawBook } from "../law.ts"
import { createLru } from "../lru.ts"
import type { Attribution } from "../types.ts"
import { createBudgets } from "./budgets.ts"
import { createCas } from "./cas.ts"
import { attachEgress, EGRESS_LIMITS, type Egress, type EgressLimits, type EgressOptions } from "./connect.ts"
import type { OnHeld } from "./deps.ts"
import { createResolver, type Parent, type Resolve } from "./dial.ts"
import { createLive } from "./live.ts"
import { createOrigins } from "./origins.ts"
import { createPipeline } from "./pipeline.ts"
import { createTrafficRecorder } from "./record.ts"
import { createRoom } from "./room.ts"
import { createSightings } from "./sightings.ts"

export interface EgressInput {
  front: Front
  law: Pick<LawBook, "current">
  identify: Identify
  store: Store
  vault: OpenVault
  /** Id of this gateway in the record. */
  gateway: string
  now: () => number
  /** Names to addresses; the system's own means where absent. */
  resolve?: Resolve | undefined
  /** Authorities to trust beside the system's, PEM. */
  ca?: readonly string[] | undefined
  parent?: Parent | undefined
  holds?: HoldOptions | undefined
  limits?: Partial<EgressLimits> | undefined
  /** Told of who waits for people. */
  onHeld?: OnHeld | undefined
  onTrouble: (error: unknown) => void
}

export interface OpenEgress extends Pick<Egress, "serve" | "cutTunnels" | "connections"> {
  holds: Holds
  /** A visit is over, and its connections with it; where its run is, all that was kept for that, too. */
  endVisit: (who: Attribution, runIsOver: boolean) => void
  /** What a run's processes are to trust, PEM. */
  certificateOf: (run: string) => Promise<string>
  /** What stands for keys in a run of an agent; none while the vault is locked. */
  placeholdersOf: (agent: string, run: string) => PlaceholderVariable[]
  /** Attaches the proxy to a server of one run's own, too: whoever comes there is `who`, whatever token is sent. `close` stops it. */
  attachTo: (
    server: Server,
    who: Attribution,
    more: Pick<EgressOptions, "ownUpgrade"> & { onRequest: () => void },
  ) => Pick<Egress, "serve" | "close">
  /** Lets held clients know, ends all connections, writes what budgets have used. */
  close: () => Promise<void>
}

/** Milliseconds between looks for what nobody answered, and for what is over. */
const SWEEP_EVERY = 30_000
/** Milliseconds that a client may take nothing of an answer. */
const STALL = 120_000
/** Hosts of runs that are remembered. */
const MET = 20_000
/** An authority that ends sooner is not given to a new run. */
const RENEW = 2 * 86_400_000

/** Attaches the proxy to `server`. Nothing is dialled and no authority is made before somebody asks for it. */
export function openEgress(server: Server, input: EgressInput): OpenEgress {
  const { front, law, identify, store, vault, gateway, now, onTrouble } = input
  const holds = createHolds(store, vault, gateway, now, input.holds)
  const budgets = createBudgets(store, now)
  let own: { address: string; port: number }[] = []
  const listening = () => {
    // Asked for each request; once there, it does not change.
    const at = own.length > 0 ? null : (server.address() as AddressInfo | null)
    if (at !== null) own = [{ address: at.address, port: at.port }]
    return own
  }
  const origins = createOrigins({ ca: input.ca, parent: input.parent, listening })
  const stopping = new AbortController()
  const authorities = createCas(now)
  const resealer = createResealer({ vault, now })
  const sightings = createSightings(now)
  const pipeline = createPipeline({
    ...{
      law: law.current,
      front,
      identify,
      holds,
      vault,
      budgets,
      origins,
      now,
      stall: STALL,
      onTrouble,
      onHeld: input.onHeld,
    },
    tokens: createTokenSource({ fetch: (url, init) => fetch(url, init), now }),
    resealer,
    met: createLru<true>(MET),
    sightings,
    room: createRoom(),
    traffic: createTrafficRecorder(store, gateway),
    resolve: withoutOwnName(input.resolve ?? createResolver()),
    stopping: stopping.signal,
  })
  const live = createLive({ ...EGRESS_LIMITS, ...input.limits })
  const caOf = (who: Attribution) => authorities.of(who.run)
  const options = { caOf, origins, onTrouble, limits: input.limits, live }
  const egress = attachEgress(server, pipeline, options)
  const sweep = () => {
    front.runs.expire()
    void holds.sweep().catch(onTrouble)
  }
  const timer = setInterval(sweep, SWEEP_EVERY).unref()
  sweep()
  return {
    holds,
    serve: egress.serve,
    cutTunnels: egress.cutTunnels,
    get connections() {
      return egress.connections
    },
    attachTo: (server, who, { onRequest, ...more }) => {
      const request: typeof pipeline.request = (arrived) => {
        onRequest()
        return pipeline.request(arrived)
      }
      return attachEgress(server, { ...pipeline, request, identify: () => who }, { ...options, ...more })
    },
    certificateOf: async (run) => (await authorities.of(run, RENEW)).certificate,
    endVisit: ({ visit, run }, runIsOver) => {
      egress.cutTunnels(({ who }) => who.visit === visit)
      if (!runIsOver) return
      resealer.end(run)
      sightings.end(run)
      authorities.drop(run)
      void holds.cancelRun(run).catch(onTrouble)
    },
    placeholdersOf: (agent, run) =>
      vault.locked
        ? []
        : vault
            .list()
            .filter(({ reach }) => reach.agents === undefined || reach.agents.includes(agent))
            .map((credential) => ({
              credential: credential.name,
              value: vault.placeholder(credential.name, run),
              names: variablesOf(credential),
            })),
    close: async () => {
      clearInterval(timer)
      stopping.abort()
      holds.close()
      egress.close()
      live.cut(() => true)
      await origins.close()
      await budgets.close()
    },
  }
}

/** What boxes ask the gate itself by: answered before the proxy is asked, and known to no name server. */
export const OWN_NAME = "nanoguard.internal"

function withoutOwnName(resolve: Resolve): Resolve {
  return async (host) => {
    if (host === OWN_NAME || host.endsWith(`.${OWN_NAME}`)) throw new Error(`${OWN_NAME} is for boxes`)
    return resolve(host)
  }
}
