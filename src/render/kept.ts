// How the list of what runs left looks.
import type { KeptRun } from "../sandbox/kept-list.ts"
import { cleanText, safeJson } from "./clean.ts"
import { alignColumns } from "./layout.ts"

const HEAD = ["RUN", "AGENT", "MODE", "AGE", "CHANGED", "SIZE", "KEPT UNTIL", "WORKSPACE"]
const RIGHT = [3, 4, 5]
const DAY = 86_400_000

/** The document (`nanoguard.kept/1`), or the table; `now` in milliseconds since the epoch. */
export function renderKept(kept: readonly KeptRun[], now: number, format: "text" | "json"): string {
  if (format === "json") {
    const runs = kept.map(({ ended, removed, ...rest }) => ({ ...rest, ended: iso(ended), removed: iso(removed) }))
    return safeJson({ schema: "nanoguard.kept/1", runs })
  }
  if (kept.length === 0) return "Nothing is kept: every change was applied, discarded, or never made.\n"
  const rows = kept.map(({ run, agent = "-", mode, ended, changes, bytes, removed, root }) => [
    ...[run, cleanText(agent, 64), mode, age(now - ended), String(changes), size(bytes)],
    ...[iso(removed).slice(0, 10), cleanText(root, 120)],
  ])
  return `${alignColumns([HEAD, ...rows], RIGHT).join("\n")}\nLook at one: nanoguard run --review <run>\n`
}

const iso = (time: number) => new Date(time).toISOString()

function age(ms: number): string {
  if (ms >= DAY) return `${Math.floor(ms / DAY)}d`
  return ms >= 3_600_000 ? `${Math.floor(ms / 3_600_000)}h` : `${Math.max(0, Math.floor(ms / 60_000))}m`
}

function size(bytes: number): string {
  const units = ["B", "KiB", "MiB", "GiB"]
  const step = Math.min(units.length - 1, bytes === 0 ? 0 : Math.floor(Math.log2(bytes) / 10))
  return `${Math.round(bytes / 2 ** (10 * step))} ${units[step]}`
}
