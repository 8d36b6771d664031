import { writeFileSync } from "node:fs"
import { join } from "node:path"
import { describe, expect, it, onTestFinished } from "vitest"
import { EXIT } from "../../src/errors.ts"
import { checkLength, readLengths } from "../../src/store/lengths.ts"
import { openIndex } from "../../src/store/sqlite/index-file.ts"
import { openRecord } from "../../src/store/sqlite/record.ts"
import { makeDirectory } from "./directory.ts"

async function makeStore(directory: string, seq: number) {
  const record = await openRecord(directory)
  onTestFinished(() => record.close())
  const origin = String(record.prepare("SELECT value FROM settings WHERE name = 'origin'").get()?.["value"])
  const index = await openIndex(directory, origin)
  index.connection.exec(`UPDATE derived SET value = '${seq}' WHERE name = 'seq'`)
  index.close()
  return { record, origin }
}

const check = (record: Parameters<typeof readLengths>[0], directory: string) => () =>
  checkLength(readLengths(record, directory), directory)

describe("the length of a log", () => {
  it("is fine where it has reached what its checkpoint and its index have seen", async () => {
    const directory = makeDirectory()
    const { record, origin } = await makeStore(directory, 2)
    record.exec(
      "INSERT INTO events VALUES (1, 'a'), (2, 'b'), (3, 'c'); INSERT INTO checkpoints VALUES (3, 'r', 'n', 0)",
    )
    expect(readLengths(record, directory)).toEqual({ log: 3, checkpoint: 3, index: 2, indexOrigin: origin, origin })
    expect(check(record, directory)).not.toThrow()
  })

  it("counts what is archived", async () => {
    const directory = makeDirectory()
    const { record } = await makeStore(directory, 2)
    record.exec("INSERT INTO events VALUES (1, 'a'), (2, 'b'); INSERT INTO checkpoints VALUES (2, 'r', 'n', 0)")
    record.exec("UPDATE settings SET value = '2' WHERE name = 'archived'; DELETE FROM events")
    expect(readLengths(record, directory).log).toBe(2)
    expect(check(record, directory)).not.toThrow()
  })

  it.each([
    [
      "its newest checkpoint",
      "DROP TRIGGER events_delete; DELETE FROM events WHERE seq > 1",
      0,
      /ends at 1, and its newest checkpoint has seen 2/,
    ],
    [
      "its index",
      "DROP TRIGGER checkpoints_delete; DROP TRIGGER events_delete; DELETE FROM events; DELETE FROM checkpoints",
      2,
      /ends at 0, and its index has seen 2/,
    ],
  ])("is too short for %s where records were cut off", async (_, cut, seq, message) => {
    const directory = makeDirectory()
    const { record } = await makeStore(directory, seq)
    record.exec("INSERT INTO events VALUES (1, 'a'), (2, 'b'); INSERT INTO checkpoints VALUES (2, 'r', 'n', 0)")
    record.exec(cut)
    expect(check(record, directory)).toThrow(
      expect.objectContaining({
        message: expect.stringMatching(message),
        exit: EXIT.environment,
        hint: expect.any(String),
      }),
    )
  })

  it("is not begun anew beside the index of another log", async () => {
    const [old, directory] = [makeDirectory(), makeDirectory()]
    const { origin } = await makeStore(old, 5)
    const { record } = await makeStore(directory, 0)
    const foreign = await openIndex(directory, origin)
    foreign.close()
    expect(check(record, directory)).toThrow(`its index belongs to ${origin}`)
  })

  it("asks nothing of an index that is missing or damaged", async () => {
    const directory = makeDirectory()
    const record = await openRecord(directory)
    onTestFinished(() => record.close())
    expect(readLengths(record, directory)).toMatchObject({ log: 0, index: 0 })
    writeFileSync(join(directory, "index.db"), "garbage ".repeat(1000))
    expect(check(record, directory)).not.toThrow()
  })
})
