// Directories of a project that agents of a swarm have as their workspaces. What is judged by where it lies in the project (settings, keys,
// paths that the policy names) would be judged anew from there, and be found harmless: such directories are refused.
import type { Sandbox } from "../../policy/compiled.ts"
import { matchSegment } from "../../policy/glob.ts"
import { policyError, type YamlFile } from "../../policy/yaml.ts"
import type { SwarmAgent } from "./types.ts"

/** A directory of the project in its one spelling: no empty parts, "" for all of it. */
export const normalDirectory = (text: string) =>
  text
    .split("/")
    .filter((part) => part !== "")
    .join("/")

/** Whether a directory is the other one or lies in it. Both in their one spelling. */
export const isWithinDirectory = (path: string, above: string) =>
  above === "" || path === above || path.startsWith(`${above}/`)

/** Throws (configuration) where two agents would write in the same directory: they reach each other through it. */
export function checkShared(agents: readonly SwarmAgent[], yaml: YamlFile): void {
  const direct = agents.flatMap((agent, index) => (agent.workspace === "direct" ? [{ ...agent, index }] : []))
  for (const one of direct) {
    const other = direct.find(({ index, directory }) => index < one.index && doOverlap(directory, one.directory))
    if (other)
      policyError(
        `${other.name} and ${one.name} would write in the same directory`,
        yaml.where(["agents", one.index]),
        "give them directories of their own, or workspace: copy",
      )
  }
}

/** Whether one of two directories is the other one or lies in it. */
export const doOverlap = (a: string, b: string) => isWithinDirectory(a, b) || isWithinDirectory(b, a)

/** Throws (configuration) where an agent's directory holds settings or keys, or the policy masks or protects something in it by its path. */
export function checkDirectories(agents: readonly SwarmAgent[], sandbox: Sandbox, yaml: YamlFile): void {
  for (const [index, { name, directory, workspace }] of agents.entries()) {
    if (directory === "" || workspace === "none") continue
    const where = yaml.where(["agents", index, "directory"])
    // `.git`, `.vscode`, `.aws`: whatever of a workspace runs unasked or is secret as a whole directory is called so.
    const hidden = directory.split("/").find((part) => part.startsWith("."))
    if (hidden !== undefined)
      policyError(
        `${name} would work in ${hidden}, where settings or keys are`,
        where,
        "name a directory of the project's own files, or leave it out",
      )
    for (const key of ["mask", "protect"] as const) {
      const pattern = sandbox[key]?.find((one) => reachesInto(one, directory))
      if (pattern !== undefined)
        policyError(
          `the policy says sandbox.${key}: ${pattern}, which is in the directory of ${name}`,
          where,
          "leave the directory out, or have a person write the pattern for any depth (**/name) and adopt it",
        )
    }
  }
}

/**
 * Whether a pattern of the project matches a directory, or something in it that the same pattern, read from there, may not match. Patterns are
 * read as the walk over a workspace reads them.
 */
export function reachesInto(pattern: string, directory: string): boolean {
  const plain = pattern
    .replace(/^\.?\//, "")
    .replace(/\/(\*\*)?$/, "")
    .toLowerCase()
  // A name alone is looked for at any depth, from wherever.
  const wanted = plain.includes("/") || /^\.?\//.test(pattern) ? plain.split("/") : ["**", plain]
  // Which parts of the pattern may come next, after each part of the directory; its length: it has matched.
  let next = withSkipped(new Set([0]), wanted)
  const again = wanted[0] === "**" ? next : new Set<number>()
  for (const part of directory.toLowerCase().split("/")) {
    const after = [...next].flatMap((at) => {
      if (wanted[at] === "**") return [at]
      return wanted[at] !== undefined && matchSegment(wanted[at], part) ? [at + 1] : []
    })
    next = withSkipped(new Set(after), wanted)
    if (next.has(wanted.length)) return true
  }
  return [...next].some((at) => !again.has(at))
}

/** `**` stands for no part, too. */
function withSkipped(places: Set<number>, wanted: readonly string[]): Set<number> {
  for (const at of places) if (wanted[at] === "**") places.add(at + 1)
  return places
}
