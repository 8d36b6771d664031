// Whether what a client will choose is another version than it would have been: that is said aloud.

import type { Plan } from "../../types.ts"
import { compareQuickly } from "../order.ts"
import { noticeLine } from "./messages.ts"
import type { Packument } from "./packument.ts"

/**
 * The notice of a listing in which something was put in another version's place: behind `latest`, else as the newest of a major
 * version, which `^` would have chosen. Undefined where nothing was: nearly every package has old versions that are held
 * back and that nobody would have got.
 */
export function substitution({ name, tags, versions }: Packument, plan: Plan): string | undefined {
  const { withheld, replacement } = plan
  const latest = tags["latest"]
  const held = latest === undefined ? undefined : withheld.get(latest)
  if (latest !== undefined && held !== undefined && replacement !== undefined)
    return noticeLine(name, latest, replacement, held)
  const served = new Map<string, string>()
  const refused = new Map<string, string>()
  for (const version of versions.keys()) {
    if (version.includes("-")) continue
    const line = version.slice(0, version.indexOf("."))
    const newest = withheld.has(version) ? refused : served
    const other = newest.get(line)
    if (other === undefined || compareQuickly("npm", version, other) > 0) newest.set(line, version)
  }
  for (const [line, version] of [...refused].reverse()) {
    const instead = served.get(line)
    if (instead !== undefined && compareQuickly("npm", version, instead) > 0)
      return noticeLine(name, version, instead, withheld.get(version)!)
  }
  return undefined
}
