// `nanoguard gateway start|stop|status|reload|env`.
import { createPrivateKey, X509Certificate } from "node:crypto"
import { readFileSync } from "node:fs"
import { resolve } from "node:path"
import { setTimeout as sleep } from "node:timers/promises"
import type { Context } from "../context.ts"
import { EXIT, type ExitCode, NanoguardError } from "../errors.ts"
import type { GateStatus, OpenedRun } from "../gateway/control.ts"
import { askGate, isGateRunning } from "../gateway/control-client.ts"
import { withEgress } from "../gateway/egress-settings.ts"
import { clientSettings } from "../gateway/settings.ts"
import { renderSettings, type Shell } from "../gateway/shell.ts"
import { DEFAULT_PORT, operatorOf, startGate } from "../gateway/start.ts"
import type { UnitKind, UnitOptions } from "../gateway/units.ts"
import { settingsDirectory, writeSettings } from "../gateway/write-settings.ts"
import { parseDuration } from "../policy/duration.ts"
import { renderGateStatus, renderStarted, renderTrouble } from "../render/gateway.ts"
import { loadStyle } from "../render/style.ts"

export interface GatewayStartOptions extends UnitOptions {
  /** `host:port` at which approvers elsewhere reach the queue. */
  control?: string
  controlTokenFile?: string
  unit?: UnitKind
  format?: "text" | "json"
  color?: boolean
}

type Formatted = { format?: "text" | "json"; color?: boolean }

/**
 * Runs the gate in the foreground until it is told to stop. Exit: ok; usage; configuration where no adopted policy comes into force;
 * environment where it cannot listen or the store is out of order.
 */
export async function gatewayStart(ctx: Context, options: GatewayStartOptions): Promise<{ exit: ExitCode }> {
  if (options.unit !== undefined) {
    const { renderUnit } = await import("../gateway/units.ts")
    ctx.stdout.write(renderUnit(ctx, options.unit, options))
    return { exit: EXIT.ok }
  }
  if (await isGateRunning(ctx)) {
    throw new NanoguardError("a gateway runs here already", {
      exit: EXIT.environment,
      hint: "look at it with `nanoguard gateway status`, or end it with `nanoguard gateway stop`",
    })
  }
  const style = await loadStyle(ctx.stderr, ctx.env, options.color)
  const gate = await startGate(ctx, {
    ...readStart(ctx, options),
    onTrouble: (error) => ctx.stderr.write(renderTrouble(error, style)),
  })
  ctx.stdout.write(renderStarted(await gate.status(), options.format ?? "text"))
  const onHangup = () => void gate.reload().catch((error: unknown) => ctx.stderr.write(renderTrouble(error, style)))
  process.on("SIGHUP", onHangup)
  await Promise.race([gate.stopped, signalled()])
  process.off("SIGHUP", onHangup)
  await gate.close()
  return { exit: EXIT.ok }
}

/** What `start` and `exec` open a gate with. */
export function readStart(ctx: Context, options: GatewayStartOptions) {
  const { tlsKey, tlsCert } = options
  if ((tlsKey === undefined) !== (tlsCert === undefined)) {
    throw new NanoguardError("--tls-key and --tls-cert belong together", { exit: EXIT.usage, hint: "give both" })
  }
  return {
    host: options.host ?? "127.0.0.1",
    port: readPort(options.port),
    name: options.name ?? "gateway",
    requireToken: options.requireToken === true,
    offline: options.offline === true,
    stale: readStale(options.stale),
    wait: readWait(options.wait),
    ...(options.origin !== undefined && { origin: readOrigin(options.origin) }),
    ...(options.project !== undefined && { project: options.project }),
    ...(tlsKey !== undefined && { tls: readTls(ctx, tlsKey, tlsCert!) }),
    ...(options.control !== undefined && { remote: readRemote(ctx, options.control, options.controlTokenFile) }),
  }
}

/** Milliseconds for a gate to end: more than it gives to what is under way. */
const PATIENCE = 15_000

/**
 * Tells the gate of this state directory to stop, and waits until it is gone. Exit: ok; environment where none runs, or where it is still
 * ending what is under way.
 */
export async function gatewayStop(ctx: Context, options: Formatted): Promise<{ exit: ExitCode }> {
  const { pid } = (await askGate<GateStatus>(ctx, "GET", "/v1/status"))!
  await askGate(ctx, "POST", "/v1/stop")
  if (!(await isGone(ctx, pid))) {
    throw new NanoguardError("the gateway takes no more requests, and still ends what is under way", {
      exit: EXIT.environment,
      hint: `look at process ${pid}; \`nanoguard gateway exec\` stays for as long as its command`,
    })
  }
  const json = options.format === "json"
  ctx.stdout.write(
    json ? '{"schema":"nanoguard.gateway-stop/1","stopping":true,"stopped":true}\n' : "The gateway is stopped.\n",
  )
  return { exit: EXIT.ok }
}

/** Whether the gate ended in time: it does not answer, and its process, where that is another than this one, is no more. */
async function isGone(ctx: Context, pid: number): Promise<boolean> {
  const end = performance.now() + PATIENCE
  while (performance.now() < end) {
    if (!(await isGateRunning(ctx)) && (pid === process.pid || !isAlive(pid))) return true
    await sleep(50)
  }
  return false
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0)
  } catch (error) {
    // Somebody else's process is one, too.
    return (error as NodeJS.ErrnoException).code === "EPERM"
  }
}

/** Shows the gate of this state directory. Exit: ok; findings where a reload kept an old policy; environment where none runs. */
export async function gatewayStatus(ctx: Context, options: Formatted): Promise<{ exit: ExitCode }> {
  const status = (await askGate<GateStatus>(ctx, "GET", "/v1/status"))!
  const style = await loadStyle(ctx.stdout, ctx.env, options.color)
  ctx.stdout.write(renderGateStatus(status, options.format ?? "text", style, ctx.now()))
  return { exit: status.kept === undefined ? EXIT.ok : EXIT.findings }
}

/** Has the gate load the adopted policy anew. Exit: ok; configuration where it kept the old one. */
export async function gatewayReload(ctx: Context, options: Formatted): Promise<{ exit: ExitCode }> {
  const result = (await askGate<{ hash: string; changed: boolean }>(ctx, "POST", "/v1/reload"))!
  const text = result.changed ? `In force now: policy ${result.hash}\n` : `Nothing changed: policy ${result.hash}\n`
  ctx.stdout.write(
    options.format === "json" ? `${JSON.stringify({ schema: "nanoguard.gateway-reload/1", ...result })}\n` : text,
  )
  return { exit: EXIT.ok }
}

export interface GatewayEnvOptions extends Formatted {
  agent?: string
  run?: string
  operator?: string
  lasts?: string
  shell?: Shell
  /** Whether all requests go through the gate; as the policy has rules for them where absent. */
  network?: boolean
}

/** Prints what points package managers of a shell at the gate, with a token of its own. Exit: ok; environment where no gate runs. */
export async function gatewayEnv(ctx: Context, options: GatewayEnvOptions): Promise<{ exit: ExitCode }> {
  const { egress, ...opened } = (await askGate<OpenedRun>(ctx, "POST", "/v1/runs", {
    agent: readAgent(options.agent ?? ctx.env["NANOGUARD_AGENT"] ?? "local"),
    operator: options.operator ?? operatorOf(ctx),
    boxed: false,
    lasts: parseLasting(options.lasts ?? "12h"),
    ...(options.run !== undefined && { run: readAgent(options.run) }),
  }))!
  const directory = settingsDirectory(ctx, opened.origin)
  const packages = clientSettings({ base: opened.origin, token: opened.token, directory, env: ctx.env })
  const settings = withEgress(packages, { ...opened, ...(egress && { egress }) }, directory, options.network)
  writeSettings(directory, settings.files)
  if (options.format === "json") {
    ctx.stdout.write(`${JSON.stringify({ schema: "nanoguard.gateway-env/1", ...opened, ...settings })}\n`)
  } else ctx.stdout.write(renderSettings(settings, options.shell ?? "posix"))
  return { exit: EXIT.ok }
}

/** A name of an agent or run: it ends in the record, in cards and in file names. */
export function readAgent(name: string): string {
  if (/^[A-Za-z0-9][A-Za-z0-9._@-]{0,63}$/.test(name)) return name
  throw new NanoguardError("that is no name for an agent or a run", {
    exit: EXIT.usage,
    hint: "use up to 64 letters, digits, dots, dashes and underscores",
  })
}

function readPort(text: string | undefined): number {
  const port = text === undefined ? DEFAULT_PORT : Number(text)
  if (Number.isInteger(port) && port >= 0 && port < 65_536 && text !== "") return port
  throw new NanoguardError("--port wants a number from 0 to 65535", {
    exit: EXIT.usage,
    hint: "0 takes any that is free",
  })
}

/** Where approvers elsewhere come in, and what they have to know. */
function readRemote(ctx: Pick<Context, "cwd">, address: string, tokenFile: string | undefined) {
  const found = /^(.+):(\d{1,5})$/.exec(address)
  if (found === null || tokenFile === undefined)
    throw new NanoguardError("--control wants an address and --control-token-file", {
      exit: EXIT.usage,
      hint: "such as --control 0.0.0.0:8472 --control-token-file /run/keys/control",
    })
  const host = found[1]!.replace(/^\[|\]$/g, "")
  try {
    return { host, port: Number(found[2]), token: readFileSync(resolve(ctx.cwd, tokenFile), "utf8").trim() }
  } catch (cause) {
    throw new NanoguardError("the control token cannot be read", {
      exit: EXIT.usage,
      hint: "name a file that only you may read",
      where: { file: tokenFile },
      cause,
    })
  }
}

function readOrigin(text: string): string {
  const url = URL.parse(text)
  if (url !== null && /^https?:$/.test(url.protocol) && url.pathname === "/" && url.search === "") return url.origin
  throw new NanoguardError("--origin wants an address such as https://gate.acme.example", { exit: EXIT.usage })
}

function readStale(text: string | undefined): number {
  return text === undefined || text === "0" ? 0 : parseLasting(text)
}

/** Seconds; longer than ten of them no client should be held. */
function readWait(text = "0"): number {
  if (/^([0-9]|10)s?$/.test(text)) return Number.parseInt(text, 10) * 1000
  throw new NanoguardError("--wait wants seconds from 0 to 10", { exit: EXIT.usage, hint: "0 answers at once" })
}

function parseLasting(text: string): number {
  if (/^(?:[1-9]\d{0,5})[mhdwy]$/.test(text)) return parseDuration(text)
  throw new NanoguardError("that is no duration", { exit: EXIT.usage, hint: "write it as 30m, 12h or 7d" })
}

/** A key and the chain that begins with its certificate, both PEM. */
function readTls(ctx: Context, keyFile: string, certFile: string): { key: string; cert: string } {
  const [key, cert] = [readPem(ctx, keyFile), readPem(ctx, certFile)]
  const parse = <T>(file: string, what: string, read: () => T): T => {
    try {
      return read()
    } catch (cause) {
      const hint = `it has to be ${what}, in PEM`
      throw new NanoguardError("the file cannot be used for TLS", { exit: EXIT.usage, hint, where: { file }, cause })
    }
  }
  const secret = parse(keyFile, "a private key without a passphrase", () => createPrivateKey(key))
  const own = parse(certFile, "a certificate chain", () => new X509Certificate(cert))
  if (own.checkPrivateKey(secret)) return { key, cert }
  throw new NanoguardError("--tls-key is not the key of --tls-cert", {
    exit: EXIT.usage,
    hint: "the chain begins with the gate's own certificate",
  })
}

function readPem(ctx: Context, path: string): string {
  try {
    return readFileSync(resolve(ctx.cwd, path), "utf8")
  } catch (cause) {
    const hint = "look at its name and at who may read it"
    throw new NanoguardError("the file cannot be read", { exit: EXIT.usage, where: { file: path }, hint, cause })
  }
}

function signalled(): Promise<void> {
  return new Promise((resolve) => {
    process.once("SIGINT", () => resolve())
    process.once("SIGTERM", () => resolve())
  })
}
