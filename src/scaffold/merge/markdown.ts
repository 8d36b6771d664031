// The section for agents in AGENTS.md, CLAUDE.md or GEMINI.md, between two markers, so that it can be found again.
import type { Merged } from "./additions.ts"

const START = "<!-- nanoguard: start -->"
const END = "<!-- nanoguard: end -->"

/** Appends the section, or renews the one that is there. Everything outside the markers stays as it is. */
export function mergeSection(before: string | null, section: string): Merged {
  const block = `${START}\n${section.trim()}\n${END}`
  if (before === null || before.trim() === "") return { text: `${block}\n`, kept: [] }
  const start = before.indexOf(START)
  const end = before.indexOf(END)
  if (start < 0 && end < 0) return { text: `${before.trimEnd()}\n\n${block}\n`, kept: [] }
  const once = before.lastIndexOf(START) === start && before.lastIndexOf(END) === end
  if (start < 0 || end < start || !once) return { conflict: `its markers ${START} and ${END} are not one pair` }
  return { text: before.slice(0, start) + block + before.slice(end + END.length), kept: [] }
}
