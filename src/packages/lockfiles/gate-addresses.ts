// Addresses of a gate that a lockfile holds because it was written behind one: they lead nowhere else, and say nothing of where a package comes from.
import type { PackageSource } from "../../policy/types.ts"
import { managerOf } from "../commands.ts"
import type { Lockfile } from "../types.ts"
import { countOf } from "./entries.ts"

/** A gate's mounts for npm and PyPI, on this machine or in a box: what clients write there into lockfiles. */
const GATE = /^https?:\/\/(?:localhost|127(?:\.\d{1,3}){3}|\[::1\])(?::\d{1,5})?\/(?:npm|pypi\/simple)\/?$/

/** Whether a source looks like a gate's own address: a loopback host with a gate's mount, and nothing behind it. */
export function isGateSource(source: PackageSource): boolean {
  return source.kind === "registry" && GATE.test(source.origin)
}

/** The command that writes a lockfile anew without a gate's addresses, at the same versions; undefined where its manager has none. */
export function commandWithoutGate(lockfile: Pick<Lockfile, "format" | "formatVersion">): string | undefined {
  const manager = managerOf(lockfile)
  if (manager === "npm") return "npm install --package-lock-only --omit-lockfile-registry-resolved"
  return manager === "uv" ? "uv lock" : undefined
}

/** What to say of a lockfile with such addresses, in one sentence; undefined where there are none. */
export function gateWarning(lockfile: Lockfile): string | undefined {
  const found = lockfile.dependencies.filter(({ source }) => isGateSource(source))
  const [first] = found
  if (first?.source.kind !== "registry") return undefined
  const command = commandWithoutGate(lockfile)
  const way =
    command === undefined ? `put your registry's address into its place` : `outside of the gate, run: ${command}`
  return `${countOf(found.length, "package")} with the address of a gate (${first.source.origin}), which is good behind it alone; ${way}`
}
