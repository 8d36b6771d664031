// The probes themselves, run where nothing keeps them in: what cannot say `broke` proves nothing where it says `held`.
import { execFile } from "node:child_process"
import { once } from "node:events"
import { readFileSync, writeFileSync } from "node:fs"
import { type AddressInfo, connect, createServer, type Server } from "node:net"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { promisify } from "node:util"
import { describe, expect, onTestFinished, test } from "vitest"
import type { Context } from "../../../src/context.ts"
import type { OfOthers } from "../../../src/sandbox/selftest/other-runs.ts"
import { prepareProbes } from "../../../src/sandbox/selftest/prepare.ts"
import type { Outcome } from "../../../src/sandbox/selftest/types.ts"
import { temporaryDirectory, testContext } from "../../context.ts"
import { openTestBox } from "../../gateway/boxes/box.ts"
import { openGate } from "./open-gate.ts"

const run = promisify(execFile)

const portOf = (server: { address: () => unknown }) => (server.address() as AddressInfo).port

/** A TCP server on loopback; ends with the test. */
async function listen(server: Server): Promise<number> {
  server.listen(0, "127.0.0.1")
  await once(server, "listening")
  onTestFinished(() => void server.close())
  return portOf(server)
}

/** A relay that hands each connection to the socket that `choose` names by its first words; `write` may change them. */
function startRelay(choose: (first: string) => string, write = (first: string) => first): Promise<number> {
  return listen(
    createServer((client) =>
      client
        .on("error", () => {})
        .once("data", (bytes) => {
          const first = write(bytes.toString("latin1"))
          const gate = connect(choose(first), () => gate.write(first, "latin1"))
          gate.on("error", () => client.destroy())
          client.pipe(gate).pipe(client)
        }),
    ),
  )
}

interface Given {
  ctx?: Pick<Context, "env" | "exec" | "cwd">
  others?: Partial<OfOthers>
  /** Where the relay is said to be. */
  port?: number
  env?: Record<string, string>
  /** Whether a descriptor was left open. */
  left?: boolean
}

/** What these probes say outside of any box, with all that the host prepares for them. */
async function runHere(
  probes: readonly string[],
  { ctx, others, port, env, left }: Given,
): Promise<Map<string, Outcome>> {
  const prepared = await prepareProbes(ctx ?? testContext(temporaryDirectory()), { sockets: [], tokens: {}, ...others })
  onTestFinished(prepared.close)
  const place = join(prepared.workspace, "probes")
  const config = JSON.parse(readFileSync(join(place, "config.json"), "utf8")) as object
  writeFileSync(join(place, "config.json"), JSON.stringify({ ...config, ...(port !== undefined && { port }) }))
  const given = { PATH: process.env["PATH"] ?? "", ...prepared.environment, ...env }
  const words = [process.execPath, join(place, "main.mjs"), ...probes]
  const { stdout } = await run("/bin/sh", ["-c", `${left ? "exec 9</; " : ""}exec "$0" "$@"`, ...words], { env: given })
  const said = stdout
    .split("\n")
    .filter((line) => line !== "")
    .slice(0, -1)
  return new Map(said.map((line) => JSON.parse(line) as Outcome).map((one) => [one.probe, one]))
}

describe("the control API", () => {
  async function openBoth() {
    const { box, path, control, gate } = await openTestBox()
    const other = (
      await control("POST /v1/runs", { agent: "other", operator: "ana", boxed: false, lasts: 60_000 })
    ).json()
    const given = { ctx: gate.ctx, others: { visit: String(other["visit"]) }, env: { NANOGUARD_RUN: box.run } }
    return { box, path, control, given, socket: join(box.directory, "gate", "gate.sock") }
  }

  test("is nowhere on a box's socket, and where it answers by another path every call is told", async () => {
    const { given, socket, path, control, box } = await openBoth()
    const shut = await startRelay(() => socket)
    // Its own socket is open here: whoever is no box may use it.
    const held = (await runHere(["control"], { ...given, port: shut })).get("control")
    expect(held).toMatchObject({ state: "broke", saw: path })
    expect((await control("GET /v1/boxes")).json()).toMatchObject({ boxes: [{ run: box.run }] })

    const open = await startRelay(
      (first) => (first.startsWith("GET /v1/run ") ? socket : path),
      (first) => first.replace(/^(\w+) (?:http:\/\/nanoguard\.internal|\/-\/nanoguard)/, "$1 "),
    )
    const { state, saw } = (await runHere(["control"], { ...given, port: open })).get("control")!
    expect(state).toBe("broke")
    for (const call of [
      ...["GET /v1/status", "GET /v1/policy", "GET /v1/approvals", "GET /v1/approvals/events", "GET /v1/boxes"],
      ...[`GET /v1/boxes/${box.run}/events`, `GET /v1/runs/${given.others.visit}`, "GET /v1/vault"],
      ...["POST /v1/reload", "POST /v1/why", "POST /v1/approvals/ap-aaaaaaaa/decision", "POST /v1/runs"],
      ...["POST /v1/boxes", `DELETE /v1/runs/${given.others.visit}`, `DELETE /v1/boxes/${box.run}`],
    ])
      expect(saw.split(", ")).toContain(call)
    for (const writing of ["GET http://nanoguard.internal/v1/status", "GET /-/nanoguard/v1/status"])
      expect(saw.split(", ")).toContain(writing)
  })
})

test("a gate that refuses nothing is found out by every probe of the gate", async () => {
  const gate = await openGate()
  onTestFinished(() => void gate.close())
  const probes = ["metadata", "doh", "control", "pivot", "proxy-loop", "dead-token"]
  const found = await runHere(probes, { port: portOf(gate), others: { tokens: { "another run's": "ngt_x" } } })
  for (const probe of probes) expect(found.get(probe), probe).toMatchObject({ state: "broke" })
  expect(found.get("metadata")!.saw).toContain("169.254.169.254 through the gate")
  expect(found.get("doh")!.saw).toContain("dns-query")
  expect(found.get("pivot")!.saw).toMatch(/http:\/\/127\.0\.0\.1:\d+\/.*CONNECT 127\.0\.0\.1/)
  expect(found.get("proxy-loop")!.saw).toMatch(/CONNECT 127\.0\.0\.1:\d+.*a second request/)
  expect(found.get("dead-token")!.saw).toContain("another run's")
})

test("what is beside the box is found where it is in reach", async () => {
  const neighbour = await listen(createServer((socket) => socket.end()))
  const directory = temporaryDirectory()
  const socket = join(directory, "gate.sock")
  const other = createServer((client) => client.end()).listen(socket)
  await once(other, "listening")
  onTestFinished(() => void other.close())
  const others = { sockets: [socket], neighbours: [{ host: "127.0.0.1", port: neighbour }] }
  const found = await runHere(["neighbours", "other-run", "host-files", "environment"], { others })
  expect(found.get("neighbours")).toMatchObject({ state: "broke", saw: expect.stringContaining("127.0.0.1 port") })
  expect(found.get("other-run")!.saw).toContain(socket)
  expect(found.get("host-files")).toMatchObject({ state: "broke" })
})

test.runIf(process.platform === "linux")("the host's own processes, sockets and namespaces are found", async () => {
  const probes = ["host-processes", "environment", "abstract-socket", "namespaces", "descriptors", "foreign-memory"]
  const found = await runHere(probes, { left: true })
  for (const probe of probes) expect(found.get(probe), probe).toMatchObject({ state: "broke" })
})

/** Takes every descriptor that is left once a probe wants a datagram socket. */
const CROWD = `
import dgram from "node:dgram"
import { openSync } from "node:fs"
import { syncBuiltinESMExports } from "node:module"
const make = dgram.createSocket
dgram.createSocket = (...args) => {
  try {
    for (;;) openSync("/dev/null")
  } catch {}
  return make(...args)
}
syncBuiltinESMExports()`

test.runIf(process.platform === "linux")(
  "a probe that gets no socket says so, and those after it are made",
  async () => {
    const main = fileURLToPath(new URL("../../../templates/box/probes/main.mjs", import.meta.url))
    const crowd = `data:text/javascript,${encodeURIComponent(CROWD)}`
    const words = [
      "-c",
      'ulimit -n 64; exec "$0" "$@"',
      process.execPath,
      "--import",
      crowd,
      main,
      "ipv6",
      "interfaces",
    ]
    const { stdout } = await run("/bin/sh", words)
    const said = stdout.split("\n").filter((line) => line !== "")
    expect(said.map((line) => JSON.parse(line) as Partial<Outcome>)).toMatchObject([
      { probe: "ipv6", state: "cannot-tell", saw: "the probe failed: EMFILE" },
      { probe: "interfaces" },
      { probe: "end" },
    ])
  },
)
