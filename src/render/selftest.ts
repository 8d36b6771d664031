// How `nanoguard selftest` looks: a line a probe, and at the end what it comes to.
import type { Outcome, ProbeState, SelftestReport } from "../sandbox/selftest/types.ts"
import { cleanText, countOf, safeJson } from "./clean.ts"
import { wrapText } from "./layout.ts"
import type { Paint, Style } from "./style.ts"

const WORDS: Record<ProbeState, string> = { held: "held", broke: "BROKE", "cannot-tell": "unclear" }

/** What held, for a person or as one JSON document. `columns`: width of the terminal. */
export function renderSelftest(report: SelftestReport, format: "text" | "json", style: Style, columns: number): string {
  if (format === "json") return safeJson(report)
  const { engine, runtime, image, counts, outcomes, exit, said } = report
  const head = `${engine}${runtime === undefined ? "" : ` with ${runtime}`}${image === undefined ? "" : `, image ${image}`}`
  const { held, broke, "cannot-tell": unclear } = counts
  const end = [
    `${held} of ${countOf(outcomes.length, "attempt")} held`,
    ...(broke > 0 ? [style.red(`${broke} broke out`)] : []),
    ...(unclear > 0 ? [style.yellow(`of ${unclear} it cannot be told`)] : []),
  ]
  const odd = exit === 0 ? [] : [`The box ended with ${exit}: ${cleanText(said ?? "")}`]
  return `${[style.bold(cleanText(head)), ...outcomes.flatMap((one) => lines(one, style, columns)), "", end.join(", "), ...odd].join("\n")}\n`
}

function lines({ item, title, state, saw }: Outcome, style: Style, columns: number): string[] {
  const paint: Record<ProbeState, Paint> = { held: style.green, broke: style.red, "cannot-tell": style.yellow }
  const head = `${paint[state](WORDS[state].padEnd(7))}  ${cleanText(item, 40).padEnd(6)}  `
  const text = `${cleanText(title, 100)}: ${cleanText(saw, 300)}`
  const indent = " ".repeat(17)
  return wrapText(text, Math.max(40, columns - indent.length)).map((line, i) => (i === 0 ? head : indent) + line)
}
