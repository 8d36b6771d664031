// Changes of a copy that are never applied, whoever asks for it: what would run unasked, lead elsewhere, or be no plain thing.
import { readlinkSync } from "node:fs"
import { dirname, isAbsolute, join, normalize } from "node:path"
import { isHeavy, neverWritten } from "./names.ts"
import type { WorkspaceState } from "./state.ts"
import type { WorkspaceChange } from "./types.ts"

/** Why a change is never applied; undefined where it may be. */
export function refusalOf(change: WorkspaceChange, tree: string, state: WorkspaceState): string | undefined {
  return refusal(change, tree) ?? includedRefusal(change, state)
}

function refusal({ path, refused, kind, change }: WorkspaceChange, tree: string): string | undefined {
  if (refused !== undefined) return refused
  const parts = path.split("/")
  if (parts.some((part) => part === "" || part === "." || part === ".." || /[\0\\]/.test(part)))
    return "its path leads elsewhere"
  if (parts.some((part) => part.toLowerCase() === ".git")) return "what lies in a git directory never comes over"
  if (parts.some((part) => neverWritten(part)))
    return "editors, shells or agents on the host would run it unasked: change it yourself"
  if (parts.some((part) => isHeavy(part))) return "tools make it anew"
  if (change === "removed") return undefined
  if (kind === "other") return "a device, pipe or socket"
  return kind === "link" ? linkRefusal(path, readlinkSync(join(tree, path))) : undefined
}

/** Also of what leads to it. */
function includedRefusal(
  { path, kind, change }: WorkspaceChange,
  { included = [] }: WorkspaceState,
): string | undefined {
  const isOne = included.some((one) => one === path || (kind === "link" && one.startsWith(`${path}/`)))
  return isOne && change !== "removed" ? "git on the host takes settings from it: change it yourself" : undefined
}

/** A link may lead upwards first and then down, and ends within the workspace and in nothing protected. */
function linkRefusal(path: string, target: string): string | undefined {
  const end = normalize(join(dirname(path), target))
  const plain = /^(\.\.\/)*(?!.*(^|\/)\.\.(\/|$))/.test(target) && !isAbsolute(target)
  if (!plain || end === ".." || end.startsWith("../")) return "a link that leads out of the workspace"
  if (end.split("/").some((part) => part.toLowerCase() === ".git" || neverWritten(part)))
    return "a link to what is protected"
  return undefined
}
