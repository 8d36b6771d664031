// The control socket: who else wants to be there, and what somebody sends to it.
import { chmodSync, lstatSync, mkdirSync, renameSync, statSync, symlinkSync, writeFileSync } from "node:fs"
import { request as send } from "node:http"
import { connect, createServer } from "node:net"
import { dirname, join } from "node:path"
import { describe, expect, it, onTestFinished } from "vitest"
import { EXIT } from "../../src/errors.ts"
import { type Controls, type GateStatus, listenControl } from "../../src/gateway/control.ts"
import { controlPath } from "../../src/gateway/control-path.ts"
import { createRunBook } from "../../src/gateway/runs.ts"
import { temporaryDirectory } from "../context.ts"
import { openTestGate } from "../gateway/gate.ts"

const POLICY = "version: 1\npackages: { unknown: allow }\n"

function place() {
  const directory = join(temporaryDirectory(), "gateway")
  return { directory, path: join(directory, "control.sock") }
}

async function listen(path: string) {
  const runs = createRunBook(() => 0)
  const controls = {
    status: async () => ({ schema: "nanoguard.gateway-status/1" }) as GateStatus,
    openRun: async (run) => ({ ...runs.open(run), origin: "http://127.0.0.1:1" }),
    summarise: async (visit) => runs.summary(visit)?.summary,
  } as Partial<Controls> as Controls
  const server = await listenControl(path, controls)
  onTestFinished(() => {
    server.closeAllConnections()
    server.close()
  })
  return server
}

function ask(socketPath: string, method: string, path: string, body = ""): Promise<{ status: number; text: string }> {
  return new Promise((resolve, reject) => {
    const request = send({ socketPath, method, path, agent: false }, (response) => {
      let text = ""
      response.on("data", (chunk) => (text += String(chunk)))
      response.on("end", () => resolve({ status: response.statusCode!, text }))
    })
    request.on("error", reject)
    request.end(body)
  })
}

describe("the place of the control socket", () => {
  it("is for its owner alone, also where the directory was open to others", async () => {
    const { directory, path } = place()
    mkdirSync(directory)
    chmodSync(directory, 0o777)
    await listen(path)
    expect(statSync(directory).mode & 0o777).toBe(0o700)
    expect(lstatSync(path).mode & 0o777).toBe(0o600)
  })

  it("is not taken from a gate that lives", async () => {
    const { path } = place()
    await listen(path)
    await expect(listen(path)).rejects.toMatchObject({ message: "a gateway runs here already", exit: EXIT.environment })
    expect((await ask(path, "GET", "/v1/status")).status).toBe(200)
  })

  it("is taken over from one that died", async () => {
    const { directory, path } = place()
    mkdirSync(directory)
    // A socket whose listener was killed keeps its name: here one that is renamed before its listener closes.
    const dead = createServer()
    await new Promise<void>((resolve) => dead.listen(`${path}.old`, resolve))
    renameSync(`${path}.old`, path)
    await new Promise((resolve) => dead.close(resolve))
    expect(lstatSync(path).isSocket()).toBe(true)
    await listen(path)
    expect((await ask(path, "GET", "/v1/status")).status).toBe(200)
  })

  it("is not where a link, a file or a directory lies, and those stay as they are", async () => {
    for (const put of [
      (path: string, other: string) => symlinkSync(other, path),
      (path: string) => symlinkSync("/dev/null", path),
      (path: string) => writeFileSync(path, "mine"),
      (path: string) => mkdirSync(path),
    ]) {
      const { directory, path } = place()
      mkdirSync(directory)
      const other = join(dirname(directory), "other")
      writeFileSync(other, "theirs")
      put(path, other)
      const before = lstatSync(path)
      await expect(listen(path)).rejects.toMatchObject({ exit: EXIT.environment })
      expect(lstatSync(path).ino).toBe(before.ino)
    }
  })

  it("is not behind a directory that is a link", async () => {
    const { directory, path } = place()
    const elsewhere = temporaryDirectory()
    symlinkSync(elsewhere, directory)
    await expect(listen(path)).rejects.toMatchObject({ message: expect.stringContaining("symbolic link") })
  })
})

describe("what is sent to it", () => {
  it("is answered with an error where it is garbage, and the next one is served", async () => {
    const { path } = place()
    await listen(path)
    const bodies = [
      "{",
      "null",
      "[]",
      "5",
      '"x"',
      "{}",
      '{"agent":1}',
      '{"agent":"a\\u001b[2J","operator":"x"}',
      JSON.stringify({ agent: "a", operator: "ana", boxed: false, lasts: "long" }),
      JSON.stringify({ agent: "a", operator: "ana", boxed: false, lasts: -1 }),
      JSON.stringify({ agent: "a", operator: "ana", boxed: false, lasts: 1e300 }),
      JSON.stringify({ agent: "a/b", operator: "ana", boxed: false, lasts: 1 }),
      JSON.stringify({ agent: "a", operator: "ana", boxed: false, lasts: 1, project: { lockfiles: 5 } }),
      JSON.stringify({ agent: "a", operator: "ana", boxed: false, lasts: 1, project: { lockfiles: [{}] } }),
      JSON.stringify({ agent: "a", operator: "ana", boxed: false, lasts: 1, project: { direct: { npm: "x" } } }),
    ]
    for (const body of bodies) {
      const { status, text } = await ask(path, "POST", "/v1/runs", body)
      expect([400, 409, 500], body).toContain(status)
      expect(text, body).not.toContain("token")
      expect(text, body).not.toContain("TypeError")
    }
    const good = {
      agent: "a",
      operator: "ana",
      boxed: false,
      lasts: 1000,
      project: { lockfiles: [], direct: { npm: ["x"] } },
    }
    expect((await ask(path, "POST", "/v1/runs", JSON.stringify(good))).status).toBe(200)
    for (const wrong of ["/v1/runs/", "/v1/runs/../status", "/v1/runs/a%2fb", "/v1/runs/__proto__", "/"]) {
      expect((await ask(path, "GET", wrong)).status, wrong).toBe(404)
    }
  })

  it("does not hold the gate open, whoever hangs on to it", async () => {
    const gate = await openTestGate({ policy: POLICY })
    const path = controlPath(gate.ctx)
    const hung = connect(path)
    await new Promise<void>((resolve) => hung.once("connect", resolve))
    hung.write("POST /v1/runs HTTP/1.1\r\nhost: x\r\ncontent-length: 100\r\n\r\n{")
    const gone = new Promise<void>((resolve) => hung.once("close", () => resolve()))
    hung.on("error", () => {})
    await gate.close()
    await gone
  })
})
