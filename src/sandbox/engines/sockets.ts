// Who reaches an engine's socket is root, or the person: no mount may bring one into a box.
import { existsSync, lstatSync, realpathSync } from "node:fs"
import { join, relative, sep } from "node:path"
import type { Context } from "../../context.ts"
import { EXIT, NanoguardError } from "../../errors.ts"
import { cleanText } from "../../render/clean.ts"
import type { BoxMount } from "../types.ts"

// Sockets, and directories of which engines keep theirs in some subdirectory.
const SYSTEM = [
  ...["/run/docker.sock", "/run/docker", "/run/containerd", "/run/podman", "/run/crio", "/run/buildkit", "/run/k3s"],
  ...["/run/libpod", "/run/cri-dockerd.sock", "/run/snap.docker", "/run/dockershim.sock"],
]
const OF_HOME = [
  ".docker/run",
  ".docker/desktop",
  ".colima",
  ".lima",
  ".orbstack",
  ".rd",
  ".local/share/containers/podman",
]

/**
 * Throws `NanoguardError` (configuration) where a mount's source is an engine's socket, lies beside one in an engine's own directory
 * or contains one; and where it is a socket, a device or a pipe of any kind. Links are followed first.
 */
export function refuseSockets(ctx: Pick<Context, "env">, mounts: readonly BoxMount[]): void {
  const places = enginePlaces(ctx.env)
  for (const mount of mounts) {
    if (mount.kind !== "bind") continue
    const source = realSource(mount.source)
    const at = lstatSync(source)
    if (!at.isFile() && !at.isDirectory()) throw refusal(source, "is neither a file nor a directory")
    const place = places.find((path) => contains(source, path) || contains(path, source))
    if (place !== undefined) throw refusal(source, `reaches the container engine at ${cleanText(place)}`)
  }
}

function enginePlaces(env: Context["env"]): string[] {
  const named = [env["DOCKER_HOST"], env["CONTAINER_HOST"], env["CONTAINERD_ADDRESS"], env["BUILDKIT_HOST"]]
  const runtime = env["XDG_RUNTIME_DIR"]
  const paths = [
    ...SYSTEM.flatMap((path) => [path, path.replace(/^\/run\//, "/var/run/")]),
    ...OF_HOME.flatMap((path) => (env["HOME"] ? [join(env["HOME"], path)] : [])),
    ...(runtime ? [join(runtime, "docker.sock"), join(runtime, "docker"), join(runtime, "podman")] : []),
    ...named
      .flatMap((value) => (value ? [value.replace(/^unix:\/\//, "")] : []))
      .filter((path) => path.startsWith("/")),
  ]
  return paths.filter((path) => existsSync(path)).map((path) => realpathSync(path))
}

const contains = (outer: string, inner: string) => {
  const below = relative(outer, inner)
  return below !== ".." && !below.startsWith(`..${sep}`)
}

function realSource(source: string): string {
  try {
    return realpathSync(source)
  } catch (cause) {
    throw new NanoguardError(`what the box is to see does not exist: ${cleanText(source)}`, {
      ...{ exit: EXIT.configuration, cause },
      hint: "check sandbox.mounts of the policy",
    })
  }
}

const refusal = (source: string, why: string) =>
  new NanoguardError(`${cleanText(source)} cannot be mounted: it ${why}`, {
    exit: EXIT.configuration,
    hint: "whoever reaches an engine's socket controls this machine; mount a directory of the project instead",
  })
