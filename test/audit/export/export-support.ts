// Exports of a test log, as text; and the second opinion: the Python verifier, run as a program.
import { spawnSync } from "node:child_process"
import { createHash } from "node:crypto"
import { mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { parseCheckpoint } from "../../../src/audit/checkpoints/checkpoint-text.ts"
import { parseVerifier } from "../../../src/audit/checkpoints/note.ts"
import { type ExportOptions, exportLog } from "../../../src/audit/export/index.ts"
import { type ExportReport, verifyExport } from "../../../src/audit/verify/export-file.ts"
import { openFilesForReading } from "../../../src/store/sqlite/reader.ts"
import { NOW, temporaryDirectory } from "../../context.ts"
import { checkpointsOf, type TestLog } from "../verify-log.ts"

export const SCRIPT = join(import.meta.dirname, "../../../scripts/verify-export.py")

/** The lines of an export, without their newlines. */
export async function exportLines(log: TestLog, options: Partial<ExportOptions> = {}): Promise<string[]> {
  const reader = await openFilesForReading(log.directory)
  try {
    const checkpoint = checkpointsOf(log).at(-1)!
    let text = ""
    const given = { key: log.signer, checkpoint, now: NOW, selection: {}, people: true, ...options }
    for await (const block of exportLog(reader.db, given)) text += block
    return text.split("\n").slice(0, -1)
  } finally {
    await reader.close()
  }
}

/** Lines with a last one that counts and hashes them: what a forger who knows the format writes. */
export function reseal(lines: readonly string[]): string[] {
  const body = lines.slice(0, -1)
  const parsed = body.map((line) => JSON.parse(line))
  const people = parsed.flatMap((line) => line.people ?? [])
  const end = {
    archived: parsed.reduce((sum, line) => sum + (line.type === "archived" ? line.to - line.from + 1 : 0), 0),
    digest: createHash("sha256")
      .update(body.map((line) => `${line}\n`).join(""))
      .digest("base64"),
    erased: people.filter((person) => person.erased).length,
    opened: people.filter((person) => !person.erased).length,
    records: parsed.filter((line) => line.type === "record").length,
    type: "end",
  }
  return [...body, JSON.stringify(end)]
}

/** What our own verifier says; `anchors`: notes that were kept elsewhere. */
export function checkHere(text: string, key?: string, anchors: readonly string[] = []): Promise<ExportReport> {
  const lines = async function* () {
    for (const line of text.split(/(?<=\n)/)) yield Buffer.from(line)
  }
  const outside = async () => anchors.map((note) => parseCheckpoint(note))
  return verifyExport(
    lines(),
    key === undefined ? undefined : parseVerifier(key),
    anchors.length > 0 ? outside : undefined,
  )
}

/** What the Python verifier says: its exit code and output. */
export function checkInPython(text: string, key?: string, anchors: readonly string[] = []) {
  const directory = temporaryDirectory({ "export.ndjson": "" })
  writeFileSync(join(directory, "export.ndjson"), text)
  const options = key === undefined ? [] : ["--key", key]
  for (const [at, note] of anchors.entries()) {
    writeFileSync(join(directory, `note-${at}`), note)
    options.push("--anchor", join(directory, `note-${at}`))
  }
  const run = spawnSync("python3", [SCRIPT, join(directory, "export.ndjson"), ...options], { encoding: "utf8" })
  return { accepted: run.status === 0, status: run.status, output: run.stdout + run.stderr }
}

const ALL = `
import functools, importlib.util, json, sys
spec = importlib.util.spec_from_file_location("verifier", sys.argv[1])
verifier = importlib.util.module_from_spec(spec)
spec.loader.exec_module(verifier)
# Most of the files have the same signatures, and each takes Python as long as all the rest.
verifier.signature_holds = functools.cache(verifier.signature_holds)
for path in sys.argv[2:]:
    with open(path, "rb") as file:
        print(json.dumps(verifier.verify(file, None, [])))
`

/** What the Python verifier answers for each of many exports, without key or anchors. */
export function checkAllInPython(texts: readonly string[]): string[] {
  const directory = mkdtempSync(join(tmpdir(), "nanoguard-test-"))
  try {
    const files = texts.map((_, at) => join(directory, String(at)))
    for (const [at, text] of texts.entries()) writeFileSync(files[at]!, text)
    const run = spawnSync("python3", ["-c", ALL, SCRIPT, ...files], { encoding: "utf8", maxBuffer: 1 << 26 })
    if (run.error) return []
    if (run.status !== 0) throw new Error(run.stderr)
    return run.stdout
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line) as string)
  } finally {
    rmSync(directory, { recursive: true })
  }
}

let python: boolean | undefined

/** Whether there is a Python to run. */
export function hasPython(): boolean {
  python ??= spawnSync("python3", ["--version"]).status === 0
  return python
}
