// What a planned file would change, as a unified diff.
import type { PlannedFile } from "./types.ts"

/** Unified diff of a planned change, without a file header; undefined where nothing changes. */
export async function diffOf(file: PlannedFile): Promise<string | undefined> {
  if (file.before === file.after || file.action === "keep" || file.action === "conflict") return undefined
  const { formatPatch, OMIT_HEADERS, structuredPatch } = await import("diff")
  const patch = structuredPatch(file.path, file.path, file.before ?? "", file.after, "", "", { context: 2 })
  return formatPatch(patch, OMIT_HEADERS)
}
