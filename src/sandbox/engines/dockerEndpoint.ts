// Which Docker daemon the person means, as the docker command line finds it, and a word with it without starting a process.
import { createHash } from "node:crypto"
import { existsSync, readFileSync, statSync } from "node:fs"
import { get } from "node:http"
import { connect } from "node:net"
import { join } from "node:path"
import type { Context } from "../../context.ts"
import { cleanText } from "../../render/clean.ts"

/** A daemon on this machine by its socket, or why there is none that boxes can run in. */
export type DockerEndpoint = { socket: string } | { why: string; how: string }

const DEFAULT = "/var/run/docker.sock"
const MAX_FILE = 1024 * 1024
const MAX_ANSWER = 8 * 1024 * 1024

/** `DOCKER_HOST`, else the current context, else the system's daemon, else the person's own (rootless) one. Reads files only. */
export function dockerEndpoint({ env }: Pick<Context, "env">): DockerEndpoint {
  const host = env["DOCKER_HOST"] || contextHost(env)
  if (host === undefined) {
    const own = env["XDG_RUNTIME_DIR"] && join(env["XDG_RUNTIME_DIR"], "docker.sock")
    return { socket: own && !existsSync(DEFAULT) && existsSync(own) ? own : DEFAULT }
  }
  const socket = /^unix:\/\/(\/[^\p{Cc}]*)$/u.exec(host)?.[1]
  if (socket === undefined)
    return { why: `Docker runs elsewhere: ${cleanText(host.replace(/\/\/[^@/]*@/, "//"), 100)}`, how: LOCAL }
  if (socket.includes("/.docker/desktop/")) return DESKTOP
  return { socket }
}

const LOCAL =
  "a box needs the gate's Unix socket, so its engine must run on this machine: unset DOCKER_HOST, docker context use default"

/** Why Docker Desktop runs no box. */
export const DESKTOP = {
  why: "Docker Desktop runs containers in a virtual machine, into which the gate's Unix socket cannot be mounted",
  how: "use Docker Engine or Podman of this machine's own on Linux, Apple container (1.1.0 and later) on macOS, or --engine bubblewrap on Linux",
}

/** The host of the current context (`docker context`): undefined for the default one; an unreadable one is named. */
function contextHost(env: Context["env"]): string | undefined {
  const config = env["DOCKER_CONFIG"] || (env["HOME"] ? join(env["HOME"], ".docker") : undefined)
  if (config === undefined) return undefined
  const settings = readJson(join(config, "config.json")) as { currentContext?: unknown } | undefined
  const name = env["DOCKER_CONTEXT"] || settings?.currentContext
  if (typeof name !== "string" || name === "" || name === "default") return undefined
  const digest = createHash("sha256").update(name).digest("hex")
  const meta = readJson(join(config, "contexts", "meta", digest, "meta.json")) as
    | { Endpoints?: { docker?: { Host?: unknown } } }
    | undefined
  const host = meta?.Endpoints?.docker?.Host
  return typeof host === "string" ? host : `context ${name}`
}

function readJson(path: string): unknown {
  try {
    return statSync(path).size > MAX_FILE ? undefined : JSON.parse(readFileSync(path, "utf8"))
  } catch {
    return undefined
  }
}

/** An answer of the daemon: `undefined` where it is no JSON. Rejects with the system's error where nobody answers in time. */
export function askDocker(
  socketPath: string,
  path: string,
  milliseconds = 3_000,
): Promise<{ status: number; body: unknown }> {
  return new Promise((resolve, reject) => {
    const signal = AbortSignal.timeout(milliseconds)
    const request = get(
      { createConnection: () => connect(socketPath), path, signal, headers: { host: "docker" } },
      (response) => {
        let text = ""
        response.setEncoding("utf8")
        response.on("data", (chunk: string) => {
          text += chunk
          if (text.length > MAX_ANSWER) request.destroy(new Error("the daemon's answer is too long"))
        })
        response.on("error", reject)
        response.on("end", () => resolve({ status: response.statusCode ?? 0, body: parsed(text) }))
      },
    )
    request.on("error", reject)
  })
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
