// What the options of `nanoguard gateway start`, `exec` and `env` say, checked.
import { createPrivateKey, X509Certificate } from "node:crypto"
import { readFileSync } from "node:fs"
import { resolve } from "node:path"
import type { Context } from "../context.ts"
import { EXIT, NanoguardError } from "../errors.ts"
import { DEFAULT_PORT } from "../gateway/start.ts"
import type { UnitKind, UnitOptions } from "../gateway/units.ts"
import { parseDuration } from "../policy/duration.ts"

export interface GatewayStartOptions extends UnitOptions {
  /** `host:port` at which approvers elsewhere reach the queue. */
  control?: string
  controlTokenFile?: string
  unit?: UnitKind
  format?: "text" | "json"
  color?: boolean
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

/** Milliseconds of a duration such as `30m`, `12h` or `7d`. Errors: usage. */
export function parseLasting(text: string): number {
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
