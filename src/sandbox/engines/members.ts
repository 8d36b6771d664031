// The processes of containers, as this machine has them. To end what stands still an engine lets it go on, and until the signal has reached
// every process the others run: what each of them has been sent before that ends it first.
import { readdirSync, readFileSync } from "node:fs"

/** An id as engines give it, whole: 64 hex digits. */
const ID = /^[0-9a-f]{64}$/

/** The id in the path of a control group as docker and podman call it; conmon, which watches a container, has one of its own. */
const GROUP = /\/(?:docker-|libpod-)?([0-9a-f]{64})(?:\.scope)?(?=\/|$)/gm

/**
 * Sends SIGKILL to every process of these containers, by their control groups; resolves nothing and waits for nothing. Whoever stands still
 * dies before it runs again. Processes that are another user's, or of another machine, are left out.
 */
export function killMembers(ids: readonly string[]): void {
  const wanted = new Set(ids.filter((id) => ID.test(id)))
  if (wanted.size === 0 || process.platform !== "linux") return
  for (const name of readdirSync("/proc")) {
    if (!/^\d+$/.test(name) || !groupsOf(name).some((id) => wanted.has(id))) continue
    try {
      process.kill(Number(name), "SIGKILL")
    } catch {
      // Gone meanwhile; or not ours, and then the engine's alone.
    }
  }
}

function groupsOf(pid: string): string[] {
  try {
    return [...readFileSync(`/proc/${pid}/cgroup`, "latin1").matchAll(GROUP)].map(([, id = ""]) => id)
  } catch {
    return []
  }
}
