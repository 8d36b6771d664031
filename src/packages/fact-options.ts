// What the facts about packages are collected with, by what a policy's rules ask for.
import type { CompiledPolicy } from "../policy/compiled.ts"
import type { PackageAction } from "../policy/types.ts"
import type { FactOptions } from "./facts.ts"

/** Which costly facts the policy's rules need, and what they are computed with. `now` in milliseconds since the epoch. */
export async function factOptionsFor(policy: CompiledPolicy, now: number): Promise<FactOptions> {
  const needs = new Set(policy.packages.needs)
  const options: FactOptions = { score: needs.has("score") }
  if (needs.has("lookalike") || needs.has("score")) {
    const { lookalikeOf } = await import("./lookalike.ts")
    options.lookalike = lookalikeOf
  }
  if (needs.has("license")) options.refusesLicense = licenseTest(policy, now)
  return options
}

/** Whether a licence alone would be refused: a lockfile's word on it counts only against a package. */
function licenseTest(policy: CompiledPolicy, now: number): (license: string) => boolean {
  const conditions = policy.packages.conditions.filter(({ needs }) => needs.includes("license"))
  const action: PackageAction = {
    ...{ kind: "package", purl: "", ecosystem: "npm", name: "", version: "" },
    source: { kind: "registry", origin: "default" },
  }
  const known = new Map<string, boolean>()
  return (license) => {
    let refused = known.get(license)
    if (refused === undefined) {
      refused = conditions.some(({ test }) => test({ license }, action, now) !== undefined)
      known.set(license, refused)
    }
    return refused
  }
}
