// Whole-process timing for the benchmarks: commands take turns, so that a slow moment of the machine hits all alike.
import { spawnSync } from "node:child_process"
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"

export interface Contender {
  name: string
  command: readonly string[]
  cwd?: string
  env?: Record<string, string>
  /** Exit codes that count as having done the work. */
  expect?: readonly number[]
}

export interface Measured {
  name: string
  /** Medians over the rounds. */
  wallMs: number
  /** Peak resident memory of the largest process, MiB; absent where /usr/bin/time is not installed. */
  peakMiB: number | undefined
}

const GNU_TIME = "/usr/bin/time"

function median(values: number[]): number {
  const sorted = [...values].sort((a, b) => a - b)
  return sorted[sorted.length >> 1]!
}

/** Runs every contender once as warm-up and then `rounds` times in turn; throws where one exits with another code than it should. */
export function measure(contenders: readonly Contender[], rounds: number, withPeak = true): Measured[] {
  const folder = mkdtempSync(join(tmpdir(), "nanoguard-bench-"))
  const walls = contenders.map((): number[] => [])
  const peaks = contenders.map((): number[] => [])
  for (let round = -1; round < rounds; round++) {
    for (const [index, contender] of contenders.entries()) {
      const options = { cwd: contender.cwd, env: { ...process.env, ...contender.env }, maxBuffer: 1 << 28 }
      const [file, ...args] = contender.command as [string, ...string[]]
      const start = process.hrtime.bigint()
      const run = spawnSync(file, args, options)
      const wall = Number(process.hrtime.bigint() - start) / 1e6
      if (run.error) throw run.error
      if (!(contender.expect ?? [0]).includes(run.status ?? -1)) {
        throw new Error(`${contender.name} ended with ${run.status}: ${run.stderr.toString().slice(0, 2000)}`)
      }
      if (round >= 0) walls[index]!.push(wall)
      if (withPeak && round >= 0 && round < 3 && existsSync(GNU_TIME)) {
        const output = join(folder, "time")
        spawnSync(GNU_TIME, ["-f", "%M", "-o", output, file, ...args], options)
        peaks[index]!.push(Number(readFileSync(output, "utf8").trim().split("\n").at(-1)) / 1024)
      }
    }
  }
  rmSync(folder, { recursive: true })
  return contenders.map((contender, index) => ({
    name: contender.name,
    wallMs: median(walls[index]!),
    peakMiB: peaks[index]!.length ? median(peaks[index]!) : undefined,
  }))
}

/** A table of figures with ratios to the first row. */
export function table(title: string, rows: readonly Measured[], note = ""): string {
  const base = rows[0]!
  const width = Math.max(...rows.map((row) => row.name.length))
  const line = (row: Measured) =>
    [
      row.name.padEnd(width),
      `${row.wallMs.toFixed(1).padStart(8)} ms`,
      `${(row.wallMs / base.wallMs).toFixed(2).padStart(7)} x`,
      row.peakMiB === undefined ? "" : `${row.peakMiB.toFixed(0).padStart(6)} MiB`,
      row.peakMiB === undefined || base.peakMiB === undefined
        ? ""
        : `${(row.peakMiB / base.peakMiB).toFixed(2).padStart(6)} x`,
    ].join("  ")
  return `${title}\n${rows.map(line).join("\n")}${note ? `\n${note}` : ""}\n`
}
