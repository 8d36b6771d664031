import { createHash } from "node:crypto"
import { join } from "node:path"
import { DatabaseSync } from "node:sqlite"
import { describe, expect, test } from "vitest"
import type { ShowReport } from "../../src/audit/read/show.ts"
import { auditShow } from "../../src/commands/audit-show.ts"
import { EXIT } from "../../src/errors.ts"
import { EPOCH, packageEvent, sampleEvents } from "../audit/events.ts"
import { sha256 } from "../audit/oracle.ts"
import { run, tamper, tamperIndex } from "../audit/verify-log.ts"
import { recordEvents } from "./record.ts"

/** RFC 6962 verification as RFC 9162, section 2.1.3.2, writes it down: from a document alone. */
function rootFrom({ body, inclusion }: ShowReport): string {
  let { index } = inclusion!
  let last = inclusion!.checkpoint.size - 1
  let hash: Uint8Array = sha256(Buffer.of(0), Buffer.from(body!))
  for (const step of inclusion!.proof.map((text) => Buffer.from(text, "base64"))) {
    if (index % 2 === 1 || index === last) {
      hash = sha256(Buffer.of(1), step, hash)
      while (index % 2 === 0 && index !== 0) {
        index = Math.floor(index / 2)
        last = Math.floor(last / 2)
      }
    } else hash = sha256(Buffer.of(1), hash, step)
    index = Math.floor(index / 2)
    last = Math.floor(last / 2)
  }
  return Buffer.from(hash).toString("base64")
}

describe("audit show", () => {
  test("a proof that another program follows from the text to the signed root, for every record", async () => {
    const { context, log } = await recordEvents(70, [67])
    for (let seq = 1; seq <= 70; seq++) {
      const { report, exit } = await auditShow(context(), String(seq), { format: "json" })
      expect(exit).toBe(EXIT.ok)
      if (seq > 67) {
        expect(report.inclusion).toBeNull()
        continue
      }
      expect(rootFrom(report)).toBe(report.inclusion!.checkpoint.root)
      expect(report.inclusion).toMatchObject({ verified: true, signed: true, index: seq - 1 })
      expect(report.inclusion!.checkpoint.note.split("\n").slice(0, 3)).toEqual([
        log.origin,
        "67",
        report.inclusion!.checkpoint.root,
      ])
      expect(report.leaf).toBe(createHash("sha256").update(`\0${report.body}`).digest("base64"))
    }
  })

  test("says what was decided, on what, by whom, and what to do instead", async () => {
    const event = packageEvent("minimist", "1.2.5", {
      effect: "deny",
      agent: "bot",
      run: "r1",
      boxed: false,
      operator: "ana",
      by: ["ben"],
      note: "never again",
      time: EPOCH,
    })
    event.decision!.verdict.correction = {
      action: "upgrade",
      target: "minimist@1.2.8",
      command: "npm install minimist@1.2.8",
    }
    event.decision!.verdict.excepted = [
      { rule: "packages.exceptions.0", code: "trust.score", owner: "dora@acme.example", expires: "2027-01-31" },
    ]
    const { context } = await recordEvents([event], [1])
    const ctx = context({ terminal: 120 })
    await auditShow(ctx, "1")
    for (const text of [
      "Record 1  2026-11-01 00:00:00Z  package.decided",
      "pkg:npm/minimist@1.2.5",
      "bot, run r1, not in a box: the gate is no boundary for it",
      "operator  ana",
      "by        ben",
      "note      never again",
      "DENY vulnerability.severity",
      "advisory, id GHSA-aaaa-bbbb-cccc, severity high",
      "way out   upgrade minimist@1.2.8",
      "command   npm install minimist@1.2.8",
      "excepted  trust.score by dora@acme.example until 2027-01-31",
      "under the checkpoint of 1 record of 2026-11-02 00:00:01Z: proven with 0 hashes",
      "no place outside of this host has confirmed a checkpoint over record 1",
    ])
      expect(ctx.out()).toContain(text)
  })

  test("names the places outside that hold a checkpoint over it, each with its first", async () => {
    const { context, log } = await recordEvents(20, [10, 20])
    tamper(log, (db) => {
      for (const [anchor, size] of [
        ["dir:/mnt/a", 20],
        ["dir:/mnt/a", 10],
        ["git:/srv/b", 20],
        ["git:/srv/b", 5],
      ] as const)
        db.prepare("INSERT INTO publications VALUES (?, ?, ?)").run(anchor, size, EPOCH)
    })
    const { report } = await auditShow(context(), "7")
    expect(report.anchors.map(({ anchor, size }) => [anchor, size])).toEqual([
      ["dir:/mnt/a", 10],
      ["git:/srv/b", 20],
    ])
  })

  test("a person who was erased is said to be, and the proof stands", async () => {
    const { context, log } = await recordEvents([packageEvent("x", "1.0.0", { operator: "ana" })], [1])
    tamper(log, run("DELETE FROM people"))
    const ctx = context()
    const { report } = await auditShow(ctx, "1")
    expect(ctx.out()).toMatch(/operator {2}erased/)
    expect(Object.values(report.people)).toEqual([null])
    expect(report.inclusion!.verified).toBe(true)
  })

  test("a record that was altered is not proven, and exit 1", async () => {
    const { context, log } = await recordEvents(40, [40])
    tamper(
      log,
      run(
        "UPDATE events SET body = replace(body, 'package', 'packbge') WHERE seq = 12 OR seq = 13 OR seq = 14 OR seq = 15 OR seq = 16",
      ),
    )
    const seq = [12, 13, 14, 15, 16].find((n) => bodyOf(log.directory, n).includes("packbge"))!
    const ctx = context()
    const { report, exit } = await auditShow(ctx, String(seq))
    expect(exit).toBe(EXIT.findings)
    expect(report.inclusion!.verified).toBe(false)
    expect(ctx.out()).toContain("NOT PROVEN")
  })

  test("a checkpoint that another key signed is told, and exit 1", async () => {
    const [own, other] = [await recordEvents(5, [5]), await recordEvents(5, [5])]
    const origin = own.log.origin
    tamper(other.log, run("UPDATE settings SET value = ? WHERE name = 'origin'", origin))
    tamperIndex(other.log, run("UPDATE derived SET value = ? WHERE name = 'origin'", origin))
    const { report, exit } = await auditShow(other.context(), "3")
    expect(report.inclusion!.signed).toBe(false)
    expect(exit).toBe(EXIT.findings)
  })

  test("an archived record keeps its place and its proof", async () => {
    const { context, log } = await recordEvents(300, [300])
    const before = (await auditShow(context(), "7")).report
    tamper(log, (db) =>
      db.exec("UPDATE settings SET value = '200' WHERE name = 'archived'; DELETE FROM events WHERE seq <= 200"),
    )
    const ctx = context()
    const { report, exit } = await auditShow(ctx, "7")
    expect(exit).toBe(EXIT.ok)
    expect(report).toEqual({ ...before, body: null, record: null, archived: true, people: {} })
    expect(ctx.out()).toContain("archived: its hash is here")
  })

  test("what is no record is shown as what it is", async () => {
    const { context, log } = await recordEvents(3)
    tamper(log, run("UPDATE events SET body = ? WHERE seq = 2", '{"v":1,"type":"x.y","time":"t","verdict":null}'))
    const ctx = context()
    const { report } = await auditShow(ctx, "2")
    expect(report.record).toBeNull()
    expect(ctx.out()).toContain("not a record that this version can read")
  })

  test.each(["0", "-1", "x", "1.5", "9007199254740993", "301"])("there is no record %s: a usage error", async (seq) => {
    const { context } = await recordEvents(sampleEvents(1, 3))
    await expect(auditShow(context(), seq)).rejects.toMatchObject({ exit: EXIT.usage })
  })

  test("an empty record: exit 3", async () => {
    const { context } = await recordEvents([])
    await expect(auditShow(context(), "1")).rejects.toMatchObject({ exit: EXIT.nothingChecked })
  })
})

function bodyOf(directory: string, seq: number): string {
  const db = new DatabaseSync(join(directory, "record.db"), { timeout: 5000 })
  try {
    return String(db.prepare("SELECT body FROM events WHERE seq = ?").get(seq)!["body"])
  } finally {
    db.close()
  }
}
