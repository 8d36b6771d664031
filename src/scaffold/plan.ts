// From what is wanted to a plan: every file as data, before anything is written.
import { type Addition, byHand, type Merged } from "./merge/additions.ts"
import type { PlannedFile } from "./types.ts"

/** A file that ought to be there: whole, or as keys or a section in a file that may exist. */
export type Wanted = { path: string; reason: string } & (
  | { whole: string }
  | { format: "json" | "toml" | "yaml" | "ini"; additions: readonly Addition[] }
  | { section: string }
)

/** Plans one file; `before` is what is there now, null where there is nothing. Pure but for loading a parser. */
export async function planFile(wanted: Wanted, before: string | null): Promise<PlannedFile> {
  const { path, reason } = wanted
  if ("whole" in wanted) return planWhole(path, reason, wanted.whole, before)
  const merged = await merge(wanted, before)
  const kept = (why: string, action: "keep" | "conflict"): PlannedFile => ({
    path,
    action,
    reason: why,
    before,
    after: before ?? "",
  })
  if ("conflict" in merged) return kept(merged.conflict, "conflict")
  const left = merged.kept.length > 0 ? `; left as it is: ${byHand(merged.kept)}` : ""
  if (merged.text === before) return kept(left === "" ? "says it already" : left.slice(2), "keep")
  return { path, action: before === null ? "create" : "merge", reason: reason + left, before, after: merged.text }
}

/** Turns a file that was kept into one that is replaced, by the user's word. */
export function replaceFile(file: PlannedFile): PlannedFile {
  if (file.replacement === undefined) return file
  const { replacement, ...rest } = file
  return { ...rest, action: "replace", reason: "replaced, as you said", after: replacement }
}

function planWhole(path: string, reason: string, whole: string, before: string | null): PlannedFile {
  if (before === null) return { path, action: "create", reason, before, after: whole }
  if (before === whole) return { path, action: "keep", reason: "is as init would write it", before, after: before }
  return {
    path,
    action: "keep",
    reason: "exists and is yours; --force replaces it",
    before,
    after: before,
    replacement: whole,
  }
}

async function merge(wanted: Exclude<Wanted, { whole: string }>, before: string | null): Promise<Merged> {
  if ("section" in wanted) return (await import("./merge/markdown.ts")).mergeSection(before, wanted.section)
  const { additions } = wanted
  switch (wanted.format) {
    case "json":
      return (await import("./merge/json.ts")).mergeJson(before, additions)
    case "toml":
      return (await import("./merge/toml.ts")).mergeToml(before, additions)
    case "yaml":
      return (await import("./merge/yaml.ts")).mergeYaml(before, additions)
    case "ini":
      return (await import("./merge/ini.ts")).mergeIni(before, additions)
  }
}
