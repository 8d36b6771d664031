// How a workspace looks to a person: before a box starts, and what it left.

import { neverWritten } from "../sandbox/workspace/names.ts"
import type { ApplyResult, GitReport, Note, WorkspaceChange, WorkspaceReport } from "../sandbox/workspace/types.ts"
import { cleanText, countOf } from "./clean.ts"
import { PLAIN_STYLE, type Style } from "./style.ts"

const SHOWN = 6
const MAX_SHOWN = 40

/** What is masked, protected and refused, a line each; empty where there is nothing to say. */
export function renderNotes(notes: readonly Note[], style: Style = PLAIN_STYLE): string {
  return notes
    .map(({ level, text, paths = [] }) => {
      const line = `${cleanText(text)}${paths.length > 0 ? `: ${listPaths(paths)}` : ""}`
      return level === "warning" ? `${style.yellow("warning:")} ${line}\n` : `${style.dim(line)}\n`
    })
    .join("")
}

function listPaths(paths: readonly string[]): string {
  const shown = paths.slice(0, SHOWN).map((path) => cleanText(path, 120))
  return paths.length > SHOWN ? `${shown.join(", ")} and ${paths.length - SHOWN} more` : shown.join(", ")
}

const SIGNS = { added: "+", changed: "~", removed: "-" } as const

/** What a box changed: what will run on the host first. */
export function renderReview(report: WorkspaceReport, style: Style = PLAIN_STYLE): string {
  const { counts, changes, mode, partial, branch, git, review, problem } = report
  const total = counts.added + counts.changed + counts.removed
  const lines: string[] = []
  // What `apply` refuses is not said to be on its way.
  const isRefused = ({ refused: why, path }: WorkspaceChange) =>
    why !== undefined || (mode === "copy" && path.split("/").some((name) => neverWritten(name)))
  const refused = changes.filter(isRefused)
  const runs = changes.filter((change) => !isRefused(change) && change.runs !== undefined)
  if (total > 0)
    lines.push(
      `${style.bold(countOf(total, "path"))} ${mode === "direct" ? "changed" : "changed, of the box's own copy"}: ${counts.added} added, ${counts.changed} changed, ${counts.removed} removed`,
    )
  if (problem !== undefined) lines.push(style.red(cleanText(problem)))
  else if (partial)
    lines.push(
      style.yellow(
        "not everything could be looked at (too many files, rights, or names that are no text): there may be more",
      ),
    )
  if (runs.length > 0)
    lines.push(
      style.yellow(mode === "direct" ? "Will run on your host:" : "Will run on your host once it is there:"),
      ...listChanges(runs),
    )
  if (refused.length > 0) lines.push(style.red("Never comes over:"), ...listChanges(refused))
  if (git !== undefined) lines.push(...gitLines(git, style))
  if (branch !== undefined)
    lines.push(`branch ${cleanText(branch)}: git diff HEAD...${cleanText(branch)}, then git merge ${cleanText(branch)}`)
  if (review) lines.push("Nothing of it is in your workspace yet.")
  return lines.length === 0 ? "" : `${lines.join("\n")}\n`
}

function listChanges(changes: readonly WorkspaceChange[]): string[] {
  const lines = changes.slice(0, MAX_SHOWN).map(describeChange)
  return changes.length > MAX_SHOWN ? [...lines, `  and ${changes.length - MAX_SHOWN} more`] : lines
}

/** One change as a line. */
export function describeChange({ path, change, runs, details, refused }: WorkspaceChange): string {
  const what = refused ?? runs
  const which =
    details === undefined
      ? ""
      : ` (${details
          .slice(0, 8)
          .map((name) => cleanText(name, 60))
          .join(", ")})`
  return `  ${SIGNS[change]} ${cleanText(path, 200)}${what === undefined ? "" : `  ${cleanText(what)}${which}`}`
}

function gitLines({ refs, conflicts, head, refused, left = [], problem }: GitReport, { yellow }: Style): string[] {
  const lines: string[] = []
  const names = refs.map(({ ref }) => ref.replace(/^refs\/(heads\/|tags\/)?/, ""))
  if (names.length > 0) lines.push(`git: ${listPaths(names)}`)
  if (head !== undefined) lines.push(`git: ${cleanText(head.replace(/^refs\/heads\//, ""))} is checked out now`)
  for (const { ref, kept } of conflicts.slice(0, MAX_SHOWN))
    lines.push(`git: what the box made of ${cleanText(ref)} is kept as ${cleanText(kept)}`)
  if (conflicts.length > MAX_SHOWN)
    lines.push(`git: and ${conflicts.length - MAX_SHOWN} more: git for-each-ref refs/nanoguard`)
  if (refused.length > 0) lines.push(`git: did not come over: ${listPaths(refused)}`)
  if (left.length > 0)
    lines.push(`${yellow("warning:")} git: not in the branch, and waits in the box's own directory: ${listPaths(left)}`)
  if (problem !== undefined) lines.push(`${yellow("warning:")} git: ${cleanText(problem)}`)
  return lines
}

/** The diff of one change, each line cleaned, at most `limit` lines. */
export function renderDiff(diff: string, style: Style = PLAIN_STYLE, limit = 400): string {
  const lines = diff.split("\n")
  const shown = lines.slice(0, limit).map((line) => {
    const text = cleanText(line.replaceAll("\t", "    "), 400)
    return line.startsWith("+") ? style.green(text) : line.startsWith("-") ? style.red(text) : text
  })
  if (lines.length > limit) shown.push(`[+${lines.length - limit} lines]`)
  return `${shown.join("\n")}\n`
}

/** What became of reviewed changes. */
export function renderApplied({ applied, conflicts, refused }: ApplyResult, style: Style = PLAIN_STYLE): string {
  const lines = [`${countOf(applied.length, "path")} applied`]
  const list = (rows: readonly { path: string; why: string }[]) => {
    const shown = rows.slice(0, MAX_SHOWN).map(({ path, why }) => `  ${cleanText(path, 200)}: ${cleanText(why)}`)
    return rows.length > MAX_SHOWN ? [...shown, `  and ${rows.length - MAX_SHOWN} more`] : shown
  }
  if (conflicts.length > 0) lines.push(style.yellow("Left as it is:"), ...list(conflicts))
  if (refused.length > 0) lines.push(style.red("Never comes over:"), ...list(refused))
  return `${lines.join("\n")}\n`
}
