import { hash } from "node:crypto"
import type { Layer } from "./layers.ts"

/** The name of a policy: sha256 over its layers with sorted keys, rules sorted by id. Comments and layout do not count. */
export function hashLayers(layers: readonly Layer[]): string {
  return `sha256:${hash("sha256", canonicalJson(layers.map(({ document }) => document)), "hex")}`
}

function canonicalJson(value: unknown): string {
  if (Array.isArray(value)) {
    const rules = value.every((item) => typeof item === "object" && item !== null && "id" in item)
    const items = value.map(
      (item) => [String((item as { id?: unknown } | null)?.id ?? ""), canonicalJson(item)] as const,
    )
    if (rules) items.sort(([a], [b]) => (a < b ? -1 : 1))
    return `[${items.map(([, text]) => text).join(",")}]`
  }
  if (typeof value !== "object" || value === null) return JSON.stringify(value) ?? "null"
  const keys = Object.keys(value).sort()
  return `{${keys.map((key) => `${JSON.stringify(key)}:${canonicalJson((value as Record<string, unknown>)[key])}`).join(",")}}`
}
