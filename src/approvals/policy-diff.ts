// What a policy says that another one did not: by the names of rules and keys, whatever their order and layout.
import { parseLayer } from "../policy/load.ts"
import type { PolicyText } from "./types.ts"

export interface PolicyDifference {
  /** Layer that it is in. */
  file: string
  /** Such as `packages.deny.severity`, or `network[github-write].methods`. */
  path: string
  change: "added" | "removed" | "changed"
  /** JSON. */
  before?: string
  after?: string
}

/** Every difference, in the order of the new policy; what was removed comes last. Texts that are no policies throw as `parseLayer` does. */
export function diffPolicies(before: readonly PolicyText[], after: readonly PolicyText[]): PolicyDifference[] {
  const [old, fresh] = [flattenAll(before), flattenAll(after)]
  const differences: PolicyDifference[] = []
  for (const [key, { file, path, value }] of fresh) {
    const was = old.get(key)?.value
    if (was === undefined) differences.push({ file, path, change: "added", after: value })
    else if (was !== value) differences.push({ file, path, change: "changed", before: was, after: value })
  }
  for (const [key, { file, path, value }] of old) {
    if (!fresh.has(key)) differences.push({ file, path, change: "removed", before: value })
  }
  return differences
}

type Flat = Map<string, { file: string; path: string; value: string }>

function flattenAll(texts: readonly PolicyText[]): Flat {
  const flat: Flat = new Map()
  for (const { text, file } of texts) {
    flatten(parseLayer(text, file).document, "", (path, value) => {
      // Two that are called the same are two all the same.
      let key = `${file}\n${path}`
      while (flat.has(key)) key += "\n"
      flat.set(key, { file, path, value })
    })
  }
  return flat
}

/** A list of rules is told by their names; any other list, and every scalar, is one value. */
function flatten(value: unknown, path: string, add: (path: string, value: string) => void): void {
  if (Array.isArray(value) && value.length > 0 && value.every(isObject)) {
    const seen = new Map<string, number>()
    for (const item of value) {
      const name = nameOf(item)
      const count = (seen.get(name) ?? 0) + 1
      seen.set(name, count)
      add(`${path}[${name}${count > 1 ? ` #${count}` : ""}]`, JSON.stringify(item))
    }
  } else if (isObject(value) && Object.keys(value).length > 0) {
    for (const [key, member] of Object.entries(value)) flatten(member, path === "" ? key : `${path}.${key}`, add)
  } else add(path, JSON.stringify(value))
}

function nameOf(item: Record<string, unknown>): string {
  const names = ["id", "allow", "ask", "deny", "scope", "upstream", "path"].map((key) => item[key])
  const name = names.find((one) => typeof one === "string") ?? ""
  return typeof item["of"] === "string" ? `${name} of ${item["of"]}` : String(name)
}

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === "object" && value !== null && !Array.isArray(value)
