// `nanoguard gateway start|stop|status|reload|env`.
import { setTimeout as sleep } from "node:timers/promises"
import type { Context } from "../context.ts"
import { EXIT, type ExitCode, NanoguardError } from "../errors.ts"
import type { GateStatus, OpenedRun } from "../gateway/control.ts"
import { askGate, isGateRunning } from "../gateway/control-client.ts"
import { withEgress } from "../gateway/egress-settings.ts"
import { operatorOf } from "../gateway/operator.ts"
import { clientSettings } from "../gateway/settings.ts"
import { renderSettings, type Shell } from "../gateway/shell.ts"
import { startGate } from "../gateway/start.ts"
import { settingsDirectory, writeSettings } from "../gateway/write-settings.ts"
import { renderGateStatus, renderStarted, renderTrouble } from "../render/gateway.ts"
import { loadStyle } from "../render/style.ts"
import { readAgent } from "./agent-name.ts"
import { type GatewayStartOptions, parseLasting, readStart } from "./gateway-options.ts"

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

function signalled(): Promise<void> {
  return new Promise((resolve) => {
    process.once("SIGINT", () => resolve())
    process.once("SIGTERM", () => resolve())
  })
}
