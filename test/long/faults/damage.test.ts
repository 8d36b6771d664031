// A damaged store: the record's damage is told by every command that meets it and never healed in silence, the index's is healed.
import { execFileSync } from "node:child_process"
import {
  closeSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
  writeSync,
} from "node:fs"
import { join } from "node:path"
import { DatabaseSync } from "node:sqlite"
import { expect, test } from "vitest"
import type { VerifyReport } from "../../../src/audit/verify/report.ts"
import { COMMANDS, type Copy, copyOf, expectNoBeginning, expectRefusal, makeOriginal } from "./damage.ts"
import { makeRandom, SAMPLE, SEED } from "./random.ts"
import { expectWhole } from "./record.ts"

function overwrite(file: string, offset: number, bytes: Uint8Array): void {
  const fd = openSync(file, "r+")
  writeSync(fd, bytes, 0, bytes.length, offset)
  closeSync(fd)
}

/** What may stand where the record was, and what is said of it. */
const EXCHANGED: [name: string, damage: (file: string) => void, what: RegExp][] = [
  ["its header zeroed", (file) => overwrite(file, 0, new Uint8Array(100)), /not a database of nanoguard/],
  ["its first page noise", (file) => overwrite(file, 0, Buffer.alloc(4096, 0xa5)), /not a database of nanoguard/],
  ["a directory in its place", inPlace((file) => mkdirSync(file)), /is not a file/],
  ["a pipe in its place", inPlace((file) => execFileSync("mkfifo", [file])), /is not a file/],
  ["a link to another place", inPlace((file) => symlinkSync(`${file}.away`, file)), /is a symbolic link/],
]

/** Moves the record away and makes something else. */
function inPlace(make: (file: string) => unknown): (file: string) => void {
  return (file) => {
    renameSync(file, `${file}.away`)
    make(file)
  }
}

test.each(EXCHANGED)(
  "record.db with %s: one clear sentence from each command, and no gateway writes",
  async (_, damage, what) => {
    const copy = copyOf(await makeOriginal())
    damage(join(copy.state, "record.db"))
    const before = describeRecord(copy)
    for (const command of COMMANDS) expectRefusal(await copy.run(command), what)
    expectNoBeginning(await copy.append(), what)
    expect(describeRecord(copy)).toEqual(before)
  },
)

test.each<[string, (file: string) => void]>([
  ["emptied", (file) => truncateSync(file, 0)],
  ["removed", (file) => rmSync(file)],
])("record.db %s: no gateway begins another log in its place", async (_, damage) => {
  const copy = copyOf(await makeOriginal())
  damage(join(copy.state, "record.db"))
  expectRefusal(await copy.run("audit verify"), /./)
  expectNoBeginning(await copy.append(), /exchanged|gone|missing/)
})

test("a record changed in the file: verify names it, and exits with findings", async () => {
  const copy = copyOf(await makeOriginal())
  const file = join(copy.state, "record.db")
  const at = readFileSync(file).indexOf('"subject":"gw-123"')
  overwrite(file, at + '"subject":"gw-12'.length, Buffer.from("9"))
  const { exit, out } = await copy.run("audit verify")
  expect(exit).toBe(1)
  expect(out).toMatch(/record 124\b/i)
})

test(`noise over pages of record.db (NANOGUARD_SEED=${SEED}): verify never calls it intact, nothing crashes`, async (t) => {
  const original = await makeOriginal()
  const random = makeRandom(SEED)
  const exits: Record<string, number> = {}
  for (let n = 0; n < (SAMPLE ? 3 : 24); n++) {
    const copy = copyOf(original)
    const file = join(copy.state, "record.db")
    const page = 1 + random.below(statSync(file).size / 4096 - 1)
    const owner = ownerOf(file, page + 1)
    overwrite(file, page * 4096, Buffer.from(Array.from({ length: 4096 }, () => random.below(256))))
    for (const command of COMMANDS) {
      const { exit, err } = await copy.run(command)
      exits[`${command} ${exit}`] = (exits[`${command} ${exit}`] ?? 0) + 1
      expect([0, 1, 5], `${command} with noise in ${owner}: ${err}`).toContain(exit)
      expect(err).not.toMatch(/^\s+at /m)
      if (command === "audit verify" && TOLD.includes(owner)) expect(exit, `verify with noise in ${owner}`).not.toBe(0)
    }
    const gateway = await copy.append()
    for (const { known, exit } of gateway.refused) expect([known, exit]).toEqual([true, 5])
    if (gateway.err() !== "") expect(gateway.err()).toContain("NanoguardError: ")
  }
  t.annotate(JSON.stringify(exits))
})

test(`a damaged index.db (NANOGUARD_SEED=${SEED}) is made anew: by commands, and under a gateway`, async (t) => {
  const original = await makeOriginal()
  const random = makeRandom(SEED)
  const page = (file: string) => {
    const number = 1 + random.below(statSync(file).size / 4096 - 1)
    overwrite(file, number * 4096, Buffer.alloc(4096, random.below(256)))
  }
  const outcomes: (number | undefined)[] = []
  const damages: ((file: string) => void)[] = [
    (file) => rmSync(file),
    (file) => truncateSync(file, 0),
    (file) => writeFileSync(file, "not a database, but long enough to be looked at as one ".repeat(50)),
    (file) => overwrite(file, 0, new Uint8Array(100)),
    ...Array.from({ length: SAMPLE ? 1 : 8 }, () => page),
  ]
  for (const [n, damage] of damages.entries()) {
    const copy = copyOf(original)
    for (const suffix of ["-wal", "-shm"]) rmSync(join(copy.state, `index.db${suffix}`), { force: true })
    damage(join(copy.state, "index.db"))
    const gateway = await copy.append()
    expect(gateway.err(), `damage ${n}`).toBe("")
    expect(gateway.told).toHaveLength(3)
    const { exit, err } = await copy.run("audit inventory")
    expect(err).not.toMatch(/^\s+at /m)
    expect([0, 5]).toContain(exit)
    // A page that nobody had to read yet is found by who compares all of it, and never mistaken for damage of the record.
    const verified = await copy.run("audit verify --format json")
    outcomes.push(verified.exit)
    if (verified.exit === 1) {
      const report = JSON.parse(verified.out) as VerifyReport
      expect(report.problems.map(({ code }) => code.split(".")[0])).not.toContain("record")
    }
    if (verified.exit !== 0) expect(damage.name, verified.err + verified.out).toBe("page")
    else await expectWhole(copy.ctx, [...original.told, ...gateway.told])
  }
  t.annotate(`audit verify: ${outcomes.join(" ")}`)
})

/** Tables whose every row verify reads; of the others it may read an index alone, or nothing. */
const TOLD = ["events", "people", "checkpoints", "settings"]

/** The table or index that a page, counted from 1, belongs to. */
function ownerOf(file: string, page: number): string {
  const db = new DatabaseSync(file)
  try {
    return String(db.prepare("SELECT name FROM dbstat WHERE pageno = ?").get(page)?.["name"])
  } finally {
    db.close()
  }
}

function describeRecord({ state }: Copy): string {
  const stats = statSync(join(state, "record.db"))
  return stats.isFile() ? readFileSync(join(state, "record.db")).toString("base64") : `mode ${stats.mode}`
}
