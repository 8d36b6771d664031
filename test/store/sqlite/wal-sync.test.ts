// What is told when a sync fails, and when nothing is there to sync. That syncs come, and keep what they promise on disks that keep
// nothing else, test/long/faults/power-cut.test.ts shows.
import { existsSync, mkdirSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { describe, expect, test } from "vitest"
import { createWalSync, syncWal } from "../../../src/store/sqlite/wal-sync.ts"
import { makeDirectory } from "../directory.ts"

const DEVICE = "/dev/full"

describe("a sync of the WAL", () => {
  test("is not promised where there is no file to sync", () => {
    const failures: unknown[] = []
    const sync = createWalSync(join(makeDirectory(), "record.db-wal"), (error) => failures.push(error))
    expect(sync.ready()).toBe(false)
    sync.settle()
    expect(failures).toEqual([])
  })

  test("that fails is told, whether somebody waits or not", async (t) => {
    if (!existsSync(DEVICE)) t.skip("/dev/full is missing: run this on Linux")
    // A device that cannot be synced: fdatasync(2) answers EINVAL.
    const failures: unknown[] = []
    const sync = createWalSync(DEVICE, (error) => failures.push(error))
    expect(sync.ready()).toBe(true)
    sync.written()
    expect(() => sync.settle()).toThrow("EINVAL")
    expect(failures).toHaveLength(1)
    sync.written()
    const told = new Promise<void>((resolve) => {
      const look = setInterval(() => {
        if (failures.length < 2) return
        clearInterval(look)
        resolve()
      }, 5)
    })
    await told
    await sync.close()
  })

  test("has nothing to do once SQLite synced, and closes once", async () => {
    const file = join(makeDirectory(), "record.db-wal")
    writeFileSync(file, "x")
    const sync = createWalSync(file, (error) => expect.fail(String(error)))
    expect(sync.ready()).toBe(true)
    sync.written()
    sync.synced()
    await sync.close()
    await sync.close()
  })

  test("of a record without a WAL has happened, and of one that cannot be opened it has not", () => {
    const directory = makeDirectory()
    syncWal(join(directory, "record.db-wal"))
    mkdirSync(join(directory, "other.db-wal"))
    expect(() => syncWal(join(directory, "other.db-wal"))).toThrow("EISDIR")
  })
})
