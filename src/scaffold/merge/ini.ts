// .npmrc: lines of key=value (npm's `ini` format). Only top-level scalars matter here.
import { type Addition, byHand, type Merged } from "./additions.ts"

/** Adds `key=value` lines: at the end, or before the first section where there is one. */
export function mergeIni(before: string | null, additions: readonly Addition[]): Merged {
  const eol = before?.includes("\r\n") ? "\r\n" : "\n"
  const lines = before === null || before === "" ? [] : before.replace(/\r?\n$/, "").split(eol)
  const section = lines.findIndex((line) => line.trimStart().startsWith("["))
  const top = section < 0 ? lines : lines.slice(0, section)
  const present = new Map(top.flatMap(readLine))
  const kept: Addition[] = []
  const added: string[] = []
  for (const addition of additions) {
    const key = addition.path[0]!
    const value = present.get(key)
    if (value === undefined) added.push(`${key}=${String(addition.value)}`)
    else if (value !== String(addition.value)) kept.push({ ...addition, value })
  }
  if (added.some((line) => /[\r\n]/.test(line))) return { conflict: `add by hand: ${byHand(additions)}` }
  if (added.length === 0) return { text: before ?? "", kept }
  return { text: [...top, ...added, ...lines.slice(top.length), ""].join(eol), kept }
}

function readLine(line: string): [string, string][] {
  const match = /^\s*([^;#=\s][^=]*?)\s*=\s*(.*?)\s*$/.exec(line)
  return match ? [[match[1]!, match[2]!.replace(/^(["'])(.*)\1$/, "$2")]] : []
}
