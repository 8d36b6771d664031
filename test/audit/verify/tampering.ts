// What somebody may do to a log who may write its files, each with what `audit verify` has to say of it. The log has 600 records
// and checkpoints of 100, 256, 300 and 550 of them.

import { generateKeyPairSync } from "node:crypto"
import type { DatabaseSync } from "node:sqlite"
import { signCheckpoint } from "../../../src/audit/checkpoints/checkpoint-text.ts"
import { makeSigner, type Signer } from "../../../src/audit/checkpoints/note.ts"
import type { ProblemCode } from "../../../src/audit/verify/report.ts"
import { rebuildIndex, run, type TestLog, tamper, tamperIndex } from "../verify-log.ts"

export const SIZES = [100, 256, 300, 550] as const
export const RECORDS = 600

export interface Tampering {
  name: string
  work: (log: TestLog) => void | Promise<void>
  /** What the report says first of the log, or at all where it is not about a record. */
  finds: { code: ProblemCode; seq?: number; to?: number }
}

const edit =
  (sql: string, ...parameters: (string | number)[]) =>
  (log: TestLog) =>
    tamper(log, run(sql, ...parameters))
const editIndex =
  (sql: string, ...parameters: (string | number)[]) =>
  (log: TestLog) =>
    tamperIndex(log, run(sql, ...parameters))

/** Gives every record from `seq` on the number that is `by` further. */
function shift(db: DatabaseSync, seq: number, by: number): void {
  db.prepare("UPDATE events SET seq = -(seq + ?) WHERE seq >= ?").run(by, seq)
  db.exec("UPDATE events SET seq = -seq WHERE seq < 0")
}

/** Another body of the same length: what is said to have been released was refused. */
const REWRITE = `UPDATE events SET body = replace(body, '"time":"2026-11-01T', '"time":"2026-10-01T') WHERE seq = ?`

/** Signs the tree as it is now, for every checkpoint of the store from `seq` on. */
async function resign(log: TestLog, signer: Signer): Promise<void> {
  await rebuildIndex(log)
  const { loadRoot } = await import("../../../src/audit/tree/tile-table.ts")
  const { openFilesForReading } = await import("../../../src/store/sqlite/reader.ts")
  const reader = await openFilesForReading(log.directory)
  const roots = new Map<number, Uint8Array>()
  const sizes = (await reader.db.selectFrom("checkpoints").select("size").execute()).map(({ size }) => size)
  for (const size of sizes) roots.set(size, await loadRoot(reader.db, size))
  await reader.close()
  tamper(log, (db) => {
    for (const [size, root] of roots) {
      const { note } = signCheckpoint({ size, root }, signer)
      const encoded = Buffer.from(root).toString("base64")
      db.prepare("UPDATE checkpoints SET root = ?, note = ? WHERE size = ?").run(encoded, note, size)
    }
  })
}

/** Everything from record 137 on is another history, signed with the log's own key: what root on the host can do. */
export async function rewriteHistory(log: TestLog): Promise<void> {
  tamper(log, run(REWRITE, 137))
  await resign(log, log.signer)
}

export const TAMPERINGS: readonly Tampering[] = [
  {
    name: "one byte of a body",
    work: edit(`UPDATE events SET body = replace(body, '"v":1', '"v":2') WHERE seq = 137`),
    finds: { code: "record.altered", seq: 137 },
  },
  {
    name: "a body's bytes in the file",
    work: edit("UPDATE events SET body = substr(body, 1, length(body) - 1) WHERE seq = 1"),
    finds: { code: "record.altered", seq: 1 },
  },
  { name: "a forged time", work: edit(REWRITE, 600), finds: { code: "record.altered", seq: 600 } },
  {
    name: "two records swapped",
    work: (log) =>
      tamper(log, (db) => {
        db.exec("UPDATE events SET seq = -seq WHERE seq IN (120, 130)")
        db.exec("UPDATE events SET seq = 250 + seq WHERE seq < 0")
      }),
    finds: { code: "record.moved", seq: 120 },
  },
  {
    name: "two neighbours swapped",
    work: (log) =>
      tamper(log, (db) => {
        db.exec("UPDATE events SET seq = -seq WHERE seq IN (256, 257)")
        db.exec("UPDATE events SET seq = 513 + seq WHERE seq < 0")
      }),
    finds: { code: "record.altered", seq: 256 },
  },
  {
    name: "a record in the middle deleted",
    work: edit("DELETE FROM events WHERE seq = 300"),
    finds: { code: "record.missing", seq: 300 },
  },
  {
    name: "records in the middle deleted",
    work: edit("DELETE FROM events WHERE seq BETWEEN 250 AND 260"),
    finds: { code: "record.missing", seq: 250, to: 260 },
  },
  {
    name: "a record deleted and the rest renumbered",
    work: (log) =>
      tamper(log, (db) => {
        db.exec("DELETE FROM events WHERE seq = 300")
        shift(db, 301, -1)
      }),
    finds: { code: "record.missing", seq: 300 },
  },
  {
    name: "the first record deleted",
    work: edit("DELETE FROM events WHERE seq = 1"),
    finds: { code: "record.missing", seq: 1 },
  },
  {
    name: "the tail deleted",
    work: edit("DELETE FROM events WHERE seq > 590"),
    finds: { code: "log.cut", seq: 591, to: 600 },
  },
  {
    name: "the tail deleted, tree and index made to fit",
    work: async (log) => {
      tamper(log, run("DELETE FROM events WHERE seq > 540"))
      await rebuildIndex(log)
    },
    finds: { code: "log.cut", seq: 541, to: 550 },
  },
  {
    name: "a record inserted",
    work: (log) =>
      tamper(log, (db) => {
        shift(db, 400, 1)
        db.exec(`INSERT INTO events SELECT 400, replace(body, '"v":1', '"v":1,"x":0') FROM events WHERE seq = 399`)
      }),
    finds: { code: "record.inserted", seq: 400 },
  },
  {
    name: "a record duplicated",
    work: (log) =>
      tamper(log, (db) => {
        shift(db, 201, 1)
        db.exec("INSERT INTO events SELECT 201, body FROM events WHERE seq = 200")
      }),
    finds: { code: "record.moved", seq: 201 },
  },
  {
    name: "a row before the first",
    work: (log) => tamper(log, run("INSERT INTO events SELECT 0, body FROM events WHERE seq = 1")),
    finds: { code: "record.inserted" },
  },
  {
    name: "a body rewritten, tree and index made to fit",
    work: async (log) => {
      tamper(log, run(REWRITE, 137))
      await rebuildIndex(log)
    },
    finds: { code: "log.rewritten", seq: 101, to: 256 },
  },
  {
    name: "the same after the last checkpoint but one",
    work: async (log) => {
      tamper(log, run(REWRITE, 301))
      await rebuildIndex(log)
    },
    finds: { code: "log.rewritten", seq: 301, to: 550 },
  },
  {
    name: "a body, tree, index and the checkpoints' roots rewritten, without a signature",
    work: async (log) => {
      tamper(log, run(REWRITE, 137))
      await resign(log, log.signer)
      tamper(log, (db) => {
        for (const { size, note } of db.prepare("SELECT size, note FROM checkpoints").all()) {
          const zeros = String(note).replace(/[^ ]{92}\n$/, (text) => `${text.slice(0, 20)}${"A".repeat(70)}==\n`)
          db.prepare("UPDATE checkpoints SET note = ? WHERE size = ?").run(zeros, Number(size))
        }
      })
    },
    finds: { code: "checkpoint.signature", seq: 100 },
  },
  {
    name: "everything rewritten and signed with another key of the same name",
    work: async (log) => {
      tamper(log, run(REWRITE, 137))
      await resign(log, makeSigner(log.origin, generateKeyPairSync("ed25519").privateKey))
    },
    finds: { code: "checkpoint.signature", seq: 100 },
  },
  {
    name: "a checkpoint's size edited",
    work: edit(
      "UPDATE checkpoints SET note = replace(note, char(10) || '300' || char(10), char(10) || '310' || char(10)) WHERE size = 300",
    ),
    finds: { code: "checkpoint.signature", seq: 300 },
  },
  {
    name: "a checkpoint's row with another root than its note",
    work: edit("UPDATE checkpoints SET root = (SELECT root FROM checkpoints WHERE size = 100) WHERE size = 300"),
    finds: { code: "checkpoint.malformed", seq: 300 },
  },
  {
    name: "a checkpoint replaced by another one",
    work: edit(
      "UPDATE checkpoints SET (root, note) = (SELECT root, note FROM checkpoints WHERE size = 100) WHERE size = 300",
    ),
    finds: { code: "checkpoint.malformed", seq: 300 },
  },
  {
    name: "a published checkpoint removed",
    work: (log) =>
      tamper(log, (db) => {
        db.exec("INSERT INTO publications VALUES ('dir:/mnt/witness', 550, 0)")
        db.exec("DELETE FROM checkpoints WHERE size = 550")
      }),
    finds: { code: "checkpoint.missing", seq: 550 },
  },
  {
    name: "a checkpoint dated back",
    work: edit("UPDATE checkpoints SET time = time - 86400000 * 30 WHERE size = 300"),
    finds: { code: "checkpoint.time", seq: 300 },
  },
  {
    name: "the log renamed",
    work: edit("UPDATE settings SET value = 'nanoguard/0000000000000000' WHERE name = 'origin'"),
    finds: { code: "key.other", seq: 1 },
  },
  {
    name: "records deleted and said to be archived",
    work: (log) =>
      tamper(log, (db) => {
        db.exec("UPDATE settings SET value = '137' WHERE name = 'archived'")
        db.exec("DELETE FROM events WHERE seq <= 137")
      }),
    finds: { code: "archive.unexplained", seq: 1, to: 137 },
  },
  {
    name: "a person's value swapped",
    work: edit("UPDATE people SET value = 'mallory@acme.example' WHERE value LIKE 'ana@%'"),
    finds: { code: "person.differs" },
  },
  {
    name: "a person's salt changed",
    work: edit("UPDATE people SET salt = 'A' || substr(salt, 2, 41) || 'A' WHERE value LIKE 'ben@%'"),
    finds: { code: "person.differs" },
  },
  {
    name: "a person removed without a record of it",
    work: edit("DELETE FROM people WHERE value LIKE 'ben@%'"),
    finds: { code: "person.missing" },
  },
  {
    name: "a hash of a leaf tile changed",
    work: (log) => tamperIndex(log, flipTile(0, 0, 32 * 136)),
    finds: { code: "tree.damaged", seq: 137 },
  },
  {
    name: "a hash above the leaves changed",
    work: (log) => tamperIndex(log, flipTile(1, 0, 33)),
    finds: { code: "tree.damaged", seq: 257 },
  },
  {
    name: "a leaf tile removed",
    work: editIndex("DELETE FROM tiles WHERE level = 0 AND position = 1"),
    finds: { code: "tree.damaged", seq: 257 },
  },
  {
    name: "an index row that hides an agent",
    work: editIndex("UPDATE entries SET agent = 'nobody' WHERE seq = 222"),
    finds: { code: "index.differs", seq: 222 },
  },
  {
    name: "an index row removed",
    work: editIndex("DELETE FROM entries WHERE seq = 333"),
    finds: { code: "index.differs", seq: 333 },
  },
  {
    name: "an index row counted as a use of something else",
    work: editIndex(
      "UPDATE entries SET use = (SELECT max(id) FROM uses) WHERE seq = (SELECT min(seq) FROM entries WHERE use IS NOT NULL)",
    ),
    finds: { code: "index.differs" },
  },
  {
    name: "an index row of a record that is not there",
    work: editIndex("INSERT INTO entries VALUES (601, 0, 'package', 'package.decided', '', '', '', '', NULL, 1)"),
    finds: { code: "index.differs" },
  },
  {
    name: "a use removed to hide a package",
    work: editIndex("DELETE FROM uses WHERE id = 3"),
    finds: { code: "index.differs" },
  },
  {
    name: "a use counted less",
    work: editIndex("UPDATE uses SET count = count + 1 WHERE id = 3"),
    finds: { code: "index.differs" },
  },
  {
    name: "a use seen later than it was",
    work: editIndex("UPDATE uses SET first = first + 1 WHERE id = 3"),
    finds: { code: "index.differs" },
  },
  {
    name: "a use that never was",
    work: editIndex(
      "INSERT INTO uses SELECT 9999, 'nobody', item, outcome, operator, policy, approvers, 1, 1, 0, 0, 1 FROM uses WHERE id = 3",
    ),
    finds: { code: "index.differs" },
  },
  {
    name: "a package renamed in the index",
    work: editIndex("UPDATE items SET version = '9.9.9' WHERE id = (SELECT min(id) FROM items WHERE kind = 'package')"),
    finds: { code: "index.differs" },
  },
  {
    name: "an advisory removed from the index",
    work: editIndex("DELETE FROM touched WHERE use = (SELECT min(use) FROM touched)"),
    finds: { code: "index.differs" },
  },
  {
    name: "an advisory added to the index",
    work: editIndex("INSERT INTO touched VALUES ('GHSA-zzzz-zzzz-zzzz', 1)"),
    finds: { code: "index.differs" },
  },
  {
    name: "an agent removed from the index",
    work: editIndex("DELETE FROM agents WHERE id = 2"),
    finds: { code: "index.differs" },
  },
  {
    name: "a run said to be in a box",
    work: editIndex("UPDATE agents SET boxed = 1 WHERE agent = 'nanoclaw-4'"),
    finds: { code: "index.differs" },
  },
]

function flipTile(level: number, position: number, at: number): (db: DatabaseSync) => void {
  return (db) => {
    const row = db.prepare("SELECT hashes FROM tiles WHERE level = ? AND position = ?").get(level, position)
    const hashes = Uint8Array.from(row!["hashes"] as Uint8Array)
    hashes[at]! ^= 1
    db.prepare("UPDATE tiles SET hashes = ? WHERE level = ? AND position = ?").run(hashes, level, position)
  }
}
