// Which sockets of other boxes a box tries: those that are there.
import { once } from "node:events"
import { mkdirSync, readFileSync } from "node:fs"
import { createServer as createHttpServer } from "node:http"
import { createServer } from "node:net"
import { dirname, join } from "node:path"
import { expect, onTestFinished, test } from "vitest"
import { mountedDirectory, socketOf } from "../../../src/gateway/boxes/directory.ts"
import { controlPath } from "../../../src/gateway/control-path.ts"
import { boxDirectory } from "../../../src/sandbox/box-directory.ts"
import { openOthers, otherSockets } from "../../../src/sandbox/selftest/other-runs.ts"
import { prepareProbes } from "../../../src/sandbox/selftest/prepare.ts"
import { emptyHome, temporaryDirectory, testContext } from "../../context.ts"

const [OPEN, OVER] = ["run-00000000000a", "run-00000000000b"]

/** A context with the directories of two boxes, of which one has a gate that listens. */
async function withBoxes(env: Record<string, string>) {
  const ctx = testContext(temporaryDirectory(), { env: emptyHome(env) })
  for (const run of [OPEN, OVER]) mkdirSync(boxDirectory(ctx, run), { recursive: true })
  const socket = socketOf(mountedDirectory(ctx, OPEN))
  mkdirSync(dirname(socket), { recursive: true })
  const gate = createServer().listen(socket)
  await once(gate, "listening")
  onTestFinished(() => void gate.close())
  return { ctx, socket }
}

test("a gate's socket is found where the box has it, and none where there is none", async () => {
  const { ctx, socket } = await withBoxes({})
  expect(otherSockets(ctx)).toEqual([socket])
  const prepared = await prepareProbes(ctx, { sockets: otherSockets(ctx), tokens: {} })
  onTestFinished(prepared.close)
  const config = JSON.parse(readFileSync(join(prepared.workspace, "probes", "config.json"), "utf8"))
  expect(config).toMatchObject({ otherSockets: [expect.stringContaining("gate.sock"), socket] })
})

test("also where a path in the state directory were too long for a socket", async () => {
  const [home, runtime] = [temporaryDirectory(), temporaryDirectory()]
  const { ctx, socket } = await withBoxes({
    ...{ NANOGUARD_HOME: join(home, "long".repeat(30)), XDG_RUNTIME_DIR: runtime },
  })
  expect(socket).toContain(runtime)
  expect(otherSockets(ctx)).toEqual([socket])
})

test("no boxes, no sockets", () => {
  expect(otherSockets(testContext(temporaryDirectory()))).toEqual([])
})

test("a gate that fails in between is left no run of a token that is good", async () => {
  const ctx = testContext(temporaryDirectory(), { env: emptyHome() })
  const open = new Set<string>()
  const tried: string[] = []
  const gate = createHttpServer((request, response) => {
    const [, visit = ""] = /^\/v1\/runs\/(.+)$/.exec(request.url ?? "") ?? []
    if (request.method === "POST") {
      const name = `visit-${open.size + 1}`
      open.add(name)
      return void response.end(JSON.stringify({ run: "run-other", visit: name, token: `ngt_${name}` }))
    }
    if (request.method !== "DELETE") return void response.end(JSON.stringify({ approvals: [] }))
    tried.push(visit)
    if (tried.length === 1) return void response.writeHead(500).end("{}")
    open.delete(visit)
    response.writeHead(204).end()
  })
  mkdirSync(dirname(controlPath(ctx)), { recursive: true })
  gate.listen(controlPath(ctx))
  await once(gate, "listening")
  onTestFinished(() => {
    gate.closeAllConnections()
    gate.close()
  })
  await expect(openOthers(ctx)).rejects.toThrow()
  expect(tried[0]).toBe("visit-2")
  expect([...open]).toEqual([])
})
