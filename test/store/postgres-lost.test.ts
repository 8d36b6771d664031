// A connection that breaks at any point of a commit, for real: a proxy between the engine and the server cuts it. Whatever was
// answered is in the log once, whatever was refused is not in it.
import { once } from "node:events"
import { connect, createServer, type Server, type Socket } from "node:net"
import { setTimeout as sleep } from "node:timers/promises"
import { describe, expect, onTestFinished, type TestContext, test } from "vitest"
import type { PendingBatch } from "../../src/store/engine.ts"
import { openPostgresEngine } from "../../src/store/postgres/commit.ts"
import { listenForCommits } from "../../src/store/postgres/listen.ts"
import { type Database, newStoreDatabase } from "../postgres.ts"

/** What the proxy does with the next piece that a client sends: pass it on, cut before the server has it, or after its answer. */
type Fate = "pass" | "before" | "after"

interface Proxy {
  url: string
  /** Decides for each piece; counts from 0 since it was set. */
  decide: (fate: (piece: Buffer, index: number) => Fate) => void
  pieces: () => number
}

async function startProxy(url: string): Promise<Proxy> {
  const target = new URL(url)
  let fate: (piece: Buffer, index: number) => Fate = () => "pass"
  let index = 0
  const server: Server = createServer((client) => {
    const upstream = connect(Number(target.port), target.hostname)
    let cutting = false
    const end = () => [client, upstream].forEach((socket: Socket) => void socket.destroy())
    client.on("data", (piece) => {
      const what = fate(piece, index++)
      if (what === "before") return end()
      cutting ||= what === "after"
      upstream.write(piece)
    })
    upstream.on("data", (piece) => (cutting ? end() : client.write(piece)))
    for (const socket of [client, upstream]) socket.on("error", end).on("close", end)
  })
  server.listen(0, "127.0.0.1")
  await once(server, "listening")
  onTestFinished(() => void server.close())
  const proxied = new URL(url)
  proxied.port = String((server.address() as { port: number }).port)
  const decide: Proxy["decide"] = (next) => {
    fate = next
    index = 0
  }
  return { url: proxied.href, decide, pieces: () => index }
}

async function newEngine(t: TestContext) {
  const database = await newStoreDatabase(t)
  const proxy = await startProxy(await database.login("gateway", "nanoguard_writer"))
  const engine = await openPostgresEngine(proxy.url, { gateway: "gw", commitKey: new Uint8Array(32), now: Date.now })
  t.onTestFinished(() => engine.close())
  return { database, proxy, engine }
}

const CLAIM: PendingBatch["changes"][number] = {
  sql: "insert into nanoguard.publications (anchor, size, time) select '', coalesce(max(size), 0) + 1, 0 from nanoguard.publications",
  parameters: [],
  expect: 1,
}

/** A group of two batches, one with a change; subjects are its own. */
function group(name: string, changes = [CLAIM]): PendingBatch[] {
  const event = (subject: string) => ({ type: "package.decided", subject, gateway: "gw", operator: name })
  return [
    { changes: [], events: [event(`${name}-1`), event(`${name}-2`)] },
    { changes, events: [event(`${name}-3`)] },
  ]
}

async function subjects(database: Database): Promise<string[]> {
  const { rows } = await database.admin("select body::json->>'subject' as subject from nanoguard.events order by seq")
  return rows.map(({ subject }) => subject)
}

describe("a connection that is cut", () => {
  test("at any message of a commit, before or after the server has it, once: the group is in the log once", async (t) => {
    const { database, proxy, engine } = await newEngine(t)
    proxy.decide(() => "pass")
    await engine.commitGroup(group("whole"))
    const messages = proxy.pieces()
    expect(messages).toBeGreaterThan(5)
    const expected = ["whole-1", "whole-2", "whole-3"]
    for (let at = 0; at < messages; at++) {
      for (const fate of ["before", "after"] as const) {
        let cut = false
        proxy.decide((_, index) => {
          if (cut || index !== at) return "pass"
          cut = true
          return fate
        })
        const name = `${fate}${at}`
        const outcomes = await engine.commitGroup(group(name))
        const first = expected.length + 1
        expect(outcomes).toEqual([{ seqs: [first, first + 1] }, { seqs: [first + 2] }])
        expected.push(`${name}-1`, `${name}-2`, `${name}-3`)
        expect(cut).toBe(true)
      }
    }
    expect(await subjects(database)).toEqual(expected)
    const claims = await database.admin("select count(*)::int as count from nanoguard.publications")
    expect(claims.rows[0]).toEqual({ count: expected.length / 3 })
    expect((await database.admin("select value from nanoguard.people")).rowCount).toBe(expected.length / 3)
  })

  test("twice at COMMIT: the second time it was written and the third look says so", async (t) => {
    const { database, proxy, engine } = await newEngine(t)
    let commits = 0
    proxy.decide((piece) => {
      if (!piece.includes("commit\0")) return "pass"
      return ++commits === 1 ? "before" : "after"
    })
    expect(await engine.commitGroup(group("a"))).toEqual([{ seqs: [1, 2] }, { seqs: [3] }])
    expect(commits).toBe(2)
    expect(await subjects(database)).toEqual(["a-1", "a-2", "a-3"])
  })

  test("at every COMMIT: the error says that nothing was written, and nothing was", async (t) => {
    const { database, proxy, engine } = await newEngine(t)
    proxy.decide((piece) => (piece.includes("commit\0") ? "before" : "pass"))
    const failed = engine.commitGroup(group("a"))
    await expect(failed).rejects.toMatchObject({
      exit: 5,
      message: expect.stringContaining("nothing of it is in the log"),
    })
    proxy.decide(() => "pass")
    expect(await engine.commitGroup(group("b"))).toEqual([{ seqs: [1, 2] }, { seqs: [3] }])
    expect(await subjects(database)).toEqual(["b-1", "b-2", "b-3"])
  })

  test("after COMMIT of changes alone: made once, and the error says that nobody can tell", async (t) => {
    const { database, proxy, engine } = await newEngine(t)
    proxy.decide((piece) => (piece.includes("commit\0") ? "after" : "pass"))
    const failed = engine.commitGroup([{ changes: [CLAIM], events: [] }])
    await expect(failed).rejects.toThrow("it may be in the log all the same")
    expect((await database.admin("select size from nanoguard.publications")).rowCount).toBe(1)
  })

  test("by the server's administrator: the group goes over another one", async (t) => {
    const { database, proxy, engine } = await newEngine(t)
    proxy.decide((piece) => {
      if (!piece.includes("unnest")) return "pass"
      proxy.decide(() => "pass")
      void database.admin(
        "select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and application_name = 'nanoguard writer'",
      )
      return "pass"
    })
    for (const name of ["a", "b", "c", "d"]) await engine.commitGroup(group(name))
    expect(await subjects(database)).toEqual(
      ["a", "b", "c", "d"].flatMap((name) => [1, 2, 3].map((i) => `${name}-${i}`)),
    )
  })
})

test("a listener hears of commits again after its connection broke", async (t) => {
  const { database, engine } = await newEngine(t)
  const listening =
    "from pg_stat_activity where datname = current_database() and application_name = 'nanoguard listener' and query = 'listen nanoguard'"
  const connected = async () => {
    while ((await database.admin(`select ${listening}`)).rowCount === 0) await sleep(20)
  }
  let calls = 0
  const url = await database.login("listener", "nanoguard_reader")
  t.onTestFinished(listenForCommits(url, () => void calls++))
  const heard = async (work: () => Promise<unknown>) => {
    const before = calls
    await work()
    while (calls === before) await sleep(10)
  }
  await connected()
  await heard(() => engine.commitGroup(group("a")))
  await heard(() => database.admin(`select pg_terminate_backend(pid) ${listening}`).then(connected))
  // The call for the new connection may still be on its way.
  await sleep(50)
  await heard(() => engine.commitGroup(group("b")))
})

test("a full disk fails the group with what is wrong, and the next one goes on where the log ended", async (t) => {
  const { database, engine } = await newEngine(t)
  // The server's own code for it, raised where a record would need space.
  await database.admin(`create function public.full_disk() returns trigger language plpgsql as
    $$ begin raise exception 'could not extend file: No space left on device' using errcode = 'disk_full'; end $$`)
  await database.admin("create trigger full_disk before insert on nanoguard.events execute function public.full_disk()")
  await expect(engine.commitGroup(group("a"))).rejects.toMatchObject({
    exit: 5,
    message: expect.stringMatching(/has no space left on its disk.*nothing of it is in the log/s),
  })
  await database.admin("drop trigger full_disk on nanoguard.events")
  expect(await engine.commitGroup(group("b"))).toEqual([{ seqs: [1, 2] }, { seqs: [3] }])
  expect(await subjects(database)).toEqual(["b-1", "b-2", "b-3"])
})

test("a server that lacks acknowledged records, as after a failover, is not written to", async (t) => {
  const { database, engine } = await newEngine(t)
  await engine.commitGroup(group("a"))
  await database.admin(`alter table nanoguard.events disable trigger all; delete from nanoguard.events where seq = 3;
    select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and application_name = 'nanoguard writer'`)
  await expect(engine.commitGroup(group("b"))).rejects.toMatchObject({
    exit: 5,
    message: expect.stringMatching(/ends at 2.*seen 3: records are gone/),
  })
  expect(await subjects(database)).toEqual(["a-1", "a-2"])
})

test("a lax group is brought to the server's disk by its writer", async (t) => {
  const { database, engine } = await newEngine(t)
  const lax = group("a", []).map((batch): PendingBatch => ({ ...batch, lax: true }))
  expect(await engine.commitGroup(lax)).toEqual([{ seqs: [1, 2] }, { seqs: [3] }])
  const written = (await database.admin("select pg_current_wal_insert_lsn() as at")).rows[0]?.at
  const writer = "from pg_stat_activity where datname = current_database() and application_name = 'nanoguard writer'"
  // A refused one would have cost the connection.
  const synced = `select ${writer} and state = 'idle' and query like '%pg_logical_emit_message%'`
  while ((await database.admin(synced)).rowCount === 0) await sleep(10)
  expect((await database.admin(`select pg_current_wal_flush_lsn() >= '${written}' as flushed`)).rows[0]?.flushed).toBe(
    true,
  )
})
