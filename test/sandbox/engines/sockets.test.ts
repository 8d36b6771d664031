import { symlinkSync } from "node:fs"
import { createServer } from "node:net"
import { join } from "node:path"
import { expect, onTestFinished, test } from "vitest"
import { refuseSockets } from "../../../src/sandbox/engines/sockets.ts"
import { temporaryDirectory } from "../../context.ts"

const bind = (source: string) => [{ kind: "bind", source, target: "/workspace", write: true }] as const

test("directories and files are fine, whatever is no path of the host is passed over", () => {
  const directory = temporaryDirectory({ "a/file": "x" })
  refuseSockets({ env: {} }, [...bind(directory), ...bind(join(directory, "a", "file"))])
  refuseSockets({ env: {} }, [{ kind: "mask", target: "/nowhere", directory: true }])
})

test.each(["project", "project/.docker", "project/.docker/run", "project/.docker/run/deeper"])(
  "an engine's place is not reached by a mount of %s",
  (source) => {
    const home = temporaryDirectory({ "project/.docker/run/deeper/docker.sock": "", "project/src/a": "" })
    const env = { HOME: join(home, "project") }
    expect(() => refuseSockets({ env }, bind(join(home, source)))).toThrow("reaches the container engine at")
    expect(() => refuseSockets({ env }, bind(home))).toThrow("cannot be mounted")
    refuseSockets({ env }, bind(join(home, "project", "src")))
  },
)

test("nor by a link, nor where the environment says that an engine is", () => {
  const directory = temporaryDirectory({ "engine/own.sock": "", "project/a": "" })
  symlinkSync("../engine", join(directory, "project", "link"))
  const env = { DOCKER_HOST: `unix://${join(directory, "engine", "own.sock")}` }
  expect(() => refuseSockets({ env }, bind(join(directory, "project", "link")))).toThrow("cannot be mounted")
  refuseSockets({ env }, bind(join(directory, "project")))
})

test("a socket of any kind is no mount", async () => {
  const socket = join(temporaryDirectory(), "some.sock")
  const server = createServer().listen(socket)
  onTestFinished(() => void server.close())
  await new Promise((resolve) => server.once("listening", resolve))
  expect(() => refuseSockets({ env: {} }, bind(socket))).toThrow("neither a file nor a directory")
  expect(() => refuseSockets({ env: {} }, bind("/dev/null"))).toThrow("neither a file nor a directory")
})

test("what is not there is said", () => {
  expect(() => refuseSockets({ env: {} }, bind("/no/such\u001bplace"))).toThrow("does not exist: /no/such\\u{1b}place")
})
