// The trusted core: every file that `decide` reaches by imports, types included, counted in lines without blanks and
// comments. Fails above the limit, so that it stays small enough to be read whole. Run: node scripts/core-size.ts
import { readFileSync } from "node:fs"
import { relative } from "node:path"
import { fileURLToPath } from "node:url"

const ROOT = new URL("../", import.meta.url)
const ENTRIES = ["src/policy/decide.ts"]
const LIMIT = 3900

// A comment, or a text or a template, in which what looks like a comment is none. Templates inside templates do not
// occur in the core; where a regular expression holds a quote, too much is counted and never too little.
const PARTS = /\/\*[\s\S]*?\*\/|\/\/.*|"(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*'|`(?:\\[\s\S]|[^`\\])*`/g
const IMPORT = /^(?:import|export)\b[^"]*?\bfrom "(\.[^"]+)"|^import "(\.[^"]+)"|\bimport\("(\.[^"]+)"\)/gm

/** Lines that hold code: what remains once comments and blank lines are gone. */
export function countLines(source: string): number {
  const code = source.replace(PARTS, (part) => (part.startsWith("/") ? part.replace(/[^\n]/g, "") : part))
  return code.split("\n").filter((line) => line.trim() !== "").length
}

/** Source files by the lines of code in them: the entries and all that they import, directly or not, but for `except`. */
export function measureCore(entries: readonly string[] = ENTRIES, except?: RegExp): Map<string, number> {
  const sizes = new Map<string, number>()
  const open = entries.map((entry) => new URL(entry, ROOT))
  for (let file = open.pop(); file !== undefined; file = open.pop()) {
    const name = relative(fileURLToPath(ROOT), fileURLToPath(file))
    if (sizes.has(name) || except?.test(name)) continue
    const source = readFileSync(file, "utf8")
    sizes.set(name, countLines(source))
    for (const match of source.matchAll(IMPORT)) open.push(new URL((match[1] ?? match[2] ?? match[3])!, file))
  }
  return sizes
}

if (import.meta.main) {
  const show = (lines: number, what: string) => process.stdout.write(`${String(lines).padStart(5)}  ${what}\n`)
  const sum = (sizes: Map<string, number>) => [...sizes.values()].reduce((total, lines) => total + lines, 0)
  const core = measureCore()
  for (const [name, lines] of [...core].sort(([, a], [, b]) => b - a)) show(lines, name)
  show(sum(core), `in ${core.size} files; the limit is ${LIMIT}`)
  // What compiles a policy makes the clauses that `decide` calls, so this figure is worth a look as well.
  show(sum(measureCore([...ENTRIES, "src/policy/compile.ts"])), "with what compiles a policy")
  // A release waits for its record: both stores, their threads and what seals a record.
  show(sum(measureCore([...ENTRIES, "src/store/committer.ts"])), "with what appends a record")
  // What a download passes on its way through the gate, without what reads documents and collects facts.
  const evidence = /^src\/(packages|gateway\/protocols|scaffold)\//
  show(
    sum(measureCore([...ENTRIES, "src/gateway/front/index.ts"], evidence)),
    "with the registry front, its way out and approvals",
  )
  // What a request passes that goes out, without what knows services, finds placeholders and speaks to stores.
  const beside =
    /^src\/(packages|gateway\/(protocols|services|front|upstream)|scaffold|render|store|vault\/(find|scrub|logins|reseal|placeholder|shapes))/
  show(
    sum(measureCore([...ENTRIES, "src/gateway/egress/open.ts"], beside)),
    "with the egress proxy, holds, approvals and injection",
  )
  if (sum(core) > LIMIT) process.exitCode = 1
}
