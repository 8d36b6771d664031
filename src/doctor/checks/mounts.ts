// The directories that policy mounts into boxes besides the workspace.
import { existsSync, lstatSync, realpathSync, statSync } from "node:fs"
import { homedir } from "node:os"
import { join, resolve } from "node:path"
import { keyDirectory } from "../../approvals/keys.ts"
import { dataHome, stateHome } from "../../home.ts"
import { isInside } from "../../vault/key-file.ts"
import type { Check, Tools } from "../types.ts"

/** Places of a person's own secrets, below their home. */
const PRIVATE = [".ssh", ".gnupg", ".aws", ".config/gcloud", ".azure", ".kube", ".docker", ".password-store"]

const ENGINE_SOCKETS = [
  "/var/run/docker.sock",
  "/run/docker.sock",
  "/run/podman/podman.sock",
  "/run/containerd/containerd.sock",
]

/** Whether each of `sandbox.mounts` is there, and gives the box nothing that it must not have. */
export const mountsCheck: Check = {
  id: "mounts",
  title: "Mounts",
  run: async ({ ctx, law: read }) => {
    const { adopted } = await read()
    if (adopted === undefined || typeof adopted === "string")
      return { state: "skip", why: "no policy is in force that could name any" }
    const mounts = adopted.policy.sandbox.mounts ?? []
    const facts = { mounts: mounts.map(({ path, write }) => `${path}${write ? " (write)" : ""}`) }
    for (const { path } of mounts) {
      const problem = judgeMount(ctx, path)
      if (problem !== undefined) return { state: "fail", facts, why: problem, fix: "nanoguard policy check" }
    }
    return { state: "ok", facts, why: mounts.length === 0 ? "the workspace alone" : `${mounts.length}, all there` }
  },
}

/** Why a path of the host must not be in a box; undefined where it may. `~/` is the person's home. */
function judgeMount(ctx: Tools["ctx"], path: string): string | undefined {
  const home = ctx.env["HOME"] || homedir()
  const full = path.startsWith("~/") ? join(home, path.slice(2)) : resolve(ctx.cwd, path)
  const stat = lstatSync(full, { throwIfNoEntry: false })
  if (stat === undefined) return `${path} is not there`
  const real = realpathSync(full)
  if (statSync(real).isSocket()) return `${path} is a socket: whoever answers on it would work for the agent`
  for (const own of [stateHome(ctx), dataHome(ctx), keyDirectory(ctx)])
    if (existsSync(own) && (isInside(real, own) || isInside(own, real)))
      return `${path} would give the box nanoguard's own data`
  for (const secret of PRIVATE.map((name) => join(home, name)))
    if (existsSync(secret) && (isInside(real, secret) || isInside(secret, real)))
      return `${path} would give the box ${secret}`
  const socket = ENGINE_SOCKETS.find((one) => existsSync(one) && isInside(real, one))
  return socket && `${path} would give the box ${socket}, and with it this machine`
}
