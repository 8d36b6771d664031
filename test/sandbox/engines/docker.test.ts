import { createHash } from "node:crypto"
import { chmodSync, mkdirSync, symlinkSync, writeFileSync } from "node:fs"
import { createServer } from "node:http"
import { join } from "node:path"
import { describe, expect, onTestFinished, test } from "vitest"
import { createDocker } from "../../../src/sandbox/engines/docker.ts"
import { askDocker, dockerEndpoint } from "../../../src/sandbox/engines/dockerEndpoint.ts"
import { dockerReport } from "../../../src/sandbox/engines/dockerReport.ts"
import { stateLabel } from "../../../src/sandbox/engines/labels.ts"
import { engineEnv, findProgram } from "../../../src/sandbox/engines/program.ts"
import { runcWarning } from "../../../src/sandbox/engines/runc.ts"
import { emptyHome, temporaryDirectory, testContext } from "../../context.ts"

describe("where Docker is", () => {
  const context = (name: string, host: string) => {
    const digest = createHash("sha256").update(name).digest("hex")
    const meta = JSON.stringify({ Name: name, Endpoints: { docker: { Host: host } } })
    return temporaryDirectory({
      ".docker/config.json": JSON.stringify({ currentContext: name }),
      [`.docker/contexts/meta/${digest}/meta.json`]: meta,
    })
  }

  test("the variable goes before the context, that before the usual place", () => {
    const env = { HOME: context("mine", "unix:///run/mine.sock") }
    expect(dockerEndpoint({ env })).toEqual({ socket: "/run/mine.sock" })
    expect(dockerEndpoint({ env: { ...env, DOCKER_CONTEXT: "default" } })).toEqual({ socket: "/var/run/docker.sock" })
    expect(dockerEndpoint({ env: { ...env, DOCKER_HOST: "unix:///x.sock" } })).toEqual({ socket: "/x.sock" })
  })

  test("elsewhere is no place for boxes, and no password is shown", () => {
    for (const host of ["tcp://203.0.113.5:2376", "ssh://me:secret@build.example.com", "npipe:////./pipe/docker"]) {
      const found = dockerEndpoint({ env: { DOCKER_HOST: host } })
      expect(found).toMatchObject({ why: expect.stringContaining("runs elsewhere") })
      expect(JSON.stringify(found)).not.toContain("secret")
    }
    expect(dockerEndpoint({ env: { HOME: context("gone", "tcp://203.0.113.5:2376") } })).toHaveProperty("why")
    expect(dockerEndpoint({ env: { HOME: temporaryDirectory(), DOCKER_CONTEXT: "unknown" } })).toHaveProperty("why")
  })

  test("Docker Desktop is a virtual machine", () => {
    const env = { HOME: context("desktop-linux", "unix:///home/me/.docker/desktop/docker.sock") }
    expect(dockerEndpoint({ env })).toMatchObject({ why: expect.stringContaining("virtual machine") })
  })
})

describe("a word with its socket", () => {
  const listen = async (answer: (path: string) => string) => {
    const socket = join(temporaryDirectory(), "d.sock")
    const server = createServer((request, response) => response.end(answer(request.url ?? "")))
    onTestFinished(() => void server.close())
    await new Promise<void>((resolve) => server.listen(socket, resolve))
    return socket
  }

  test("what it answers is JSON or nothing", async () => {
    const socket = await listen((path) => (path === "/_ping" ? "OK" : '{"a":1}'))
    expect(await askDocker(socket, "/_ping")).toEqual({ status: 200, body: undefined })
    expect(await askDocker(socket, "/info")).toEqual({ status: 200, body: { a: 1 } })
  })

  test("who says nothing, or too much, is left", async () => {
    const silent = createServer(() => {})
    const socket = join(temporaryDirectory(), "s.sock")
    await new Promise<void>((resolve) => silent.listen(socket, resolve))
    onTestFinished(() => {
      silent.closeAllConnections()
      silent.close()
    })
    await expect(askDocker(socket, "/_ping", 50)).rejects.toThrow()
    const long = await listen(() => "x".repeat(9 * 2 ** 20))
    await expect(askDocker(long, "/info")).rejects.toThrow("too long")
  })

  test("a daemon that is not there is said so, with what starts it", async () => {
    const directory = temporaryDirectory({ "bin/docker": "" })
    chmodSync(join(directory, "bin", "docker"), 0o755)
    const env = { ...emptyHome(), PATH: join(directory, "bin"), DOCKER_HOST: `unix://${join(directory, "no.sock")}` }
    const engine = createDocker(testContext(temporaryDirectory(), { env }))
    expect(await engine.missing?.()).toMatchObject({ why: expect.stringContaining("no Docker daemon runs at") })
    expect(await engine.probe()).toMatchObject({
      available: false,
      missing: { how: "start it: systemctl start docker" },
    })
    expect(await engine.list()).toEqual([])
  })
})

describe("its report", () => {
  const info = (more: object) =>
    JSON.stringify({
      ServerVersion: "28.0.1",
      SecurityOptions: ["name=seccomp,profile=builtin"],
      MemoryLimit: true,
      PidsLimit: true,
      SwapLimit: true,
      RuncCommit: { ID: "v1.3.3-0-gd842d771" },
      ...more,
    })

  test("a daemon of root's is no boundary for who may use it", () => {
    const report = dockerReport(info({}), { rootless: false })
    expect(report).toMatchObject({ available: true, version: "28.0.1" })
    expect(report.warnings).toEqual([expect.stringContaining("group docker are root")])
    expect(dockerReport(info({}), { rootless: true }).warnings).toEqual([])
  })

  test("what is missing is a warning", () => {
    const report = dockerReport(
      info({
        SecurityOptions: ["name=userns"],
        MemoryLimit: false,
        PidsLimit: false,
        RuncCommit: { ID: "1.1.5+ds1-1+deb12u1" },
        Runtimes: {
          runsc: { path: "/usr/bin/runsc" },
          "runsc\u001b": { path: "runsc", runtimeArgs: ["--host-uds=open"] },
        },
      }),
      { rootless: false },
    )
    const all = report.warnings.join("\n")
    for (const part of [
      "no seccomp",
      "remapped",
      "memory",
      "number of processes",
      "CVE-2024-21626",
      "runtime runsc keeps boxes",
    ])
      expect(all).toContain(part)
    expect(all.match(/host-uds/g)).toHaveLength(1)
    expect(report.runtimes).toEqual(["runsc", "runsc\\u{1b}"])
  })

  test.each([
    ["1.1.5+ds1-1+deb12u1", "CVE-2024-21626"],
    ["v1.1.12-0-g51d5e946", "CVE-2025-31133"],
    ["1.2.7", "CVE-2025-31133"],
    ["v1.3.2", "CVE-2025-31133"],
  ])("runc %s has %s", (version, cve) => {
    expect(runcWarning(version)).toContain(cve)
  })

  test.each(["1.2.8", "1.3.3", "1.4.0", "2.0.0", "unknown", ""])("runc %j has none that is known", (version) => {
    expect(runcWarning(version)).toBeUndefined()
  })
})

describe("programs and names", () => {
  test("a program of the project, or of a relative place, is not found", () => {
    const root = temporaryDirectory({
      "project/bin/docker": "",
      "project/node_modules/.bin/docker": "",
      "own/docker": "",
    })
    for (const path of ["project/bin/docker", "project/node_modules/.bin/docker", "own/docker"])
      chmodSync(join(root, path), 0o755)
    const project = join(root, "project")
    const PATH = ["bin", ".", join(project, "bin"), join(project, "node_modules", ".bin"), join(root, "own")].join(":")
    expect(findProgram({ cwd: project, env: { PATH } }, "docker")).toBe(join(root, "own", "docker"))
    expect(engineEnv({ cwd: project, env: { PATH, HOME: "/h", DOCKER_HOST: "x" } }, ["HOME"])).toEqual({
      PATH: join(root, "own"),
      HOME: "/h",
    })
  })

  test("what is no program is passed over", () => {
    const root = temporaryDirectory({ "a/docker": "" })
    mkdirSync(join(root, "b", "docker"), { recursive: true })
    const PATH = `${join(root, "a")}:${join(root, "b")}`
    expect(findProgram({ cwd: "/nowhere", env: { PATH } }, "docker")).toBeUndefined()
  })

  test("boxes are of the state directory that is really there", () => {
    const home = temporaryDirectory()
    mkdirSync(join(home, "real", "state"), { recursive: true })
    symlinkSync("real", join(home, "link"))
    const label = (name: string) => stateLabel({ env: { NANOGUARD_HOME: join(home, name) } })
    expect(label("link")).toBe(label("real"))
    expect(label("link")).toMatch(/^[0-9a-f]{12}$/)
    expect(label("other")).not.toBe(label("real"))
  })

  test("files that containers are given are made anew when changed", async () => {
    const { keepFiles } = await import("../../../src/sandbox/engines/container-files.ts")
    const env = emptyHome()
    const spec = { hostname: "box", user: { uid: 5, gid: 6 }, env: { HOME: "/home/agent" } }
    const first = keepFiles({ env }, spec)
    const { readFileSync, statSync } = await import("node:fs")
    expect(readFileSync(first.etc.passwd, "utf8")).toContain("agent:x:5:6:agent:/home/agent:/bin/sh\n")
    expect(statSync(first.emptyFile)).toMatchObject({ size: 0 })
    chmodSync(first.seccomp, 0o644)
    writeFileSync(first.seccomp, "{}")
    expect(keepFiles({ env }, spec)).toEqual(first)
    expect(readFileSync(first.seccomp, "utf8")).toContain("SCMP_ACT_ERRNO")
  })
})
