// The commands of docker and podman that make images. With the person's own settings: they are logged in at registries.
import type { Context, ExecResult } from "../../context.ts"
import { EXIT, NanoguardError } from "../../errors.ts"
import { cleanText } from "../../render/clean.ts"
import { dockerEndpoint } from "../engines/dockerEndpoint.ts"
import { engineEnv, findProgram } from "../engines/program.ts"

export type ImageEngine = "docker" | "podman"

/** Milliseconds for what an engine knows, and for what it has to fetch or make. */
const ANSWER = 20_000
const WORK = 15 * 60_000

// As the engines of boxes have them, so that what is built is where they look, and what a registry wants of the person.
const VARIABLES = [
  ...["HOME", "USER", "LOGNAME", "LANG", "TMPDIR", "DBUS_SESSION_BUS_ADDRESS", "DOCKER_CONFIG", "REGISTRY_AUTH_FILE"],
  ...["XDG_RUNTIME_DIR", "XDG_CONFIG_HOME", "XDG_DATA_HOME"],
  ...["CONTAINERS_CONF", "CONTAINERS_STORAGE_CONF", "STORAGE_DRIVER", "STORAGE_OPTS"],
]

/** Runs the engine; resolves whatever its exit code. Errors: environment (not there, hangs). */
export async function runImageEngine(
  ctx: Pick<Context, "env" | "cwd" | "exec">,
  engine: ImageEngine,
  args: readonly string[],
  timeout = ANSWER,
): Promise<ExecResult> {
  const file = findProgram(ctx, engine)
  if (file === undefined) throw failed(`${engine} is not installed`, "nanoguard doctor")
  const endpoint = engine === "docker" ? dockerEndpoint(ctx) : undefined
  if (endpoint && "why" in endpoint) throw failed(endpoint.why, endpoint.how)
  const before = endpoint ? ["--host", `unix://${endpoint.socket}`] : []
  const options = { env: engineEnv(ctx, VARIABLES), timeout, maxBuffer: 8 * 1024 * 1024 }
  try {
    return await ctx.exec(file, [...before, ...args], options)
  } catch (cause) {
    throw failed(
      `${engine} ${args[0]} did not end within ${timeout / 1000} s, or could not start`,
      "nanoguard doctor",
      cause,
    )
  }
}

/** As `runImageEngine`, for what takes time; throws `NanoguardError` (environment) with the end of what it said where it fails. */
export async function mustRun(
  ctx: Pick<Context, "env" | "cwd" | "exec">,
  engine: ImageEngine,
  args: readonly string[],
  what: string,
): Promise<string> {
  const { exitCode, stdout, stderr } = await runImageEngine(ctx, engine, args, WORK)
  if (exitCode === 0) return stdout
  const said = (stderr.trim() || stdout.trim()).split("\n").slice(-3).join(" ")
  throw failed(`${engine} could not ${what}: ${cleanText(said, 400)}`, "nanoguard doctor says how the engine stands")
}

/** An image of the engine's own store. */
export interface ImageFacts {
  /** `sha256:` and 64 hex digits. */
  id: string
  /** By which registries know it: `name@sha256:...`. */
  digests: readonly string[]
}

/** What the engine has by a reference; undefined where it has none. */
export async function findImage(
  ctx: Pick<Context, "env" | "cwd" | "exec">,
  engine: ImageEngine,
  reference: string,
): Promise<ImageFacts | undefined> {
  const args = ["image", "inspect", "--format", "{{.Id}} {{json .RepoDigests}}", reference]
  const { exitCode, stdout } = await runImageEngine(ctx, engine, args)
  const [, id, digests = "null"] = /^(?:sha256:)?([0-9a-f]{64}) (.*)$/m.exec(exitCode === 0 ? stdout : "") ?? []
  if (id === undefined) return undefined
  return { id: `sha256:${id}`, digests: (JSON.parse(digests) as string[] | null) ?? [] }
}

function failed(message: string, hint: string, cause?: unknown): NanoguardError {
  return new NanoguardError(message, { exit: EXIT.environment, hint, cause })
}
