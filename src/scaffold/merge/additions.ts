// Merging settings: keys are only ever added. What the file already says stays, and is reported where it differs.
import { isDeepStrictEqual } from "node:util"

/** One key to add. An array is united with the one that is there; anything else is set where the key is absent. */
export interface Addition {
  path: readonly string[]
  value: unknown
}

/** The new text, with the keys that were left because the file says something else; or why nothing can be added. */
export type Merged = { text: string; kept: Addition[] } | { conflict: string }

type Table = Record<string, unknown>

/** What the file must say afterwards, worked out on values, so that the edited text can be checked against it. */
export function addTo(
  value: unknown,
  additions: readonly Addition[],
): { value: unknown; kept: Addition[] } | undefined {
  if (!isTable(value)) return undefined
  const root = structuredClone(value)
  const kept: Addition[] = []
  for (const addition of additions) {
    const last = addition.path.at(-1)!
    const table = tableAt(root, addition.path.slice(0, -1))
    if (table === undefined) return undefined
    const present = Object.hasOwn(table, last) ? table[last] : undefined
    if (present === undefined) table[last] = structuredClone(addition.value)
    else if (Array.isArray(present) && Array.isArray(addition.value)) {
      const missing = addition.value.filter((item) => !present.some((other) => isDeepStrictEqual(other, item)))
      table[last] = [...present, ...missing]
    } else if (!isDeepStrictEqual(present, addition.value)) kept.push({ ...addition, value: present })
  }
  return { value: root, kept }
}

/** Whether the edited file says exactly what it said before plus the additions. Prototypes do not count. */
export function sameValue(a: unknown, b: unknown): boolean {
  return isDeepStrictEqual(structuredClone(a), structuredClone(b))
}

/** Additions as a person would type them, for a file that cannot be edited: `permissions.deny: ["..."]`. */
export function byHand(additions: readonly Addition[]): string {
  return additions.map(({ path, value }) => `${path.join(".")}: ${JSON.stringify(value)}`).join("; ")
}

function tableAt(root: Table, path: readonly string[]): Table | undefined {
  let table = root
  for (const key of path) {
    if (!Object.hasOwn(table, key)) table[key] = {}
    const next = table[key]
    if (!isTable(next)) return undefined
    table = next
  }
  return table
}

function isTable(value: unknown): value is Table {
  return typeof value === "object" && value !== null && !Array.isArray(value) && !(value instanceof Date)
}
