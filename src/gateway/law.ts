// The policy in force: loaded whole, exchanged whole, and kept where a new one does not load.
import type { Context } from "../context.ts"
import { NanoguardError } from "../errors.ts"
import { resolveAddresses } from "../packages/registries/addresses.ts"
import type { CompiledPolicy } from "../policy/compiled.ts"
import type { LayerText } from "../policy/load.ts"
import { type RegistryPlace, registryPlaces } from "./egress/registry.ts"
import { type Evidence, openEvidence } from "./evidence.ts"
import type { Recorder } from "./recorder.ts"
import type { Upstream } from "./upstream/types.ts"

/** A policy as it was found: which project's, and by whose adoption. */
export interface LoadedPolicy {
  policy: CompiledPolicy
  project: string
  adopted?: { by: string; time: number }
  /** What it was compiled from, outermost layer first. */
  texts?: readonly LayerText[]
}

/** What one request goes by, from its beginning to its end. */
export interface Law extends LoadedPolicy {
  evidence: Evidence
  /** Where registries are: what goes there through the proxy is the package gate's to answer. */
  registries: readonly RegistryPlace[]
}

export interface LawBook {
  current: () => Law
  /** Loads anew. Rejects where that fails; then what was in force stays so, and `kept` says why. */
  reload: () => Promise<{ hash: string; changed: boolean }>
  kept: () => string | undefined
  close: () => Promise<void>
}

/** Milliseconds after which nothing goes by an old law any more. */
const LINGER = 10 * 60_000

/** Opens the policy that `load` finds, with the evidence that its rules need. Errors: configuration, advisories. */
export async function openLaw(
  ctx: Context,
  load: () => Promise<LoadedPolicy>,
  upstream: Pick<Upstream, "http" | "trust">,
  recorder: Pick<Recorder, "note">,
): Promise<LawBook> {
  const open = async () => {
    const loaded = await load()
    const addresses = await resolveAddresses(ctx, loaded.policy.packages.registries)
    const registries = await registryPlaces(addresses)
    const opened: Law = { ...loaded, registries, evidence: await openEvidence(ctx, loaded.policy, upstream, addresses) }
    return { opened, origins: addresses.origins }
  }
  const first = await open()
  let law = first.opened
  // Whatever else an upstream's document names is asked only where it is public.
  upstream.trust(first.origins)
  let kept: string | undefined
  const note = (type: string, { project, policy }: Law, detail: Record<string, string>) =>
    recorder.note({
      type,
      subject: project,
      policy: policy.hash,
      outcome: type === "policy.kept" ? "failed" : "released",
      detail,
    })

  return {
    current: () => law,
    kept: () => kept,
    reload: async () => {
      let next: Law | undefined
      try {
        const { opened, origins } = await open()
        next = opened
        const changed = next.policy.hash !== law.policy.hash
        if (changed) await note("policy.reloaded", next, { before: law.policy.hash })
        const old = law
        law = next
        upstream.trust(origins)
        kept = undefined
        setTimeout(() => void old.evidence.close(), LINGER).unref()
        return { hash: next.policy.hash, changed }
      } catch (error) {
        await next?.evidence.close()
        kept = error instanceof NanoguardError ? error.message : "it could not be loaded"
        await note("policy.kept", law, { reason: kept })
        throw error
      }
    },
    close: () => law.evidence.close(),
  }
}
