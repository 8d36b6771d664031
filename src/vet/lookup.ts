// The facts about one package, for questions that come without a lockfile.
import type { Context } from "../context.ts"
import { openDefaultAdvisories } from "../packages/advisories/index.ts"
import type { CompiledPolicy } from "../policy/compiled.ts"
import type { PackageAction, PackageFacts } from "../policy/types.ts"
import { collectEvidence } from "./evidence.ts"

/**
 * A lookup of what is known of a package, as a vet would find it in a lockfile that holds the registry's own hash; without
 * a registry's answer there is no hash to assume, and its match stays unknown.
 */
export function lookUpFacts(ctx: Context, offline: boolean) {
  return async (action: PackageAction, policy: CompiledPolicy): Promise<PackageFacts> => {
    const { purl, ecosystem, name, version, source } = action
    const dependency = {
      ...{ purl, ecosystem, name, version, source, key: "", integrity: ["sha512-"] },
      ...{ dev: false, optional: false, peer: false, direct: true },
    }
    const advisories = openDefaultAdvisories(ctx)
    try {
      const evidence = await collectEvidence(ctx, policy, advisories, [dependency], { offline })
      const origin = source.kind === "registry" ? source.origin : "default"
      const integrity = evidence.documentOf(ecosystem, name, origin)?.releases.get(version)?.integrity
      const facts = evidence.factsFor({ ...dependency, integrity: [...(integrity ?? dependency.integrity)] })
      await evidence.close()
      return facts
    } finally {
      advisories.close()
    }
  }
}
