// Runs every suite whole and writes what came out to docs/measured.md between its markers.
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

const outputFile = join(tmpdir(), `nanoguard-full-${process.pid}.json`)
const started = Date.now()
const run = spawnSync(
  process.execPath,
  ["node_modules/vitest/vitest.mjs", "run", "--reporter=default", "--reporter=json", `--outputFile.json=${outputFile}`],
  { stdio: "inherit", env: { ...process.env, NANOGUARD_SAMPLE: "" } },
)
const summary = JSON.parse(readFileSync(outputFile, "utf8")) as Summary
rmSync(outputFile)

const git = (...args: string[]) => execFileSync("git", args, { encoding: "utf8" }).trim()
const skipped = summary.testResults
  .flatMap((file) => file.assertionResults)
  .filter((test) => test.status === "skipped" || test.status === "pending")
  .map((test) => `- ${test.fullName}`)
const lines = [
  `Commit ${git("rev-parse", "--short", "HEAD")}${git("status", "--porcelain") ? " with local changes" : ""}, ` +
    `${new Date(started).toISOString().slice(0, 10)}, Node ${process.versions.node}, ` +
    `${Math.round((Date.now() - started) / 1000)} s: ` +
    `${summary.numPassedTests} passed, ${summary.numFailedTests} failed, ${summary.numPendingTests} skipped.`,
  ...(skipped.length ? ["", "Skipped:", ...skipped] : []),
]

const begin = "<!-- test:full -->"
const end = "<!-- /test:full -->"
const page = readFileSync("docs/measured.md", "utf8")
const [head = "", rest = ""] = page.split(begin)
const tail = rest.split(end)[1] ?? ""
writeFileSync("docs/measured.md", `${head}${begin}\n${lines.join("\n")}\n${end}${tail}`)
process.exitCode = run.status ?? 1
