// The advisory index against its budget: `node test/bench/advisories.ts [records]`. Prints one JSON document.
// Opening and 2,000 lookups over 250,000 records, in a process of their own; an import of as many, with its peak memory.
import { execFileSync } from "node:child_process"
import { createWriteStream, mkdtempSync, rmSync, statSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { Readable } from "node:stream"
import { pipeline } from "node:stream/promises"
import { syntheticAdvisories, writeSyntheticIndex } from "./make-advisories.ts"

const records = Number(process.argv[2] ?? 250_000)
const directory = mkdtempSync(join(tmpdir(), "nanoguard-bench-"))
const names = Array.from({ length: 2000 }, (_, i) => `package-${i}`)
const source = (path: string) => JSON.stringify(new URL(`../../src/packages/advisories/${path}`, import.meta.url).href)

function measure(script: string): Record<string, number> {
  const peak = "const peak = () => process.resourceUsage().maxRSS / 1024;"
  return JSON.parse(execFileSync(process.execPath, ["--input-type=module", "-e", peak + script], { encoding: "utf8" }))
}

const median = (runs: Record<string, number>[]) =>
  Object.fromEntries(
    Object.keys(runs[0]!).map((key) => [key, runs.map((run) => run[key]!).sort((a, b) => a - b)[runs.length >> 1]!]),
  )

try {
  const index = join(directory, "advisories.idx")
  const input = join(directory, "osv.ndjson")
  writeSyntheticIndex(index, { records, names })
  const lines = Readable.from(syntheticAdvisories({ records, names }).map((record) => `${JSON.stringify(record)}\n`))
  await pipeline(lines, createWriteStream(input))

  const lookup = `
    const { openAdvisories } = await import(${source("read.ts")})
    const names = ${JSON.stringify(names)}
    const before = peak()
    const start = performance.now()
    const index = openAdvisories(${JSON.stringify(index)})
    const opened = performance.now()
    let hits = 0
    names.forEach((name, i) => { hits += index.affecting("npm", name, i % 10 === 0 ? "1.0.0" : "4.17.21").length })
    const end = performance.now()
    console.log(JSON.stringify({ openMs: opened - start, lookupsMs: end - opened, totalMs: end - start, hits, memoryMiB: peak() - before }))`
  const imported = `
    const { importAdvisories } = await import(${source("import.ts")})
    const { readPath } = await import(${source("input/path.ts")})
    const start = performance.now()
    await importAdvisories(${JSON.stringify(join(directory, "imported.idx"))}, [{ name: "bench", read: () => readPath(${JSON.stringify(input)}) }],
      { kind: "imported", now: Date.now(), completeness: "complete" })
    console.log(JSON.stringify({ seconds: (performance.now() - start) / 1000, peakMiB: peak() }))`
  const result = {
    records,
    indexMiB: statSync(index).size / 2 ** 20,
    inputMiB: statSync(input).size / 2 ** 20,
    lookup: median(Array.from({ length: 7 }, () => measure(lookup))),
    import: measure(imported),
  }
  process.stdout.write(`${JSON.stringify(result, null, 2)}\n`)
} finally {
  rmSync(directory, { recursive: true, force: true })
}
