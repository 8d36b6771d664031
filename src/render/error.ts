// How a failed run says why: for people on stderr, for programs as the one JSON document on stdout.
import { NanoguardError, type Where } from "../errors.ts"
import { cleanText, safeJson } from "./clean.ts"
import { PLAIN_STYLE, type Style } from "./style.ts"

const MAX_MESSAGE = 2000

/**
 * Renders what ended a run. A `NanoguardError` is `file:line:column: message` and a `hint:` line; anything else is a bug
 * of nanoguard, shown with its stack. With format `json` it is one document, `{"error": {...}}`.
 */
export function renderError(error: unknown, options: { format?: string; style?: Style } = {}): string {
  if (options.format === "json") return safeJson({ error: describeError(error) })
  const { bold, red } = options.style ?? PLAIN_STYLE
  if (!(error instanceof NanoguardError)) {
    return `${red("nanoguard failed: this is a bug in nanoguard, not in your project. Please report it with this text:")}\n${stackOf(error)}\n`
  }
  const { message, where, hint } = error
  const place = where === undefined ? "" : `${bold(`${placeOf(where)}:`)} `
  const lines = [`${red("error:")} ${place}${cleanLines(message)}`]
  if (hint !== undefined) lines.push(`${bold("hint:")} ${cleanLines(hint)}`)
  return `${lines.join("\n")}\n`
}

function placeOf({ file, line, column }: Where): string {
  return [cleanText(file), line, line === undefined ? undefined : column].filter((part) => part !== undefined).join(":")
}

// A message may have lines of its own; what stands in them may not make more of them look like ours.
function cleanLines(text: string): string {
  const lines = text.split("\n").slice(0, 20)
  return lines.map((line) => cleanText(line, MAX_MESSAGE)).join("\n  ")
}

function stackOf(error: unknown): string {
  const text = error instanceof Error ? (error.stack ?? String(error)) : `thrown: ${String(error)}`
  const lines = text.split("\n").slice(0, 30)
  return lines.map((line) => cleanText(line, MAX_MESSAGE)).join("\n")
}

/** What failed, as documents have it under `error`. */
export function describeError(error: unknown): object {
  if (!(error instanceof NanoguardError)) return { bug: true, message: stackOf(error) }
  const { message, exit, where, hint } = error
  return { message, exit, ...where, ...(hint !== undefined && { hint }) }
}
