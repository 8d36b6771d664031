// What a go.mod says about its own module and what it needs (go.dev/ref/mod#go-mod-file).
import { compareVersions } from "../versions.ts"
import { boundedString } from "./values.ts"

export interface GoModFacts {
  /** A comment "Deprecated:" on the module line or right above it. */
  deprecated: boolean
  /** Inclusive. */
  retracted: readonly { low: string; high: string }[]
  requires: Readonly<Record<string, string>>
}

/** Reads the lines that matter here and passes over all others. */
export function readGoMod(text: string): GoModFacts {
  const requires: Record<string, string> = Object.create(null)
  const retracted: { low: string; high: string }[] = []
  let deprecated = false
  let comments: string[] = []
  let block: string | undefined
  for (const raw of text.split(/\r?\n/).slice(0, 50_000)) {
    const [code = "", ...rest] = raw.split("//")
    const comment = rest.join("//").trim()
    const line = code.trim()
    if (line === "") {
      comments = raw.trim() === "" ? [] : [...comments, comment]
      continue
    }
    const opens = /^(\w+)\s*\($/.exec(line)?.[1]
    if (opens !== undefined) block = opens
    else if (line === ")") block = undefined
    else {
      const [verb, statement] = block === undefined ? splitVerb(line) : [block, line]
      if (verb === "module") deprecated = [...comments, comment].some((words) => words.startsWith("Deprecated:"))
      if (verb === "retract") retracted.push(...rangeOf(statement))
      if (verb === "require") addRequirement(requires, statement)
    }
    comments = []
  }
  return { deprecated, retracted, requires }
}

/** The module's author took the version back. */
export function isRetracted({ retracted }: GoModFacts, version: string): boolean {
  return retracted.some(
    ({ low, high }) => compareVersions("golang", version, low) >= 0 && compareVersions("golang", version, high) <= 0,
  )
}

function splitVerb(line: string): [string, string] {
  const space = line.search(/\s/)
  return space === -1 ? [line, ""] : [line.slice(0, space), line.slice(space).trim()]
}

function rangeOf(statement: string): { low: string; high: string }[] {
  const match = /^\[\s*(v\S+?)\s*,\s*(v\S+?)\s*\]$/.exec(statement) ?? /^(v\S+)$/.exec(statement)
  return match?.[1] === undefined ? [] : [{ low: match[1], high: match[2] ?? match[1] }]
}

function addRequirement(requires: Record<string, string>, statement: string): void {
  const match = /^"?([^\s"]+)"?\s+(v[0-9A-Za-z.+-]+)$/.exec(statement)
  const name = boundedString(match?.[1], 512)
  if (name !== undefined && match?.[2] !== undefined) requires[name] = match[2]
}
