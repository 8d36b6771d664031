// Kills in the gate: what is asked is refused, what is open is cut, what waits is told, and a run that was stopped stays so.
import { createServer } from "node:http"
import type { AddressInfo } from "node:net"
import { connect } from "node:net"
import { setTimeout as sleep } from "node:timers/promises"
import { expect, onTestFinished, test } from "vitest"
import { orderKills } from "../../../src/sandbox/kills/order.ts"
import type { KillTarget } from "../../../src/sandbox/types.ts"
import { NOW } from "../../context.ts"
import { startNpmUpstream, type TestGate } from "../gate.ts"
import { askBox, followBox, openTestBox } from "./box.ts"

const kill = (gate: TestGate, ...targets: KillTarget[]) =>
  orderKills(gate.store, targets, { time: NOW, by: "olga", reason: "drill" }, "kill")

/** An origin that answers with a line, and then nothing more for as long as the client stays. */
async function startOrigin() {
  const server = createServer((_request, response) => void response.write("first line\n"))
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve))
  onTestFinished(() => {
    server.closeAllConnections()
    server.close()
  })
  return (server.address() as AddressInfo).port
}

test("cuts a box off, its stream and its socket, tells who follows it, and never takes the run again", async () => {
  const port = await startOrigin()
  const policy = `version: 1\nnetwork: [{ id: api, allow: api.example.com, ports: [${port}], addresses: [127.0.0.1] }]\n`
  const { gate, box, path, open, control } = await openTestBox({
    policy,
    egress: { resolve: async () => ["127.0.0.1"] },
  })
  const other = await open({ agent: "other" })
  const events = await followBox(path, box.run)
  await events.next()
  const stream = connect(`${box.directory}/gate/gate.sock`)
  const ended = new Promise((resolve) => stream.once("close", resolve))
  stream
    .on("error", () => {})
    .write(`GET http://api.example.com:${port}/ HTTP/1.1\r\nhost: api.example.com:${port}\r\n\r\n`)
  await new Promise((resolve) => stream.once("data", resolve))
  await kill(gate, { kind: "agent", name: "claude-1" })
  expect(await events.next()).toEqual({ event: "killed" })
  await ended
  await expect(askBox(box)("GET /-/health")).rejects.toThrow(/ECONNREFUSED|ENOENT|reset|hang up/)
  expect((await askBox(other)("GET /-/nanoguard/v1/run")).status).toBe(200)
  await expect(open()).rejects.toThrow(/under a kill/)
  await expect(open({ run: box.run })).rejects.toThrow(/under a kill/)
  expect((await control(`DELETE /v1/boxes/${box.run}`, { exit: 137 })).status).toBe(200)
  expect((await gate.records()).at(-1)).toMatchObject({ type: "sandbox.ended", detail: { exit: 137, killed: true } })
})

test("refuses a run without a box by name, for good, and opens no other", async () => {
  const upstream = await startNpmUpstream()
  upstream.publish("good", { "1.0.0": {} })
  const { gate, control } = await openTestBox({
    policy: "version: 1\npackages: { unknown: allow }\n",
    env: { NPM_CONFIG_REGISTRY: upstream.base },
  })
  const run = { agent: "cli", operator: "ana", boxed: false, lasts: 60_000 }
  const { token, run: id } = (await control("POST /v1/runs", run)).json()
  const headers = { authorization: `Bearer ${String(token)}` }
  expect((await gate.get("/npm/good", headers)).status).toBe(200)
  await kill(gate, { kind: "run", name: String(id) })
  // What is under way at that moment is cut off.
  const ask = () =>
    gate.get("/npm/good", headers).then(
      async (response) => ({ status: response.status, body: await response.text() }),
      () => ({ status: 0, body: "" }),
    )
  let answer = await ask()
  for (let i = 0; i < 100 && answer.status !== 403; i++, answer = await ask()) await sleep(20)
  expect(answer.status).toBe(403)
  expect(JSON.parse(answer.body)).toMatchObject({ verdict: { code: "agent.killed" } })
  expect((await control("POST /v1/runs", run)).status).toBe(200)
  await kill(gate, { kind: "all" })
  await sleep(300)
  expect((await control("POST /v1/runs", run)).status).toBe(503)
})

test("a child goes with its parent's kill, under whatever name it is", async () => {
  const { gate, box, open } = await openTestBox()
  const child = await open({ agent: "child", parent: box.run })
  await kill(gate, { kind: "run", name: box.run })
  const isGone = async () =>
    askBox(child)("GET /-/health").then(
      () => false,
      () => true,
    )
  for (let i = 0; i < 100 && !(await isGone()); i++) await sleep(20)
  expect(await isGone()).toBe(true)
})
