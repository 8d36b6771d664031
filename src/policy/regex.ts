// Regular expressions of policies run in linear time (RE2), never in the engine of JavaScript.
import type { RE2JS } from "re2js"

let library: typeof RE2JS | undefined

/** Loads the library; to be awaited before a policy with `matches` is compiled. It is large, so nothing else loads it. */
export async function loadPatterns(): Promise<void> {
  library ??= (await import("re2js")).RE2JS
}

/** A policy has regular expressions and `loadPatterns` was not awaited. */
export class PatternsMissingError extends Error {}

/** Compiles a pattern that is looked for anywhere in a text. */
export function compilePattern(source: string): { test: (text: string) => boolean } | { error: string } {
  if (!library)
    throw new PatternsMissingError("await loadPatterns() before compiling a policy with regular expressions")
  try {
    const pattern = library.compile(source)
    return { test: (text) => pattern.matcher(text).find() }
  } catch {
    return { error: "look-around and back-references are not part of RE2" }
  }
}
