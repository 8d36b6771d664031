const UNITS: Readonly<Record<string, number>> = {
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
  w: 7 * 86_400_000,
  y: 365 * 86_400_000,
}

/** The form of a duration in a policy: "15m", "12h", "3d", "4w", "2y". */
export const DURATION = /^(?:[1-9]\d{0,5})[mhdwy]$/

/** Whatever is longer: no date that is counted from now on leaves what JavaScript has dates for. */
const LONGEST = 1000 * 365 * 86_400_000

/** Milliseconds of a duration that matches `DURATION`, a thousand years at most. */
export function parseDuration(text: string): number {
  return Math.min(LONGEST, Number(text.slice(0, -1)) * (UNITS[text.at(-1) ?? ""] ?? Number.NaN))
}

/** A span in milliseconds as its largest fitting unit, rounded down: "5h", "12d", "3y". */
export function formatDuration(ms: number): string {
  if (!Number.isFinite(ms)) return "unknown"
  const span = Math.max(0, ms)
  for (const unit of ["y", "d", "h"]) {
    const size = UNITS[unit] ?? 1
    if (span >= size) return `${Math.floor(span / size)}${unit}`
  }
  return `${Math.floor(span / 60_000)}m`
}
