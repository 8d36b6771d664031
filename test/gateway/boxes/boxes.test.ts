// The gate's side of a box: a socket that is one run and no other, and what becomes of it.
import { existsSync, statSync, writeFileSync } from "node:fs"
import { connect } from "node:net"
import { join } from "node:path"
import { expect, test } from "vitest"
import { controlPath } from "../../../src/gateway/control-path.ts"
import { askSocket } from "../control/support.ts"
import { openTestGate, startNpmUpstream } from "../gate.ts"
import { askBox, BOX, exchangeRaw, followBox, openTestBox } from "./box.ts"

const DENY = "version: 1\npackages: { rules: [{ id: no-evil, deny: 'pkg:npm/evil' }], unknown: allow }\n"

async function openWithPackages() {
  const upstream = await startNpmUpstream()
  upstream.publish("good", { "1.0.0": {} })
  upstream.publish("evil", { "1.0.0": {} })
  const opened = await openTestBox({ policy: DENY, env: { NPM_CONFIG_REGISTRY: upstream.base } })
  return { upstream, ...opened }
}

test("is on record before anything can be asked, without the command's arguments", async () => {
  const { gate, box } = await openTestBox()
  const [record] = await gate.records()
  expect(record).toMatchObject({ type: "sandbox.started", agent: "claude-1", run: box.run, boxed: true })
  expect(record!.detail).toEqual({ engine: "bubblewrap", workspace: "direct", command: "claude" })
  expect(JSON.stringify(record)).not.toMatch(/olga|--secret/)
})

test("has a directory that others cannot enter, and in it what the box's own user may read", async () => {
  const { box } = await openTestBox()
  for (const above of [`${box.directory}/..`, `${box.directory}/../..`])
    expect(statSync(above).mode & 0o777).toBe(0o700)
  expect(statSync(box.directory).mode & 0o777).toBe(0o755)
  expect(statSync(`${box.directory}/gate/gate.sock`).mode & 0o777).toBe(0o666)
  for (const name of ["relay.mjs", "ca.pem", "roots.pem", "wgetrc", "home/.cargo/config.toml"])
    expect([name, statSync(`${box.directory}/${name}`).mode & 0o777]).toEqual([name, 0o644])
  expect(statSync(`${box.directory}/bin/npm`).mode & 0o777).toBe(0o755)
  expect(JSON.stringify(box.env)).not.toMatch(/ngt_/)
  expect(box.env).toMatchObject({ http_proxy: "http://127.0.0.1:8471", HOME: "/home/agent", IS_SANDBOX: "1" })
  expect(box.env["CI"]).toBeUndefined()
})

test("is its own run whatever token is sent", async () => {
  const { gate, box, ask, control } = await openWithPackages()
  const other = (
    await control("POST /v1/runs", { agent: "other", operator: "ana", boxed: false, lasts: 60_000 })
  ).json()
  const token = String(other["token"])
  const basic = `Basic ${Buffer.from(`x:${token}`).toString("base64")}`
  await ask("GET /npm/evil/-/evil-1.0.0.tgz")
  await ask(`GET /t/${token}/npm/evil/-/evil-1.0.0.tgz`)
  await ask("GET /npm/evil/-/evil-1.0.0.tgz", undefined, { authorization: `Bearer ${token}` })
  await ask("GET http://nowhere.example/", undefined, { "proxy-authorization": basic, host: "nowhere.example" })
  const records = (await gate.records()).filter(({ type }) => /^(package|network)\./.test(type))
  expect(records).toHaveLength(4)
  for (const record of records)
    expect(record).toMatchObject({ agent: "claude-1", run: box.run, boxed: true, outcome: "refused" })
})

test("another protocol that a client offers with its request is left alone, as Cargo offers HTTP/2", async () => {
  const { box } = await openWithPackages()
  const offered = "connection: Upgrade, HTTP2-Settings, close\r\nupgrade: h2c\r\nhttp2-settings: AAMAAABk\r\n"
  const answer = await exchangeRaw(box, `GET /npm/good HTTP/1.1\r\nhost: 127.0.0.1:8471\r\n${offered}\r\n`)
  expect(answer).toMatch(/^HTTP\/1\.1 200 /)
  expect(answer).toContain('"good"')
})

test("two boxes are two runs, and neither is told of the other", async () => {
  const { ask, open } = await openWithPackages()
  const second = await open({ agent: "claude-2" })
  const refused = await ask("GET /npm/evil/-/evil-1.0.0.tgz")
  const id = String(refused.json()["requestId"])
  expect((await ask(`GET /-/nanoguard/v1/why/${id}`)).json()).toMatchObject({
    request: id,
    verdict: { code: "package.denied" },
  })
  expect((await ask("GET /-/nanoguard/v1/why/last")).json()).toMatchObject({ request: id })
  const askSecond = askBox(second)
  expect((await askSecond(`GET /-/nanoguard/v1/why/${id}`)).status).toBe(404)
  expect((await askSecond(`POST /-/nanoguard/v1/request/${id}`, { reason: "please" })).status).toBe(404)
  expect((await askSecond("GET /-/nanoguard/v1/why/last")).status).toBe(404)
  expect((await askSecond("GET /-/nanoguard/v1/run")).json()).toMatchObject({
    schema: "nanoguard.own-run/1",
    run: second.run,
    agent: "claude-2",
    refusals: 0,
  })
})

test("answers for nanoguard.internal through the proxy, and asks no name server for it", async () => {
  const asked: string[] = []
  const resolve = async (host: string) => {
    asked.push(host)
    return ["127.0.0.1"]
  }
  const policy =
    "version: 1\nnetwork: [{ id: all, allow: '**.nanoguard.internal', ports: [80], addresses: [127.0.0.0/8] }]\n"
  const { ask, box } = await openTestBox({ policy, egress: { resolve } })
  const host = "nanoguard.internal"
  expect((await ask(`GET http://${host}/v1/run`, undefined, { host })).json()).toMatchObject({ run: box.run })
  expect((await ask(`GET http://${host}/v1/else`, undefined, { host })).status).toBe(404)
  expect((await ask(`GET http://x.${host}/v1/run`, undefined, { host: `x.${host}` })).status).toBe(502)
  await exchangeRaw(box, `CONNECT ${host}:80 HTTP/1.1\r\nhost: ${host}\r\n\r\n`)
  expect(asked).toEqual([])
})

test("asks people for an exception, for its own refusals, and not without end", async () => {
  const { ask, gate } = await openWithPackages()
  const id = String((await ask("GET /npm/evil/-/evil-1.0.0.tgz")).json()["requestId"])
  const at = `POST /-/nanoguard/v1/request/${id}`
  expect((await ask(at, { reason: " " })).status).toBe(400)
  expect((await ask(at, "{")).status).toBe(400)
  // JSON.parse would take the second key for the first one (nodejs/node#63785).
  expect((await ask(at, '{"mine":1,"reaso\\\\":"x"}')).status).toBe(400)
  expect((await ask(at, '{"mine":1,"reaso\\u006e":"it is a fork of ours"}')).json()).toMatchObject({ state: "pending" })
  const asked = (await gate.records()).filter(({ type }) => type === "approval.requested")
  expect(asked).toHaveLength(1)
  const statuses = await Promise.all(Array.from({ length: 8 }, async () => (await ask(at, { reason: "x" })).status))
  expect(statuses).toContain(429)
})

test("reaches nothing of the control API, nor metrics", async () => {
  const { ask } = await openTestBox()
  for (const line of [
    "GET /v1/status",
    "POST /v1/stop",
    "GET /v1/boxes",
    "POST /v1/approvals/ap-aaaaaaaa/decision",
    "GET /-/metrics",
  ])
    expect([line, (await ask(line)).status]).not.toEqual([line, 200])
  expect((await ask("GET /-/health")).status).toBe(200)
  expect((await ask("GET http://localhost/v1/status", undefined, { host: "localhost" })).status).toBe(403)
})

test("tells who follows it of refusals, and counts", async () => {
  const { ask, path, control, box } = await openWithPackages()
  const events = await followBox(path, box.run)
  expect(await events.next()).toEqual({ event: "open", paused: [] })
  await ask("GET /npm/good")
  const id = String((await ask("GET /npm/evil/-/evil-1.0.0.tgz")).json()["requestId"])
  expect(await events.next()).toMatchObject({ event: "refused", requestId: id, code: "package.denied" })
  const [row] = (await control("GET /v1/boxes")).json()["boxes"] as Record<string, unknown>[]
  expect(row).toMatchObject({
    run: box.run,
    operator: "olga",
    requests: 2,
    refusals: 1,
    held: 0,
    spend: 0,
    attended: true,
  })
  expect(row!["bytes"]).toBeGreaterThan(500)
})

test("ends with its record, its socket and its directory gone, and does not come again", async () => {
  const { ask, path, control, gate, box, open } = await openWithPackages()
  const events = await followBox(path, box.run)
  await ask("GET /npm/evil/-/evil-1.0.0.tgz")
  await ask("GET /npm/good/-/good-1.0.0.tgz")
  const socket = connect(`${box.directory}/gate/gate.sock`)
  const cut = new Promise((resolve) => socket.once("close", resolve))
  await new Promise((resolve) => socket.once("connect", resolve))
  const summary = (await control(`DELETE /v1/boxes/${box.run}`, { exit: 3 })).json()
  expect(summary).toMatchObject({ agent: "claude-1", refusals: [{ verdict: { code: "package.denied" } }] })
  expect(summary).toMatchObject({ installed: ["good@1.0.0"], reached: [], approved: [] })
  await cut
  while ((await events.next()) !== undefined);
  expect(existsSync(box.directory)).toBe(false)
  expect(existsSync(`${box.directory}/..`)).toBe(false)
  const last = (await gate.records()).at(-1)
  expect(last).toMatchObject({ type: "sandbox.ended", run: box.run, detail: { exit: 3, requests: 2, refusals: 1 } })
  expect((await control(`DELETE /v1/boxes/${box.run}`, {})).status).toBe(404)
  await expect(open({ run: box.run })).rejects.toThrow(/is over/)
})

test("a child has a parent that is there, and goes with it", async () => {
  const { control, box, open } = await openTestBox()
  await expect(open({ agent: "child", parent: "run-000000000000" })).rejects.toThrow(/not open/)
  const child = await open({ agent: "child", parent: box.run })
  await control(`DELETE /v1/boxes/${box.run}`, {})
  await expect(askBox(child)("GET /-/health")).rejects.toThrow(/ECONNREFUSED|ENOENT|hang up/)
})

test("opening it again gives the same run; another agent's is refused, and what is no box", async () => {
  const { control, box, open } = await openTestBox()
  expect(await open({ run: box.run })).toMatchObject({ run: box.run, directory: box.directory })
  await expect(open({ run: box.run, agent: "other" })).rejects.toThrow(/another agent/)
  for (const wrong of [{ agent: "a/b" }, { engine: "chroot" }, { run: "../../x" }, { command: "true" }])
    expect((await control("POST /v1/boxes", { ...BOX, ...wrong })).status).toBe(400)
})

test("a port of the host leads into the box", async () => {
  const port = 20_000 + Math.floor(Math.random() * 12_000)
  const { box, open } = await openTestBox({}, { publish: [{ host: port, box: 3000 }] })
  await expect(open({ publish: [{ host: port, box: 3000 }] })).rejects.toThrow(/cannot be published/)
  const offer = connect(`${box.directory}/gate/gate.sock`)
  const upgrade = "connection: upgrade\r\nupgrade: nanoguard-publish\r\n"
  offer.write(`GET /-/nanoguard/publish/3000 HTTP/1.1\r\nhost: 127.0.0.1:8471\r\n${upgrade}\r\n`)
  const caller = connect({ host: "127.0.0.1", port })
  caller.write("hello")
  let got = ""
  for await (const chunk of offer) {
    got += chunk
    if (got.endsWith("hello")) break
  }
  expect(got).toMatch(/^HTTP\/1\.1 101 .*\r\n\r\nhello$/s)
  caller.destroy()
  const none = await exchangeRaw(box, `GET /-/nanoguard/publish/22 HTTP/1.1\r\nhost: 127.0.0.1:8471\r\n${upgrade}\r\n`)
  expect(none).toMatch(/^HTTP\/1\.1 404 /)
})

test("a gate that is started anew takes the box up again", async () => {
  const { gate, box } = await openTestBox()
  // As `nanoguard run` does before it launches a box.
  writeFileSync(join(box.directory, "..", "box.json"), "{}")
  await gate.close()
  expect(existsSync(box.directory)).toBe(true)
  const next = await openTestGate({
    policy: "version: 1\n",
    egress: {},
    env: { NANOGUARD_HOME: gate.ctx.env["NANOGUARD_HOME"]! },
  })
  const control = askSocket(controlPath(next.ctx))
  const again = await control("POST /v1/boxes", { ...BOX, run: box.run })
  expect(again.json()).toMatchObject({ run: box.run, directory: box.directory })
  expect((await askBox(box)("GET /-/nanoguard/v1/run")).json()).toMatchObject({ run: box.run })
  expect((await next.records()).at(-1)).toMatchObject({ type: "sandbox.rejoined", run: box.run })
})
