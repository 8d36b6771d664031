// yarn finds what is locked by what was asked for, not by version: an entry that was brought in by asking for exactly it has
// to be renamed to what will be asked for.
import type { Manager } from "../../packages/commands.ts"
import { parentsOf } from "../../packages/graph.ts"
import { plainRange } from "../../packages/ranges.ts"
import type { Lockfile } from "../../packages/types.ts"

/**
 * Renames the entry `name@version` in a yarn.lock to the ranges by which `before` had the versions `from`, and to `specs`,
 * the project's own new ones. A text without such an entry stays as it is.
 */
export function renameLocked(
  text: string,
  manager: Manager,
  before: Lockfile,
  name: string,
  from: ReadonlySet<string>,
  version: string,
  specs: readonly string[],
): string {
  const roots = new Set(before.roots.map((root) => root.key))
  const ranges = new Set(specs.map(plainRange))
  for (const { key, version: old } of before.dependencies.filter((entry) => entry.name === name)) {
    if (!from.has(old)) continue
    // What the project itself asked for is asked for anew, by `specs`.
    const wishes = parentsOf(before, key).filter((parent) => specs.length === 0 || !roots.has(parent.key))
    for (const { range } of wishes) if (range !== "") ranges.add(plainRange(range))
  }
  const lines = text.split("\n")
  const tag = manager === "yarn" ? "npm:" : ""
  const wanted = `${name}@${tag}${version}`
  const index = lines.findIndex((line) => /^\S.*:\s*$/.test(line) && descriptorsOf(line).includes(wanted))
  if (index === -1) return text
  const taken = new Set(lines.filter((line, at) => at !== index && /^\S.*:\s*$/.test(line)).flatMap(descriptorsOf))
  const all = new Set(descriptorsOf(lines[index]!).filter((descriptor) => descriptor !== wanted))
  for (const range of ranges) if (!taken.has(`${name}@${tag}${range}`)) all.add(`${name}@${tag}${range}`)
  if (all.size === 0) return text
  const sorted = [...all].sort()
  const line = manager === "yarn" ? `"${sorted.join(", ")}"` : sorted.map(quoteClassic).join(", ")
  lines[index] = `${line}:`
  return lines.join("\n")
}

function descriptorsOf(line: string): string[] {
  return line.trim().replace(/:$/, "").replaceAll('"', "").split(/,\s*/)
}

/** As yarn 1 quotes keys: those that do not begin with a letter, or hold one of a few characters. */
function quoteClassic(key: string): string {
  return /^[a-zA-Z/.-]/.test(key) && !/[\s:,[\]{}"]/.test(key) && !/^(true|false)/.test(key) ? key : `"${key}"`
}
