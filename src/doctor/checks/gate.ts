// The gate of this state directory.
import { lstatSync } from "node:fs"
import { dirname } from "node:path"
import { controlPath } from "../../gateway/control-path.ts"
import type { Check, Finding, Tools } from "../types.ts"

/** Whether one runs, is well, and can be commanded by its owner alone. */
export const gateCheck: Check = {
  id: "gate",
  title: "Gate",
  run: async (tools) => {
    const open = findOpenControl(tools.ctx)
    if (open !== undefined) return { state: "fail", why: open.why, fix: open.fix }
    const status = await tools.gate()
    if (!status) return { state: "ok", facts: { running: false }, why: "none runs; `nanoguard run` opens its own" }
    const { origin, pid, version, runs, kept, policy, egress, offline } = status
    const health = await readHealth(tools, origin)
    const facts = {
      ...{ running: true, origin, pid, version, runs, project: policy.project, offline },
      ...(health !== undefined && { health }),
      ...(egress && { rules: egress.rules, mode: egress.mode, held: egress.held }),
    }
    return { ...judge(kept, health, origin, pid), facts }
  },
}

function judge(kept: string | undefined, health: string | undefined, origin: string, pid: number): Finding {
  if (kept !== undefined)
    return { state: "warn", why: `its last reload kept the policy before: ${kept}`, fix: "nanoguard gateway reload" }
  if (health === "fail")
    return {
      ...{ state: "fail", fix: "nanoguard gateway status" },
      why: "it says that it is ill: what it cannot record it does not release",
    }
  if (health === "warn")
    // An old policy was told of above, and nothing else is a warning. A gate takes up new advisories by itself.
    return { state: "warn", why: "its advisories are older than 7 days", fix: "nanoguard advisories update" }
  return { state: "ok", why: `runs at ${origin} (process ${pid})` }
}

/** What the gate says of itself; undefined where its address is not to be reached from here (TLS of a name, another host). */
async function readHealth({ ctx }: Tools, origin: string): Promise<string | undefined> {
  try {
    const response = await ctx.fetch(`${origin}/-/health`, { signal: AbortSignal.timeout(3000), redirect: "error" })
    const { status } = (await response.json()) as { status?: unknown }
    return status === "pass" || status === "warn" || status === "fail" ? status : undefined
  } catch {
    return undefined
  }
}

/** Whoever may open the control socket may approve: it must be its owner's alone. */
function findOpenControl(ctx: Tools["ctx"]): { why: string; fix: string } | undefined {
  if (process.platform === "win32") return undefined
  const socket = controlPath(ctx)
  for (const [path, mode] of [
    [dirname(socket), "700"],
    [socket, "600"],
  ] as const) {
    const stats = lstatSync(path, { throwIfNoEntry: false })
    if (stats !== undefined && !stats.isSymbolicLink() && (stats.mode & 0o077) !== 0)
      return { why: `others may reach the gate's control socket through ${path}`, fix: `chmod ${mode} ${path}` }
  }
  return undefined
}
