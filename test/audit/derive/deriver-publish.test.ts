import { Kysely } from "kysely"
import { beforeEach, describe, expect, onTestFinished, test } from "vitest"
import { parseCheckpoint } from "../../../src/audit/checkpoints/checkpoint-text.ts"
import { createPublisher, PUBLISH_MS } from "../../../src/audit/checkpoints/publish.ts"
import type { Anchor, Checkpoint, NewEvent } from "../../../src/audit/types.ts"
import type { Tables } from "../../../src/store/schema.ts"
import { RECORD } from "../../../src/store/sqlite/database.ts"
import { sqliteDialect } from "../../../src/store/sqlite/dialect.ts"
import { openIndex } from "../../../src/store/sqlite/index-file.ts"
import { openRecord } from "../../../src/store/sqlite/record.ts"
import { makeLog } from "../verify-log.ts"

/** A place in memory that can be out of reach. */
function newPlace() {
  const place = {
    held: [] as Checkpoint[],
    down: false,
    tries: 0,
    anchor: {} as Anchor,
  }
  const reach = () => {
    place.tries++
    if (place.down) throw new Error("no answer")
  }
  const newest = () => {
    reach()
    return place.held.toSorted((a, b) => a.size - b.size)
  }
  place.anchor = {
    name: "dir:/mnt/witness",
    read: async () => newest(),
    newest: async () => newest().at(-1),
    publish: async (checkpoint: Checkpoint) => {
      reach()
      place.held.push(checkpoint)
    },
  } as Anchor
  return place
}

async function newPublisher() {
  const log = await makeLog(300, [100, 200, 300])
  const connection = await openRecord(log.directory)
  const index = await openIndex(log.directory, log.origin)
  onTestFinished(() => {
    index.close()
    connection.close()
  })
  const record = new Kysely<Tables>({ dialect: sqliteDialect(connection, RECORD) })
  const rows = await record.selectFrom("checkpoints").selectAll().orderBy("size").execute()
  const told: NewEvent[] = []
  const clock = { now: 1_000_000 }
  const place = newPlace()
  const open = () =>
    createPublisher({
      ...{ anchors: [place.anchor], record, index: index.db, gateway: "gateway-1", now: () => clock.now },
      key: log.signer,
      tell: (event) => told.push(event),
    })
  return { open, place, told, clock, record, checkpoints: rows.map(({ note }) => parseCheckpoint(note)) }
}

const typesOf = (events: readonly NewEvent[]) => events.map(({ type }) => type)
const sizesOf = (checkpoints: readonly Checkpoint[]) => checkpoints.map(({ size }) => size)

describe("publishing", () => {
  let setting: Awaited<ReturnType<typeof newPublisher>>
  beforeEach(async () => {
    setting = await newPublisher()
  })

  test("waits a minute between two checkpoints, unless somebody asks", async () => {
    const { open, place, clock, checkpoints } = setting
    const publisher = open()
    const [a, b, c] = checkpoints as [Checkpoint, Checkpoint, Checkpoint]
    await publisher.publish(a, false)
    clock.now += PUBLISH_MS - 1
    await publisher.publish(b, false)
    expect(sizesOf(place.held)).toEqual([100])
    clock.now += 1
    await publisher.publish(b, false)
    expect(sizesOf(place.held)).toEqual([100, 200])
    await publisher.publish(c, true)
    expect(sizesOf(place.held)).toEqual([100, 200, 300])
    const { tries } = place
    clock.now += PUBLISH_MS
    await publisher.publish(c, true)
    expect(place.tries).toBe(tries)
  })

  test("keeps what a place confirmed", async () => {
    const { open, record, clock, checkpoints } = setting
    await open().publish(checkpoints[1]!, true)
    const rows = await record.selectFrom("publications").selectAll().execute()
    expect(rows).toEqual([{ anchor: "dir:/mnt/witness", size: 200, time: clock.now }])
  })

  test("tells of an outage once, and of its end", async () => {
    const { open, place, told, checkpoints } = setting
    const publisher = open()
    place.down = true
    await publisher.publish(checkpoints[0]!, true)
    await publisher.publish(checkpoints[1]!, true)
    expect(told).toMatchObject([
      { type: "log.anchor-unreachable", subject: "dir:/mnt/witness", detail: { reason: "no answer" } },
    ])
    place.down = false
    await publisher.publish(checkpoints[1]!, true)
    await publisher.publish(checkpoints[2]!, true)
    place.down = true
    await publisher.publish({ ...checkpoints[2]!, size: 301 }, true)
    expect(typesOf(told)).toEqual(["log.anchor-unreachable", "log.anchor-restored", "log.anchor-unreachable"])
  })

  test("tells of a place that contradicts the log, and leaves it alone", async () => {
    const { open, place, told, checkpoints } = setting
    place.held.push({ ...checkpoints[0]!, size: 150, root: new Uint8Array(32) })
    const publisher = open()
    await publisher.publish(checkpoints[1]!, true)
    await publisher.publish(checkpoints[2]!, true)
    expect(sizesOf(place.held)).toEqual([150])
    expect(told).toMatchObject([{ type: "log.split-view", detail: { published: 150, own: 200, signed: true } }])
  })

  test("tells once of a contradiction that its own key did not sign, and goes on when that is gone", async () => {
    const { open, place, told, checkpoints } = setting
    const note = checkpoints[0]!.note.replace(/[^ ]{20}\n$/, `${"A".repeat(18)}==\n`)
    place.held.push({ ...checkpoints[0]!, size: 5_000, note })
    const publisher = open()
    await publisher.publish(checkpoints[0]!, true)
    await publisher.publish(checkpoints[1]!, true)
    expect(told).toMatchObject([{ type: "log.split-view", detail: { published: 5_000, own: 100, signed: false } }])
    place.held.length = 0
    await publisher.publish(checkpoints[2]!, true)
    expect(typesOf(told)).toEqual(["log.split-view", "log.anchor-restored"])
    expect(sizesOf(place.held)).toEqual([300])
  })

  test("tells of a place that knows more records than the log has", async () => {
    const { open, place, told, checkpoints } = setting
    place.held.push({ ...checkpoints[2]!, size: 5_000 })
    await open().publish(checkpoints[2]!, true)
    expect(typesOf(told)).toEqual(["log.split-view"])
  })

  test("tells of a place that lost what it had confirmed", async () => {
    const { open, place, told, checkpoints } = setting
    await open().publish(checkpoints[1]!, true)
    place.held.length = 0
    await open().publish(checkpoints[2]!, true)
    expect(told).toMatchObject([{ type: "log.anchor-forgot", detail: { confirmed: 200, found: 0 } }])
    expect(sizesOf(place.held)).toEqual([300])
  })

  test("is content with a larger checkpoint of another process", async () => {
    const { open, place, told, checkpoints } = setting
    place.held.push(checkpoints[2]!)
    await open().publish(checkpoints[1]!, true)
    expect(sizesOf(place.held)).toEqual([300])
    expect(told).toEqual([])
  })
})
