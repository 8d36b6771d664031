// kill -9 of gates at random moments while 50 requests are held: nothing lost, nothing released twice, nothing released unapproved.
import { randomBytes } from "node:crypto"
import { setTimeout as sleep } from "node:timers/promises"
import { describe, expect, it, onTestFinished, type TestContext } from "vitest"
import { addApprover } from "../../../src/approvals/enrol.ts"
import { openStore } from "../../../src/store/open.ts"
import { newPerson, records } from "../../approvals/support.ts"
import { emptyHome, temporaryDirectory, testContext } from "../../context.ts"
import { newStoreDatabase } from "../../postgres.ts"
import { bundleProgram } from "./bundle.ts"
import { decideAll, isWelcome, sendUntilAnswered, startHoldGate, startOrigin } from "./holds.ts"
import { makeRandom, SAMPLE, SEED } from "./random.ts"

const CLIENTS = 50
const KILLS = SAMPLE ? 6 : 50
/** Requests of one client, one after the other; more, until all gates are killed that are to be. */
const EACH = SAMPLE ? 3 : 15
const POLICY = `version: 1
network: [{ id: writes, ask: api.example.com }]
approvers: { default: { people: [ana], expire: 15m } }
`

const ENGINES: [string, (ctx: TestContext) => Promise<Record<string, string>>][] = [
  ["files", async () => ({})],
  [
    "PostgreSQL",
    async (ctx) => ({ NANOGUARD_STORE: await (await newStoreDatabase(ctx)).login("gateway", "nanoguard_writer") }),
  ],
]

describe.each(ENGINES)(`gates on %s that are killed while requests are held (seed ${SEED})`, (_, prepare) => {
  it("lose nothing, and release nothing twice or unapproved", async (t) => {
    const random = makeRandom(SEED)
    const program = await bundleProgram(new URL("./hold-gate.ts", import.meta.url))
    const env = emptyHome(await prepare(t))
    const ctx = testContext(temporaryDirectory(), { env, now: Date.now() })
    const store = await openStore(ctx, { gateway: "person" })
    onTestFinished(() => store.close())
    const ana = newPerson("ana")
    await addApprover(store, ana, ana, Date.now(), "test")
    const { port: origin, receipts } = await startOrigin()
    const key = randomBytes(32).toString("base64")
    const start = (name: string) => startHoldGate(program, env, { name, policy: POLICY, origin, key })
    const gates = ["one", "two"].map((name) => ({ name, current: start(name) }))
    const all = gates.map(({ current }) => current)

    const done = new AbortController()
    const deciding = decideAll(store, ana, makeRandom(SEED + 1), done.signal)
    const answers = new Map<string, number>()
    let kills = 0
    let sent = 0
    const clients = Array.from({ length: CLIENTS }, async (_, client) => {
      for (let item = client; item < CLIENTS * EACH || kills < KILLS; item += CLIENTS) {
        const path = `/item/${item}`
        sent++
        answers.set(path, await sendUntilAnswered(gates, path, `body of ${path}`, makeRandom(SEED + 2 + item)))
      }
    })
    const finished = Promise.all(clients)
    while (kills < KILLS) {
      await Promise.race([finished, sleep(random.below(700))])
      const gate = random.pick(gates)
      gate.current.child.kill("SIGKILL")
      await gate.current.ended
      kills++
      gate.current = start(gate.name)
      all.push(gate.current)
    }
    await finished
    done.abort()
    const agreed = await deciding
    // Once more, so that whatever the last one left is said.
    for (const gate of gates) {
      gate.current.child.kill("SIGKILL")
      await gate.current.ended
      const last = start(gate.name)
      while (last.port() === undefined) await sleep(20)
      last.child.kill("SIGKILL")
      await last.ended
    }

    expect(all.map((gate) => gate.err()).join("")).toBe("")
    expect(sent).toBeGreaterThanOrEqual(CLIENTS * EACH)
    expect(answers.size).toBe(sent)
    const log = await records(store)
    const idsOf = (type: string) => log.flatMap((record) => (record.type === type ? [record.approval ?? ""] : []))
    // Nothing unapproved.
    for (const { path, body, approval } of receipts) {
      expect([isWelcome(path), body]).toEqual([true, `body of ${path}`])
      expect(agreed.has(approval)).toBe(true)
    }
    for (const [path, status] of answers) expect([path, status]).toEqual([path, isWelcome(path) ? 200 : 403])
    // Nothing twice: by one approval one release, and at most one arrival.
    const released = idsOf("network.released")
    const arrived = receipts.map(({ approval }) => approval)
    expect(new Set(released).size).toBe(released.length)
    expect(new Set(arrived).size).toBe(arrived.length)
    expect(arrived.filter((id) => !released.includes(id))).toEqual([])
    // Nothing lost: what was told to be held is in the queue; what was released and did not arrive is said to be unknown.
    const rows = await store.db.selectFrom("approvals").select(["id", "state"]).execute()
    const known = new Set(rows.map(({ id }) => id))
    expect(all.flatMap(({ held }) => [...held]).filter((id) => !known.has(id))).toEqual([])
    const unknown = idsOf("network.failed")
    expect(new Set(unknown).size).toBe(unknown.length)
    expect(released.filter((id) => !arrived.includes(id) && !unknown.includes(id))).toEqual([])
    const used = rows.filter(({ state }) => state === "consumed").map(({ id }) => id)
    expect(used.sort()).toEqual([...released].sort())
    const marks = await store.db.selectFrom("held").select("approval").where("approval", "like", "/%").execute()
    expect(marks).toEqual([])
  })
})
