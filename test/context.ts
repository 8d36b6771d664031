// A context without a machine: its own home, clock and output, real files below a temporary directory.
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { dirname, join } from "node:path"
import { Readable, Writable } from "node:stream"
import { onTestFinished } from "vitest"
import { type Context, processContext } from "../src/context.ts"

export const DAY = 86_400_000
/** The day on which tests happen. */
export const NOW = Date.UTC(2026, 10, 21)

/** A directory that goes with the test, with the given files in it. */
export function temporaryDirectory(files: Record<string, string> = {}): string {
  const directory = mkdtempSync(join(tmpdir(), "nanoguard-test-"))
  onTestFinished(() => rmSync(directory, { recursive: true, force: true }))
  writeFiles(directory, files)
  return directory
}

/** Writes files below a directory, making the directories that they need. */
export function writeFiles(directory: string, files: Record<string, string>): void {
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(directory, path)), { recursive: true })
    writeFileSync(join(directory, path), text)
  }
}

/** What a person's environment holds where nothing is set up: a home of its own and the machine's PATH. */
export function emptyHome(env: Record<string, string> = {}): Record<string, string> {
  const home = temporaryDirectory()
  return { PATH: process.env["PATH"] ?? "", HOME: home, NANOGUARD_HOME: join(home, "nanoguard"), ...env }
}

export interface TestContext extends Context {
  /** What was printed so far. */
  out: () => string
  err: () => string
}

interface Edge {
  env?: Record<string, string>
  now?: number
  /** Columns of the terminal that stdout and stderr are. */
  terminal?: number
}

/** A context in `cwd`. Programs that it runs are real. */
export function testContext(cwd: string, edge: Edge = {}): TestContext {
  const [stdout, out] = collect(edge.terminal)
  const [stderr, err] = collect(edge.terminal)
  const stdin = Readable.from([])
  return {
    ...processContext(),
    ...{ cwd, stdin, stdout, stderr, out, err },
    env: edge.env ?? emptyHome(),
    now: () => edge.now ?? NOW,
  }
}

function collect(columns: number | undefined): [Writable & { isTTY?: boolean; columns?: number }, () => string] {
  let text = ""
  const stream = new Writable({
    decodeStrings: false,
    write: (chunk, _, done) => {
      text += String(chunk)
      done()
    },
  })
  if (columns !== undefined) Object.assign(stream, { isTTY: true, columns })
  return [stream, () => text]
}
