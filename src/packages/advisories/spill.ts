// Findings sorted by package in bounded memory: they go to 64 files by the top bits of their hash, and one file at a
// time comes back. 250,000 findings need 4,000 of them in memory.
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync, writeSync } from "node:fs"
import { join } from "node:path"
import { EXIT, NanoguardError } from "../../errors.ts"
import { hashName } from "./format.ts"
import type { Finding } from "./normalize.ts"

const BUCKETS = 64
const BUFFERED_CHARACTERS = 256 * 1024
/** A bucket is read whole; evenly spread, this is room for 4 GiB of findings. */
const MAX_BUCKET_BYTES = 64 << 20

export interface Spill {
  /** Where the files are; a source may put its own there, they are removed with it. */
  directory: string
  add: (finding: Finding) => void
  /** Everything that was added, package by package, hashes ascending. Each package comes once. */
  packages: () => Generator<{ hash: number; findings: Finding[] }>
  /** Removes the files. */
  close: () => void
}

/** Opens a spill whose files live in a new directory under `directory`. */
export function openSpill(directory: string): Spill {
  const own = mkdtempSync(join(directory, ".import-"))
  const path = (bucket: number) => join(own, String(bucket))
  const pending: string[][] = Array.from({ length: BUCKETS }, () => [])
  const pendingSize = new Array<number>(BUCKETS).fill(0)
  const written = new Array<number>(BUCKETS).fill(0)

  function flush(bucket: number): void {
    const bytes = Buffer.from(pending[bucket]!.join(""))
    pending[bucket] = []
    pendingSize[bucket] = 0
    if (bytes.length === 0) return
    written[bucket]! += bytes.length
    if (written[bucket]! > MAX_BUCKET_BYTES) {
      throw new NanoguardError("the advisories to import are more than nanoguard can index", {
        exit: EXIT.environment,
        hint: "import fewer sources or fewer ecosystems",
      })
    }
    const fd = openSync(path(bucket), "a", 0o600)
    try {
      writeSync(fd, bytes)
    } finally {
      closeSync(fd)
    }
  }

  function readBucket(bucket: number): { hash: number; findings: Finding[] }[] {
    flush(bucket)
    if (written[bucket] === 0) return []
    const byPackage = new Map<string, { hash: number; findings: Finding[] }>()
    for (const line of readFileSync(path(bucket), "utf8").split("\n")) {
      if (line === "") continue
      const finding = JSON.parse(line) as Finding
      const key = `${finding.ecosystem}\0${finding.name}`
      const known = byPackage.get(key)
      if (known) known.findings.push(finding)
      else byPackage.set(key, { hash: hashName(finding.ecosystem, finding.name), findings: [finding] })
    }
    return [...byPackage.values()].sort((a, b) => a.hash - b.hash)
  }

  return {
    directory: own,
    add(finding) {
      const bucket = hashName(finding.ecosystem, finding.name) >>> 26
      const line = `${JSON.stringify(finding)}\n`
      pending[bucket]!.push(line)
      pendingSize[bucket]! += line.length
      if (pendingSize[bucket]! > BUFFERED_CHARACTERS) flush(bucket)
    },
    *packages() {
      for (let bucket = 0; bucket < BUCKETS; bucket++) yield* readBucket(bucket)
    },
    close: () => rmSync(own, { recursive: true, force: true }),
  }
}
