// N6 to N8 and what the gate must not be good for: engines, its own control, the host behind it.
import { readdirSync, statSync } from "node:fs"
import { join } from "node:path"
import { askProxy, askStatus, broke, config, held, none, proxied, statusOf, tryConnect, unknown } from "./tools.mjs"

const ENGINE_SOCKETS = [
  ...["/var/run/docker.sock", "/run/docker.sock", "/run/podman/podman.sock", "/run/containerd/containerd.sock"],
  ...["/run/crio/crio.sock", "/run/buildkit/buildkitd.sock", "/run/systemd/private", "/run/dbus/system_bus_socket"],
]

const connects = async (path) => (await tryConnect({ path })).outcome === "connected"
const gateAnswers = async () =>
  statusOf(await askProxy("GET /v1/run HTTP/1.1\r\nHost: nanoguard.internal\r\nConnection: close\r\n\r\n")) > 0

/** Sockets anywhere that a box is likely to have them, a few levels deep. */
function findSockets(directory, depth = 3, found = []) {
  let names = []
  try {
    names = readdirSync(directory)
  } catch {
    return found
  }
  for (const name of names.slice(0, 500)) {
    const path = join(directory, name)
    try {
      const stat = statSync(path)
      if (stat.isSocket()) found.push(path)
      else if (stat.isDirectory() && depth > 0 && found.length < 200) findSockets(path, depth - 1, found)
    } catch {
      // Gone, or not for us: not reached either.
    }
  }
  return found
}

const HEAD = "Connection: close\r\nContent-Type: application/json\r\nContent-Length:"
const asked = (target, host, body) => `${target} HTTP/1.1\r\nHost: ${host}\r\n${HEAD} ${body.length}\r\n\r\n${body}`

/** Ways to write a call of the control API to the gate's socket of a box: where it answers questions of its own, and where it might. */
const WRITINGS = [
  ...["nanoguard.internal", "127.0.0.1", "localhost"].map(
    (host) =>
      (call, body = "") =>
        asked(call, host, body),
  ),
  (call, body = "") => asked(call.replace(" ", " http://nanoguard.internal"), "nanoguard.internal", body),
  (call, body = "") => asked(call.replace(" ", " /-/nanoguard"), "127.0.0.1", body),
]

/**
 * Calls of the control API, each with what it takes (docs/openapi.yaml). None does harm where it gets through: an answer that nobody signed
 * decides nothing. What would end the gate, or lock its keys, is left out: it lies behind the same door.
 */
function controlCalls() {
  const run = { agent: "selftest", operator: "selftest", boxed: false, lasts: 1000 }
  const box = { agent: "selftest", operator: "selftest", engine: "bubblewrap", workspace: "none", command: ["true"] }
  const yes = {
    ...{ answer: "approve", by: "selftest", time: Date.now() },
    ...{ terms: { scope: "run", covers: "this", expires: Date.now() + 60_000, uses: 1 } },
    signature: `ed25519:${"A".repeat(86)}==`,
  }
  return [
    ...["status", "policy", "approvals", "approvals/events", "boxes", "vault"].map((what) => [`GET /v1/${what}`]),
    ...[`boxes/${process.env.NANOGUARD_RUN}/events`, `runs/${config.visit}`].map((what) => [`GET /v1/${what}`]),
    ["POST /v1/reload", "{}"],
    ["POST /v1/why", JSON.stringify({ purl: "pkg:npm/left-pad@1.3.0" })],
    [`POST /v1/approvals/${config.approval ?? "ap-aaaaaaaa"}/decision`, JSON.stringify(yes)],
    ["POST /v1/runs", JSON.stringify(run)],
    ["POST /v1/boxes", JSON.stringify(box)],
    [`DELETE /v1/runs/${config.visit}`],
  ]
}

/** Writings of addresses that no agent may reach through the gate. */
const LITERALS = [
  ...["127.0.0.1", "127.1", "0177.0.0.1", "2130706433", "0x7f000001", "0.0.0.0", "localhost", "localhost."],
  ...["[::1]", "[::ffff:127.0.0.1]", "[::ffff:7f00:1]", "[64:ff9b::7f00:1]"],
]

export const probes = [
  {
    ...{ id: "engine-sockets", item: "N6", title: "sockets of container engines and of the system" },
    run: async () => {
      const paths = await Promise.all(ENGINE_SOCKETS.map(async (path) => [path, await connects(path)]))
      const tcp = await Promise.all(
        [2375, 2376].map(async (port) => [
          `engine's port ${port}`,
          (await tryConnect({ host: "127.0.0.1", port })).outcome === "connected",
        ]),
      )
      return none([...paths, ...tcp])
    },
  },
  {
    ...{ id: "other-sockets", item: "N6", title: "any Unix socket but the gate's" },
    run: async () => {
      const found = ["/run", "/var/run", "/tmp", "/var/tmp", process.env.HOME ?? "/home", "/workspace"].flatMap(
        (place) => findSockets(place),
      )
      const others = [...new Set(found)].filter((path) => !path.endsWith("/nanoguard/gate/gate.sock"))
      return none(await Promise.all(others.map(async (path) => [path, await connects(path)])))
    },
  },
  {
    ...{ id: "control", item: "N7", title: "approving, reading or ending things by the gate's control API" },
    run: async () => {
      if (!(await gateAnswers())) return unknown("the gate does not answer on the relay")
      const attempts = [[config.controlSocket, await connects(config.controlSocket)]]
      for (const write of WRITINGS) {
        const ask = (call, body) => askStatus(write(call, body))
        for (const [call, body = ""] of controlCalls()) {
          const status = await ask(call, body)
          // What answers at all answers otherwise than to a call that nobody has: be it only that it does not like the body.
          const other = await ask(`${call.split(" ")[0]} /v1/nanoguard-selftest`, body)
          if (status === 429 || other === 429) return unknown("the gate wants to be asked less often")
          attempts.push([write(call).split(" HTTP/")[0], status !== 0 && status !== other])
        }
      }
      const own = `DELETE /v1/boxes/${process.env.NANOGUARD_RUN}`
      for (const write of WRITINGS) await askStatus(write(own))
      // The last one: whoever gets through ends this box.
      attempts.push([own, !(await gateAnswers())])
      return none(attempts)
    },
  },
  {
    ...{ id: "pivot", item: "N7", title: "the host's own services through the gate" },
    run: async () => {
      if (!(await gateAnswers())) return unknown("the gate does not answer on the relay")
      const attempts = []
      for (const host of [...LITERALS, ...config.hostAddresses.filter((one) => !one.includes(":"))]) {
        const url = `http://${host}:${config.hostPort}/`
        attempts.push([url, (await proxied("GET", url).catch(() => "")).includes(config.canary)])
        const tunnel = await askProxy(`CONNECT ${host}:${config.hostPort} HTTP/1.1\r\nHost: ${host}\r\n\r\n`, 700)
        attempts.push([`CONNECT ${host}`, tunnel.includes(config.canary)])
      }
      return none(attempts)
    },
  },
  {
    ...{ id: "proxy-loop", item: "N8", title: "the gate as a way to itself, and requests behind a refused one" },
    run: async () => {
      if (!(await gateAnswers())) return unknown("the gate does not answer on the relay")
      const attempts = []
      for (const host of ["127.0.0.1", "localhost", "nanoguard.internal"]) {
        const inner = "GET /v1/status HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"
        const answer = await askProxy(`CONNECT ${host}:${config.port} HTTP/1.1\r\nHost: ${host}\r\n\r\n${inner}`, 1500)
        attempts.push([`CONNECT ${host}:${config.port}`, /HTTP\/1\.1 2\d\d[\s\S]+HTTP\/1\.1 2\d\d/.test(answer)])
      }
      const first = "GET http://169.254.169.254/ HTTP/1.1\r\nHost: 169.254.169.254\r\n\r\n"
      const second = `GET http://127.0.0.1:${config.hostPort}/ HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n`
      attempts.push([
        "a second request on a refused connection",
        (await askProxy(first + second)).includes(config.canary),
      ])
      return none(attempts)
    },
  },
  {
    ...{ id: "other-run", item: "beyond", title: "the socket of another run" },
    run: async () => none(await Promise.all(config.otherSockets.map(async (path) => [path, await connects(path)]))),
  },
  {
    ...{ id: "dead-token", item: "beyond", title: "another run's token, and one whose run is over" },
    run: async () => {
      if (!(await gateAnswers())) return unknown("the gate does not answer on the relay")
      const own = `"run":"${process.env.NANOGUARD_RUN}"`
      const attempts = []
      for (const [what, token] of Object.entries(config.tokens ?? {})) {
        const basic = Buffer.from(`nanoguard:${token}`).toString("base64")
        for (const header of [`Authorization: Bearer ${token}`, `Proxy-Authorization: Basic ${basic}`]) {
          const head = `Host: nanoguard.internal\r\nConnection: close\r\n${header}\r\n\r\n`
          const answer = await askProxy(`GET /v1/run HTTP/1.1\r\n${head}`)
          attempts.push([`${what}, ${header.split(" ")[0]}`, statusOf(answer) === 200 && !answer.includes(own)])
          const status = statusOf(await askProxy(`GET /v1/status HTTP/1.1\r\n${head}`))
          attempts.push([`${what} at the gate's control API`, status >= 200 && status < 400])
        }
      }
      return attempts.length === 0 ? unknown("the gate gave none") : none(attempts)
    },
  },
  {
    ...{ id: "abstract-socket", item: "K4", title: "abstract Unix sockets of the host" },
    run: async () => {
      if (config.abstract === undefined) return unknown("the host opened none")
      return (await connects(`\0${config.abstract}`)) ? broke("connected") : held("not there")
    },
  },
]
