// A change of a copy, as text for people.
import { lstatSync, readlinkSync } from "node:fs"
import { join } from "node:path"
import { readBeginning } from "./secrets.ts"
import type { WorkspaceState } from "./state.ts"
import type { WorkspaceChange } from "./types.ts"

const MAX_DIFF = 1024 * 1024

/** Unified diff between what the host has and what the box left; a sentence for what has none. Not cleaned. */
export async function diffChange(
  state: WorkspaceState,
  tree: string,
  { path, change, kind, mode }: WorkspaceChange,
): Promise<string> {
  if (kind === "other" && change !== "removed") return "a device, pipe or socket"
  if (kind === "directory") return "a directory"
  const before = change === "added" ? "" : textOf(join(state.root, path))
  const after = change === "removed" ? "" : textOf(join(tree, path))
  if (before === undefined || after === undefined) return "binary, too large to show, or not there any more"
  const was = state.copied?.[path]?.[2]
  const modes =
    change === "changed" && was !== undefined && was !== (mode & 0o777) && kind === "file"
      ? `mode ${was.toString(8)} -> ${(mode & 0o777).toString(8)}\n`
      : ""
  const { createTwoFilesPatch } = await import("diff")
  const patch = createTwoFilesPatch(`a/${path}`, `b/${path}`, before, after, "", "", { context: 3, timeout: 5000 })
  return patch === undefined ? "too different to be compared in five seconds" : modes + patch
}

/** Text of a file, where a link leads to; undefined for what is no text. */
function textOf(file: string): string | undefined {
  const stats = lstatSync(file, { throwIfNoEntry: false })
  if (stats === undefined) return undefined
  if (stats.isSymbolicLink()) return `link to ${readlinkSync(file)}\n`
  if (stats.size > MAX_DIFF) return undefined
  const bytes = readBeginning(file, MAX_DIFF)
  if (bytes === undefined || bytes.includes("\0")) return undefined
  return Buffer.from(bytes, "latin1").toString()
}
