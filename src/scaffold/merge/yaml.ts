// YAML settings: pnpm-workspace.yaml, .yarnrc.yml, .gitlab-ci.yml. Top-level keys are appended, nothing is rewritten.
import { type Addition, addTo, byHand, type Merged, sameValue } from "./additions.ts"

/** Adds top-level keys to a YAML mapping by appending them. */
export async function mergeYaml(before: string | null, additions: readonly Addition[]): Promise<Merged> {
  const { parseDocument, stringify } = await import("yaml")
  const read = (text: string): unknown => {
    const document = parseDocument(text, { logLevel: "silent" })
    if (document.errors.length > 0) return undefined
    try {
      return document.toJS({ maxAliasCount: 100 }) ?? {}
    } catch {
      return undefined // an alias bomb
    }
  }
  const was = read(before ?? "")
  const wanted = addTo(was, additions)
  if (wanted === undefined)
    return { conflict: `it is not the YAML that init expects; add by hand: ${byHand(additions)}` }
  const eol = before?.includes("\r\n") ? "\r\n" : "\n"
  const missing = additions.filter(({ path }) => !Object.hasOwn(was as object, path[0]!))
  const lines = missing.map(({ path, value }) => stringify({ [path[0]!]: value }).replaceAll("\n", eol))
  const start = before === null || before === "" || before.endsWith(eol) ? "" : eol
  const text = missing.length === 0 ? before! : `${before ?? ""}${start}${lines.join("")}`
  if (!sameValue(read(text), wanted.value)) return { conflict: `add by hand: ${byHand(additions)}` }
  return { text, kept: wanted.kept }
}
