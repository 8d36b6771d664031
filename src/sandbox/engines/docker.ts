// Docker: the daemon of this machine, the system's or the person's own.
import { existsSync, statSync } from "node:fs"
import { release } from "node:os"
import { join } from "node:path"
import type { Context } from "../../context.ts"
import { EXIT, NanoguardError } from "../../errors.ts"
import { stateHome } from "../../home.ts"
import { cleanText } from "../../render/clean.ts"
import type { BoxSpec, Engine, FoundBox, Launch } from "../types.ts"
import { boxCommands, type EngineCli, engineCli, mustAnswer } from "./cli.ts"
import { keepFiles } from "./container-files.ts"
import { askDocker, DESKTOP, dockerEndpoint } from "./dockerEndpoint.ts"
import { dockerReport } from "./dockerReport.ts"
import { foundBox, stateLabel } from "./labels.ts"
import { LOG_BYTES, type OciHost, ociArguments } from "./oci.ts"
import { engineEnv, findProgram } from "./program.ts"
import { refuseSockets } from "./sockets.ts"
import { rootWarnings, runtimeWarnings } from "./warnings.ts"

const GET_DOCKER = "install Docker Engine (apt-get install docker.io), or Podman, or use --engine bubblewrap"
const MAX_VOLUMES = 20

/** The engine; nothing is asked of the machine before a method is called. */
export function createDocker(ctx: Context): Engine {
  const cli: EngineCli = (args, timeout) => {
    const found = openCli(ctx)
    if ("why" in found) throw unavailable(found)
    return engineCli(ctx, "docker", found)(args, timeout)
  }
  const list = async () => {
    // Where there is no daemon nothing of its runs.
    const endpoint = dockerEndpoint(ctx)
    if ("why" in endpoint || !existsSync(endpoint.socket)) return []
    const format = '{{.ID}}\t{{.Names}}\t{{.State}}\t{{.Label "nanoguard.run"}}\t{{.Label "nanoguard.agent"}}'
    const filter = `label=nanoguard.state=${stateLabel(ctx)}`
    const args = ["ps", "--all", "--no-trunc", "--filter", filter, "--format", format]
    return listed(mustAnswer("docker", "list boxes", await cli(args)))
  }
  const commands = boxCommands("docker", cli, list)
  return {
    name: "docker",
    images: true,
    missing: (runtime) => dockerMissing(ctx, runtime),
    probe: async () => {
      const missing = await dockerMissing(ctx)
      if (missing !== undefined) return { engine: "docker", available: false, isolation: [], warnings: [], missing }
      const info = await cli(["info", "--format", "{{json .}}"])
      return dockerReport(mustAnswer("docker", "say what it is", info), { rootless: isRootless(ctx) })
    },
    launch: (spec) => dockerLaunch(ctx, spec),
    list,
    ...commands,
    // After every box, and docker itself removed nearly all of them: a word with the daemon costs less than a process.
    remove: async (box) => {
      if (!(await isGone(ctx, box))) await commands.remove(box)
    },
  }
}

function listed(output: string): FoundBox[] {
  return output.split("\n").flatMap((line) => {
    const [handle = "", name = "", state = "", run, agent] = line.split("\t")
    return foundBox("docker", { handle, name, state, run, agent }) ?? []
  })
}

async function dockerLaunch(ctx: Context, spec: BoxSpec): Promise<Launch> {
  const found = openCli(ctx)
  if ("why" in found) throw unavailable(found)
  refuseSockets(ctx, spec.mounts)
  const volumes = await imageVolumes(found.socket, spec.image ?? "")
  // The person is root in the namespace of a rootless daemon; any other number is a stranger to the workspace.
  const rootless = isRootless(ctx)
  const user = rootless ? { uid: 0, gid: 0 } : spec.user
  const host: OciHost = {
    state: stateLabel(ctx),
    files: keepFiles(ctx, { ...spec, user }),
    user,
    selinux: existsSync("/sys/fs/selinux/enforce"),
    cgroups: true,
    tmpfs: ({ size }, { uid, gid }) => `,uid=${uid},gid=${gid},nr_inodes=${Math.max(1024, Math.ceil(size / 4096))}`,
    bind: [],
    more: [
      ...["--log-driver", "json-file", "--log-opt", `max-size=${LOG_BYTES}`, "--log-opt", "max-file=1"],
      // Keys of the person's are the agent's: docker would leave at Ctrl-P Ctrl-Q. These cannot be typed by accident.
      ...["--detach-keys", "ctrl-@,ctrl-_,ctrl-@,ctrl-_"],
      // Its client passes on whatever signal it gets (ctrl-Z, a service that is stopped), and where no other is named a container that stands
      // still goes on for any of them. The relay takes this one, which nobody sends by accident, for SIGTERM.
      ...["--stop-signal", "SIGPWR"],
      ...(spec.runtime === undefined ? [] : ["--runtime", spec.runtime]),
    ],
    volumes,
  }
  const args = [...found.args, ...ociArguments(spec, host)]
  const warnings = [...(rootless ? [] : rootWarnings(spec.user)), ...runtimeWarnings(spec.runtime)]
  return { file: found.file, args, env: found.env, warnings }
}

/** The program as it is always called: without the person's settings, which add proxies, headers and keys, and other daemons. */
function openCli(ctx: Context) {
  const endpoint = dockerEndpoint(ctx)
  if ("why" in endpoint) return endpoint
  const file = findProgram(ctx, "docker")
  if (file === undefined) return { why: "docker is not installed", how: GET_DOCKER }
  const settings = join(stateHome(ctx), "engines", "docker")
  const args = ["--config", settings, "--host", `unix://${endpoint.socket}`]
  return { file, args, socket: endpoint.socket, env: engineEnv(ctx, ["HOME", "TERM", "LANG", "TMPDIR"]) }
}

/** Whether the daemon says that there is no such container any more. */
async function isGone(ctx: Context, { handle }: FoundBox): Promise<boolean> {
  const endpoint = dockerEndpoint(ctx)
  if ("why" in endpoint) return false
  const path = `/containers/${encodeURIComponent(handle)}/json`
  return askDocker(endpoint.socket, path).then(
    ({ status }) => status === 404,
    () => false,
  )
}

/** Of a daemon that belongs to the person and not to root. */
function isRootless(ctx: Context): boolean {
  const endpoint = dockerEndpoint(ctx)
  const uid = "socket" in endpoint ? statSync(endpoint.socket, { throwIfNoEntry: false })?.uid : undefined
  return uid !== undefined && uid !== 0
}

async function dockerMissing(ctx: Context, runtime?: string) {
  if (process.platform !== "linux") return DESKTOP
  const found = openCli(ctx)
  if ("why" in found) return { why: found.why, how: found.how }
  try {
    await askDocker(found.socket, "/_ping")
    if (isWsl() && (await isDesktop(found.socket))) return DESKTOP
  } catch (error) {
    return silent(found.socket, error as NodeJS.ErrnoException)
  }
  return runtime === undefined ? undefined : runtimeMissing(found.socket, runtime)
}

// There Docker Desktop answers at the usual path; elsewhere its socket has a path of its own.
const isWsl = () => /microsoft/i.test(release())

async function isDesktop(socket: string): Promise<boolean> {
  const { body } = await askDocker(socket, "/version")
  return /desktop/i.test(String((body as { Platform?: { Name?: unknown } } | undefined)?.Platform?.Name))
}

function silent(socket: string, { code }: NodeJS.ErrnoException): { why: string; how: string } {
  const at = cleanText(socket, 120)
  if (code === "EACCES")
    return {
      why: `you may not use Docker's socket ${at}`,
      how: "use rootless Docker or Podman; joining the group docker makes every program of yours root on this machine",
    }
  if (code === "ENOENT" || code === "ECONNREFUSED")
    return { why: `no Docker daemon runs at ${at}`, how: "start it: systemctl start docker" }
  return { why: `the Docker daemon at ${at} does not answer`, how: "restart it: systemctl restart docker" }
}

async function runtimeMissing(socket: string, runtime: string) {
  const { body } = await askDocker(socket, "/info")
  const runtimes = (body as { Runtimes?: Record<string, unknown> } | undefined)?.Runtimes ?? {}
  if (Object.hasOwn(runtimes, runtime)) return undefined
  const name = cleanText(runtime, 60)
  return {
    why: `Docker has no runtime ${name}`,
    how: `install ${name} and name it under "runtimes" in /etc/docker/daemon.json (for gVisor: runsc install -- --host-uds=open)`,
  }
}

/** What the image declares as volumes. Throws `NanoguardError` where the image is not there: the engine would say so much later. */
async function imageVolumes(socket: string, image: string): Promise<string[]> {
  const path = image.split("/").map(encodeURIComponent).join("/")
  const { status, body } = await askDocker(socket, `/images/${path}/json`, 10_000)
  if (status === 404) throw imageMissing(image)
  const volumes = Object.keys((body as { Config?: { Volumes?: object | null } } | undefined)?.Config?.Volumes ?? {})
  if (volumes.length <= MAX_VOLUMES) return volumes
  throw new NanoguardError("the image declares too many volumes", { exit: EXIT.environment, hint: "use another image" })
}

const imageMissing = (image: string) =>
  new NanoguardError(`Docker has no image ${cleanText(image, 120)}`, {
    exit: EXIT.environment,
    hint: "build the one that nanoguard init wrote, or docker pull it; a box fetches no image by itself",
  })

const unavailable = ({ why, how }: { why: string; how: string }) =>
  new NanoguardError(why, { exit: EXIT.environment, hint: how })
