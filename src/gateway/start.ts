// Opens everything that a gate needs, from what a command line said: the store, the cache, the adopted policy.
import { createHash } from "node:crypto"
import { statSync } from "node:fs"
import { hostname } from "node:os"
import { dirname, join } from "node:path"
import { adoptedPolicy } from "../approvals/adopted.ts"
import { findProject } from "../approvals/project.ts"
import type { Context } from "../context.ts"
import { EXIT, NanoguardError } from "../errors.ts"
import { stateHome } from "../home.ts"
import { importedIndexPath } from "../packages/advisories/index.ts"
import { resolveAddresses } from "../packages/registries/addresses.ts"
import { cacheDirectory } from "../packages/registries/cache.ts"
import { openStore } from "../store/open.ts"
import { createUndo } from "../undo.ts"
import { ensureVault } from "../vault/init.ts"
import { openVault } from "../vault/open.ts"
import { createDesk } from "./desk.ts"
import type { Parent } from "./egress/dial.ts"
import { type Gateway, openGateway } from "./gateway.ts"
import { keepHeapSmall, optimiseEarly } from "./heap.ts"
import { operatorOf } from "./operator.ts"
import { openUpstream } from "./upstream/open.ts"

export interface StartOptions {
  host: string
  port: number
  origin?: string
  tls?: { key: string; cert: string }
  requireToken: boolean
  /** Where approvers elsewhere reach the queue: with TLS, and a token of at least 32 characters. */
  remote?: { host: string; port: number; token: string }
  /** Which adopted policy: a directory's, or a name; the current directory's where absent. */
  project?: string
  /** Name of this gateway in the record. */
  name: string
  offline: boolean
  /** Milliseconds for which old answers serve while an upstream is down. */
  stale: number
  /** Milliseconds that a request may wait for a person. */
  wait: number
  onTrouble: (error: unknown) => void
}

/** Milliseconds between looks for advisories that were updated. */
const LOOK_EVERY = 30_000

/** The port where none is named: addresses that lockfiles record stay the same from one start to the next. */
export const DEFAULT_PORT = 8471

/** Starts a gate; its `close` ends everything that this opened. Errors: as `openGateway`, `openStore` and `adoptedPolicy`. */
export async function startGate(ctx: Context, options: StartOptions): Promise<Gateway> {
  keepHeapSmall()
  optimiseEarly()
  const gateway = options.name
  const store = await openStore(ctx, {
    gateway,
    onTrouble: (error: NanoguardError | undefined) => error && options.onTrouble(error),
  })
  const undo = createUndo()
  // Last of all, and whatever else does not close: it has to be written out.
  undo.push(() => store.close())
  try {
    const { name: project } = findProject(ctx.cwd, options.project)
    const load = async () => {
      const { policy, by, time, texts } = await adoptedPolicy(store.db, project)
      return { policy, project, adopted: { by, time }, texts }
    }
    const { ca, proxy } = await resolveAddresses(ctx, [])
    const registries = cacheDirectory(ctx)
    const upstream = await openUpstream({
      directory: registries === undefined ? undefined : join(dirname(registries), "gateway"),
      env: { ...proxy, ...ctx.env },
      ca,
      now: ctx.now,
      offline: options.offline,
      stale: options.stale,
    })
    undo.push(() => upstream.close())
    // What waits for people is kept under the vault's key, and so there is one even where nobody set a secret yet.
    await ensureVault(ctx)
    const vault = await openVault(ctx, store)
    undo.push(() => vault.close())
    const gate = await openGateway(ctx, {
      ...{ gateway, load, store, upstream, desk: createDesk(store, gateway, ctx.now) },
      ...{
        host: options.host,
        port: options.port,
        offline: options.offline,
        wait: options.wait,
        onTrouble: options.onTrouble,
      },
      egress: { vault, ca, parent: parentOf({ ...proxy, ...ctx.env }), holds: { owner: ownerOf(ctx, gateway) } },
      ...(options.origin !== undefined && { origin: options.origin }),
      ...(options.tls && { tls: options.tls }),
      ...(options.remote && { remote: options.remote }),
      ...(!options.requireToken && {
        anonymous: { agent: "local", operator: operatorOf(ctx), run: "local", boxed: false },
      }),
    })
    undo.push(() => gate.close())
    let advisories = stampOf(ctx)
    const look = async () => {
      const now = stampOf(ctx)
      if (now === advisories) return
      advisories = now
      await gate.reload()
    }
    const timer = setInterval(() => void look().catch(options.onTrouble), LOOK_EVERY).unref()
    undo.push(() => clearInterval(timer))
    return { ...gate, close: () => undo.close() }
  } catch (error) {
    await undo.close().catch(() => {})
    throw error
  }
}

/** Gates have one name everywhere unless somebody gives them others; of one state directory there is one gate at a time. */
function ownerOf(ctx: Pick<Context, "env">, name: string): string {
  const place = createHash("sha256")
    .update(`${hostname()}\0${stateHome(ctx)}`)
    .digest("hex")
    .slice(0, 16)
  return `${name}@${place}`
}

/** The proxy that leads out of a company's network, as its environment names it. */
function parentOf(env: Readonly<Record<string, string | undefined>>): Parent | undefined {
  const url = URL.parse(env["https_proxy"] ?? env["HTTPS_PROXY"] ?? "")
  if (url === null || url.protocol !== "http:") return undefined
  const user = decodeUser(`${url.username}:${url.password}`)
  return {
    ...{ host: url.hostname.replace(/^\[|\]$/g, ""), port: Number(url.port || 80) },
    ...(url.username !== "" && { authorization: `Basic ${Buffer.from(user).toString("base64")}` }),
  }
}

/** Throws `NanoguardError` (configuration) for what is not percent-encoded as an address has it; the text may be a secret. */
function decodeUser(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch (cause) {
    throw new NanoguardError("the user or password in HTTPS_PROXY is not percent-encoded", {
      exit: EXIT.configuration,
      hint: "write a percent sign in it as %25",
      cause,
    })
  }
}

/** Changes when `advisories update` puts another index in the place of the one in use. */
function stampOf(ctx: Context): string {
  const stat = statSync(importedIndexPath(ctx), { throwIfNoEntry: false })
  return stat === undefined ? "" : `${stat.ino} ${stat.mtimeMs} ${stat.size}`
}
