// Exports that somebody changed: ours and the Python verifier reject the same, and both accept what nobody touched.
import { generateKeyPairSync } from "node:crypto"
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest"
import { signCheckpoint } from "../../../src/audit/checkpoints/checkpoint-text.ts"
import { formatVerifier, makeSigner } from "../../../src/audit/checkpoints/note.ts"
import { commitPerson } from "../../../src/audit/sealing/people.ts"
import { sampleEvents } from "../events.ts"
import { rewriteHistory } from "../verify/tampering.ts"
import { checkpointsOf, copyLog, type TestLog, writeLog } from "../verify-log.ts"
import { checkAllInPython, checkHere, checkInPython, exportLines, hasPython, reseal } from "./export-support.ts"

let log: TestLog
let key: string
let lines: string[]
let anchors: string[]
/** What the Python verifier says of each change: all in one process, for its start takes longer than its work. */
let python: Map<string, string>

beforeAll(async () => {
  log = await writeLog(mkdtempSync(join(tmpdir(), "nanoguard-test-")), sampleEvents(5, 300), [100, 256, 300])
  key = formatVerifier(log.signer)
  lines = await exportLines(log)
  anchors = checkpointsOf(log).map(({ note }) => note)
})
beforeAll(() => {
  const answers = checkAllInPython(CHANGES.map(([, work]) => textOf(work(lines))))
  python = new Map(CHANGES.map(([name], at) => [name, answers[at]!]))
})
afterAll(() => rmSync(log.directory, { recursive: true }))
beforeEach((ctx) => {
  if (!hasPython()) ctx.skip("python3 is missing: install Python 3.9 or newer")
})

type Members = Record<string, unknown>

/** A line of any kind, with the members that are there. */
interface Line extends Members {
  record: Members
  proof: string[]
  people: Members[]
  checkpoints: Members[]
}

/** One line changed as an object; by a forger who writes canonical JSON and a fitting last line. */
const change = (at: number, work: (line: Line) => void) => (all: string[]) => {
  const line = JSON.parse(all.at(at)!)
  work(line)
  return reseal(all.with(at, sorted(line)))
}

/** Canonical enough for what these tests write: names in ASCII, no fractions. */
function sorted(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(sorted).join(",")}]`
  if (typeof value !== "object" || value === null) return JSON.stringify(value)
  const names = Object.keys(value).sort()
  return `{${names.map((name) => `${JSON.stringify(name)}:${sorted((value as Members)[name])}`).join(",")}}`
}

const set = (target: Members | undefined, members: Members) => Object.assign(target!, members)
const flip = (text: string) => (text.startsWith("A") ? `B${text.slice(1)}` : `A${text.slice(1)}`)
const personAt = () => lines.findIndex((line) => line.includes('"salt":'))

const CHANGES: [string, (all: string[]) => string[]][] = [
  ["a byte of a record", (all) => all.with(50, all[50]!.replace('"v":1', '"v":2'))],
  ["the same with a fitting last line", (all) => reseal(all.with(50, all[50]!.replace('"v":1', '"v":2')))],
  ["a record's time", change(50, ({ record }) => set(record, { time: "2026-10-01T00:00:00.000Z" }))],
  ["a member added to a record", change(50, ({ record }) => set(record, { zzz: 1 }))],
  ["a member removed from a record", change(50, ({ record }) => delete record["gateway"])],
  ["a line dropped", (all) => reseal(all.toSpliced(50, 1))],
  ["the first record dropped", (all) => reseal(all.toSpliced(1, 1))],
  ["the last record dropped", (all) => reseal(all.toSpliced(-2, 1))],
  ["two lines swapped", (all) => reseal(all.with(50, all[51]!).with(51, all[50]!))],
  ["a line twice", (all) => reseal(all.toSpliced(50, 0, all[50]!))],
  ["a record under another number", change(50, (line) => set(line, { seq: 51 }))],
  [
    "the records of two lines swapped",
    (all) => {
      const [a, b] = [JSON.parse(all[50]!), JSON.parse(all[51]!)]
      return reseal(all.with(50, sorted({ ...a, record: b.record })).with(51, sorted({ ...b, record: a.record })))
    },
  ],
  ["a hash of a proof", change(50, ({ proof }) => proof.splice(3, 1, flip(proof[3]!)))],
  ["a proof cut", change(50, ({ proof }) => proof.pop())],
  ["a proof too long", change(50, ({ proof }) => proof.push(proof[0]!))],
  ["no proof", change(50, (line) => set(line, { proof: [] }))],
  ["base64 in another spelling", change(50, ({ proof }) => proof.splice(0, 1, proof[0]!.replace("=", "")))],
  [
    "a person's value",
    (all) => change(personAt(), ({ people }) => set(people[0], { value: "mallory@acme.example" }))(all),
  ],
  ["a person's salt", (all) => change(personAt(), ({ people }) => set(people[0], { salt: "A".repeat(43) }))(all)],
  [
    "a person that the record does not name",
    (all) => {
      const salt = "A".repeat(43)
      const person = { commitment: commitPerson("mallory", salt), salt, value: "mallory" }
      return change(personAt(), (line) => line.people.push(person))(all)
    },
  ],
  ["a person twice", (all) => change(personAt(), ({ people }) => people.push(people[0]!))(all)],
  ["the range in the header narrowed", change(0, (line) => set(line, { to: 299 }))],
  ["the range in the header beyond the tree", change(0, (line) => set(line, { to: 301 }))],
  [
    "a selection that hides what is dropped",
    (all) => {
      const header = sorted({ ...JSON.parse(all[0]!), selection: { agent: "claude-1" } })
      return reseal(all.with(0, header).toSpliced(50, 1))
    },
  ],
  [
    "a selection by a time that others have",
    (all) => {
      const header = sorted({ ...JSON.parse(all[0]!), selection: { until: "2026-11-01T00:01:00.000Z" } })
      return reseal(all.with(0, header))
    },
  ],
  [
    "the checkpoint of an earlier tree in the header",
    change(0, (line) => set(line, { checkpoint: anchors[1], checkpoints: [] })),
  ],
  [
    "the checkpoint's size",
    change(0, (line) => set(line, { checkpoint: String(line["checkpoint"]).replace("\n300\n", "\n301\n") })),
  ],
  [
    "a line added to the checkpoint",
    change(0, (line) => set(line, { checkpoint: String(line["checkpoint"]).replace("\n\n", "\nmore\n\n") })),
  ],
  [
    "a signature of zeros",
    change(0, (line) =>
      set(line, { checkpoint: String(line["checkpoint"]).replace(/.{80}=\n$/, `${"A".repeat(80)}=\n`) }),
    ),
  ],
  [
    "a checkpoint without signature",
    change(0, (line) => set(line, { checkpoint: `${String(line["checkpoint"]).split("\n\n")[0]}\n` })),
  ],
  [
    "an earlier checkpoint with the proof of another",
    change(0, ({ checkpoints }) => set(checkpoints[0], { proof: checkpoints[1]!["proof"] })),
  ],
  ["an earlier checkpoint without proof", change(0, ({ checkpoints }) => set(checkpoints[0], { proof: [] }))],
  [
    "another key in the header",
    change(0, (line) =>
      set(line, { key: formatVerifier(makeSigner(log.origin, generateKeyPairSync("ed25519").privateKey)) }),
    ),
  ],
  ["another format", change(0, (line) => set(line, { schema: "nanoguard.audit-export/2" }))],
  ["a member that nobody knows", change(50, (line) => set(line, { extra: true }))],
  ["spaces between the members", (all) => reseal(all.with(50, all[50]!.replace(/^\{"/, '{ "')))],
  ["a member twice", (all) => reseal(all.with(50, all[50]!.replace(/^\{/, '{"seq":50,')))],
  ["a number in another spelling", (all) => reseal(all.with(50, all[50]!.replace('"v":1', '"v":1.0')))],
  ["an escape where none is needed", (all) => reseal(all.with(50, all[50]!.replace('"gateway"', '"g\\u0061teway"')))],
  ["records said to be archived", (all) => reseal(all.toSpliced(50, 3, '{"from":50,"to":51,"type":"archived"}'))],
  ["no last line", (all) => all.slice(0, -1)],
  ["cut in the middle", (all) => all.slice(0, 150)],
  ["only the header", (all) => all.slice(0, 1)],
  ["nothing", () => []],
  ["a line after the last", (all) => [...all, all[50]!]],
  ["counts of more", (all) => all.with(-1, all.at(-1)!.replace('"records":300', '"records":301'))],
  [
    "a last line without the hash of this file",
    (all) => reseal(all).with(-1, all.at(-1)!.replace(/"digest":"[^"]*"/, `"digest":"${"A".repeat(43)}="`)),
  ],
  [
    "no JSON",
    (all) => reseal([...all.slice(0, 50), '"', ...all.slice(50)].filter((line) => line !== '"')).with(50, "{"),
  ],
  ["a list for a line", (all) => all.with(50, "[]")],
  ["an endless nest", (all) => all.with(50, `${"[".repeat(100_000)}${"]".repeat(100_000)}`)],
  ["a number that is none", (all) => all.with(50, all[50]!.replace('"v":1', '"v":NaN'))],
  ["half a surrogate pair", (all) => all.with(50, all[50]!.replace('"v":1', '"v":"\\ud800"'))],
]

const textOf = (all: readonly string[]) => all.map((line) => `${line}\n`).join("")

test("both accept it before", async () => {
  expect(checkInPython(textOf(lines), key, anchors).output).toMatch(/^accepted/)
  expect(await checkHere(textOf(lines), key, anchors)).toMatchObject({ accepted: true, unchecked: [] })
  // What the forger below writes is what the exporter writes.
  expect(reseal(lines)).toEqual(lines)
  expect(lines.map((line) => sorted(JSON.parse(line)))).toEqual(lines)
})

test.for(CHANGES)("both reject %s", async ([name, work]) => {
  const changed = textOf(work(lines))
  expect(changed).not.toBe(textOf(lines))
  expect(await checkHere(changed)).toMatchObject({ accepted: false })
  expect(python.get(name)).toMatch(/^REJECTED: /)
})

test("both reject a file whose last newline is gone", async () => {
  const changed = textOf(lines).slice(0, -1)
  expect(checkInPython(changed).status).toBe(1)
  expect(await checkHere(changed)).toMatchObject({ accepted: false })
})

test("both accept a whole other history without a key or anchor, say so, and reject it with either", async () => {
  const other = copyLog(log)
  await rewriteHistory(other)
  const forged = textOf(await exportLines(other))
  expect(checkInPython(forged).output).toContain("not checked: any checkpoint outside of the host")
  expect((await checkHere(forged)).unchecked).toContain("any checkpoint outside of the host (give --anchor)")
  const stranger = formatVerifier(makeSigner(log.origin, generateKeyPairSync("ed25519").privateKey))
  for (const check of [checkInPython, checkHere]) {
    expect((await check(forged, key)).accepted).toBe(true)
    expect((await check(forged, stranger)).accepted).toBe(false)
    expect((await check(forged, key, anchors)).accepted).toBe(false)
    expect(
      (await check(forged, key, [signCheckpoint({ size: 300, root: new Uint8Array(32) }, log.signer).note])).accepted,
    ).toBe(false)
  }
})
