// Runs every suite whole, one part after the other, and writes what came out to docs/measured.md between its markers after each of them.
// Usage: npm run test:full
import { execFileSync, spawnSync } from "node:child_process"
import { readFileSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"

interface Summary {
  numPassedTests: number
  numFailedTests: number
  numPendingTests: number
  testResults: { assertionResults: { status: string; fullName: string }[] }[]
}

/** What came of a part; no summary where its runner ended before it wrote one. */
interface Outcome {
  part: string
  seconds: number
  /** Of its runner: not 0 without a failed test where an error came from outside of tests. */
  exit: number | null
  summary: Summary | undefined
}

const long = (folder: string) => ["--project", "long", `test/long/${folder}/`]
const FOLDERS = ["clients", "egress", "faults", "sandbox"]
const PARTS: Readonly<Record<string, readonly string[]>> = {
  "units, and the built CLI": ["--project", "unit", "--project", "e2e"],
  "live registries": ["--project", "live"],
  "the box": long("sandbox"),
  "other requests through the gate": long("egress"),
  "lockfiles, stores, approvals, the vault": [
    ...["--project", "long"],
    ...FOLDERS.flatMap((folder) => ["--exclude", `test/long/${folder}/**`]),
  ],
  "faults, kills, power cuts": long("faults"),
  "package managers at the gate": long("clients"),
}

const git = (...args: string[]) => execFileSync("git", args, { encoding: "utf8" }).trim()
const commit = `${git("rev-parse", "--short", "HEAD")}${git("status", "--porcelain") ? " with local changes" : ""}`
const day = new Date().toISOString().slice(0, 10)

function runPart([part, filter]: [string, readonly string[]]): Outcome {
  const outputFile = join(tmpdir(), `nanoguard-full-${process.pid}.json`)
  const started = Date.now()
  const { status: exit } = spawnSync(
    process.execPath,
    [
      ...["node_modules/vitest/vitest.mjs", "run", ...filter],
      ...["--reporter=default", "--reporter=json", `--outputFile.json=${outputFile}`],
    ],
    { stdio: "inherit", env: { ...process.env, NANOGUARD_SAMPLE: "" } },
  )
  const seconds = Math.round((Date.now() - started) / 1000)
  try {
    return { part, seconds, exit, summary: JSON.parse(readFileSync(outputFile, "utf8")) as Summary }
  } catch {
    return { part, seconds, exit, summary: undefined }
  } finally {
    rmSync(outputFile, { force: true })
  }
}

function describe({ summary, exit }: Outcome): string {
  if (summary === undefined) return "its runner failed"
  const { numPassedTests, numFailedTests, numPendingTests } = summary
  const counts = `${numPassedTests} passed, ${numFailedTests} failed, ${numPendingTests} skipped`
  return exit === 0 || numFailedTests > 0 ? counts : `${counts}; errors outside of tests`
}

function writeDown(outcomes: readonly Outcome[]): void {
  const named = (statuses: readonly string[]) =>
    outcomes
      .flatMap(({ summary }) => summary?.testResults ?? [])
      .flatMap((file) => file.assertionResults)
      .filter((test) => statuses.includes(test.status))
      .map((test) => `- ${test.fullName}`)
  const list = (title: string, names: readonly string[]) => (names.length === 0 ? [] : ["", title, ...names])
  const lines = [
    `Commit ${commit}, ${day}, Node ${process.versions.node}.`,
    ...["", "| part | seconds | outcome |", "|---|---|---|"],
    ...outcomes.map((one) => `| ${one.part} | ${one.seconds} | ${describe(one)} |`),
    ...Object.keys(PARTS)
      .slice(outcomes.length)
      .map((part) => `| ${part} | | not run |`),
    ...list("Failed:", named(["failed"])),
    ...list("Skipped:", named(["skipped", "pending"])),
  ]
  const begin = "<!-- test:full -->"
  const end = "<!-- /test:full -->"
  const page = readFileSync("docs/measured.md", "utf8")
  const [head = "", rest = ""] = page.split(begin)
  const tail = rest.split(end)[1] ?? ""
  writeFileSync("docs/measured.md", `${head}${begin}\n${lines.join("\n")}\n${end}${tail}`)
}

const outcomes: Outcome[] = []
for (const part of Object.entries(PARTS)) {
  outcomes.push(runPart(part))
  writeDown(outcomes)
}
process.exitCode = outcomes.every(({ exit }) => exit === 0) ? 0 : 1
