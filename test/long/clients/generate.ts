// Cases for the scripted agent, all of one seed: packages of which some versions have a known vulnerability, and a project that
// wants one.
import { makeRandom, type Random } from "../faults/random.ts"
import type { Wanted } from "./description.ts"
import type { Release } from "./packages.ts"

export interface AgentCase {
  /** Its number; the packages are named by it. */
  id: number
  /** `pin`, `range` and `parent` are installs; `locked` has a lockfile from before; `latest` adds a package. */
  kind: "pin" | "range" | "parent" | "locked" | "latest"
  wanted: Wanted
  packages: Record<string, readonly Release[]>
  refused: Record<string, readonly string[]>
  /** What has to be there in the end, and not in a refused version. */
  goal: readonly string[]
}

/** So many cases, the same for the same seed. */
export function generateCases(seed: number, count: number): AgentCase[] {
  const random = makeRandom(seed)
  return Array.from({ length: count }, (_, id) => generateCase(random, id))
}

function generateCase(random: Random, id: number): AgentCase {
  const [lib, app] = [`lib${id}`, `app${id}`]
  const versions = generateVersions(random)
  const bad = versions.filter(() => random.chance(0.4))
  if (bad.length === 0) bad.push(random.pick(versions))
  if (bad.length === versions.length) bad.splice(random.below(bad.length), 1)
  const good = versions.filter((version) => !bad.includes(version))
  const target = random.pick(bad)
  const kind = random.pick(["pin", "range", "parent", "locked", "latest"] as const)
  const releases = versions.map((version) => ({ version }))
  const parents = [
    { version: "1.0.0", dependencies: { [lib]: `=${target}` } },
    { version: "1.1.0", dependencies: { [lib]: `=${random.pick(good)}` } },
  ]
  const wanted = {
    pin: { [lib]: `=${target}` },
    range: { [lib]: `^${target}` },
    parent: { [app]: "=1.0.0" },
    locked: { [lib]: `=${target}` },
    latest: {},
  }[kind]
  return {
    ...{ id, kind, wanted },
    packages: { [lib]: releases, ...(kind === "parent" && { [app]: parents }) },
    refused: { [lib]: bad },
    goal: kind === "parent" ? [app, lib] : [lib],
  }
}

/** Three to eight releases in ascending order, of major versions 1 and 2: Go spells higher ones into a module's path. */
function generateVersions(random: Random): string[] {
  const found = new Set<string>()
  const length = 3 + random.below(6)
  while (found.size < length) found.add(`1.${random.below(4)}.${random.below(4)}`)
  return [...found].sort((a, b) => a.localeCompare(b, "en", { numeric: true }))
}
