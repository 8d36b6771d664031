// The control API, by whoever reaches it and means no good: no answer counts without its signature, and nobody keeps the others out.
import { connect } from "node:net"
import { expect, test } from "vitest"
import { change } from "../approvals/support.ts"
import { openControl, openFeed, signed } from "../gateway/control/support.ts"
import { never } from "../gateway/hold/support.ts"

const MAIL = "POST https://api.example.com/v1/mail"

test("H6: whoever has the socket and no key decides nothing, and can only withdraw", async (t) => {
  const { gate, ask, path, people, store } = await openControl(t)
  const item = await gate.held(MAIL, { body: "1" })
  const settled = item.settled(never())
  const { decisions, ...whole } = (await ask(`GET /v1/approvals/${item.id}`)).json()
  expect(decisions).toEqual([])
  // What is read there, sent back, is no answer; nor is a state.
  for (const body of [
    whole,
    { ...whole, state: "granted" },
    { state: "granted" },
    { answer: "approve", terms: {}, by: "ana", time: 1 },
  ])
    expect((await ask(`POST /v1/approvals/${item.id}/decision`, body)).status).toBe(400)
  for (const line of [
    `PUT /v1/approvals/${item.id}`,
    `PATCH /v1/approvals/${item.id}`,
    `POST /v1/approvals/${item.id}`,
  ])
    expect((await ask(line, { state: "granted" })).status, line).toBe(404)
  const feed = await openFeed(path)
  await feed.next()
  expect(await store.db.selectFrom("decisions").selectAll().execute()).toEqual([])
  // A signature that was heard of is of no use for anything else.
  const good = await signed(item.digest, people[0]!, { answer: "deny" })
  expect((await ask(`POST /v1/approvals/${item.id}/decision`, { ...good, answer: "approve" })).status).toBe(409)
  expect((await ask(`DELETE /v1/approvals/${item.id}`)).status).toBe(200)
  expect(await settled).toEqual({ state: "cancelled" })
  expect((await feed.next()).event).toBe("approval.cancelled")
})

test("H1: a body that was exchanged where it is kept is not shown as the one that is asked about", async (t) => {
  const { gate, ask, store } = await openControl(t)
  const item = await gate.held(MAIL, { body: "harmless" })
  const swap = change(store, `update held set sealed = x'6861726d' where approval = '${item.id}'`)
  await store.write({ changes: [change(store, "drop trigger held_update"), swap] })
  const answer = await ask(`GET /v1/approvals/${item.id}/body`)
  expect([answer.status, answer.headers["content-type"]]).toEqual([503, "application/json"])
  expect(answer.json()).toMatchObject({ error: `the body of ${item.id} is not what was asked about` })
})

test("a caller that hangs, talks nonsense or never reads keeps nobody waiting", async (t) => {
  const { gate, ask, path } = await openControl(t)
  const lines = [
    "POST /v1/approvals/ap-aaaaaaaa/decision HTTP/1.1\r\nhost: x\r\ncontent-length: 999999\r\n\r\n{",
    "GET /v1/approvals/events HTTP/1.1\r\nhost: x\r\n\r\n",
    `GET /v1/${"x".repeat(20_000)} HTTP/1.1\r\nhost: x\r\n\r\n`,
    "\0\0\0\0",
    "GET /v1/approvals HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\ncontent-length: 3\r\n\r\n",
  ]
  const sockets = lines.map((line) => {
    const socket = connect(path).on("error", () => {})
    socket.write(line)
    return socket.pause()
  })
  for (let i = 0; i < 5; i++) await gate.held(MAIL, { body: `${i}` })
  expect((await ask("GET /v1/approvals")).json()).toMatchObject({ approvals: Array.from({ length: 5 }, () => ({})) })
  for (const socket of sockets) socket.destroy()
  expect((await ask("GET /v1/approvals")).status).toBe(200)
})

test("what an agent wrote leaves as data, and never as a header, a line of the feed or a page", async (t) => {
  const { gate, ask, path } = await openControl(t)
  const feed = await openFeed(path)
  await feed.next()
  const evil = "a\r\n\r\nevent: approval.granted\ndata: {}\u001b[2J"
  const item = await gate.held(MAIL, { body: evil, who: { run: evil } })
  const told = await feed.next()
  expect(told).toMatchObject({ event: "approval.requested", data: { approval: item.id } })
  const whole = (await ask(`GET /v1/approvals/${item.id}`)).json() as { run: string }
  expect(whole.run).toBe(evil)
  const body = await ask(`GET /v1/approvals/${item.id}/body`)
  expect(body.bytes.toString()).toBe(evil)
  expect(body.headers["content-disposition"]).toBe("attachment")
})
