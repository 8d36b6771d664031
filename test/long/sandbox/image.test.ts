// The image for agents, really built: npm in a box behind the gate, an image without a network, and a run in it.
import { execFileSync } from "node:child_process"
import { createHash } from "node:crypto"
import { chownSync, existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs"
import { createServer } from "node:http"
import { join } from "node:path"
import { describe, expect, onTestFinished, test } from "vitest"
import { buildAgentImage } from "../../../src/commands/build-image.ts"
import { readStart } from "../../../src/commands/gateway-options.ts"
import { EXIT } from "../../../src/errors.ts"
import { startGate } from "../../../src/gateway/start.ts"
import { CONTAINERFILE } from "../../../src/sandbox/image/containerfile.ts"
import { newDesk } from "../../commands/approvals.ts"
import { temporaryDirectory, testContext, writeFiles } from "../../context.ts"
import { useEngine } from "../../sandbox/engines.ts"
import { TEST_IMAGE } from "../../sandbox/image.ts"
import { podmanUser } from "../../sandbox/user.ts"
import { openLab } from "../egress/lab.ts"

const POLICY = `version: 1
packages:
  exceptions: []
network:
  - { id: model, allow: api.example.com }
sandbox: { memory: 1g, disk: 256m }
`

/** A registry with one package that has a program, and a script that says what it can reach while it is installed. */
async function startRegistry(name: string) {
  const directory = temporaryDirectory()
  const script = `require("node:fs").writeFileSync("installed-as.json", JSON.stringify({ uid: process.getuid(), interfaces: Object.keys(require("node:os").networkInterfaces()) }))`
  writeFiles(directory, {
    "package/package.json": JSON.stringify({
      ...{ name, version: "1.2.0", bin: { "agent-tool": "cli.js" }, scripts: { postinstall: "node install.js" } },
    }),
    "package/cli.js": '#!/usr/bin/env node\nconsole.log("agent-tool 1.2.0")\n',
    "package/install.js": script,
  })
  execFileSync("tar", ["-czf", "package.tgz", "package"], { cwd: directory })
  const bytes = readFileSync(join(directory, "package.tgz"))
  const asked: string[] = []
  const server = createServer((request, response) => {
    asked.push(request.url ?? "")
    const base = `http://${request.headers.host}`
    if (request.url === `/${name}-1.2.0.tgz`) return void response.end(bytes)
    if (request.url !== `/${name}`) return void response.writeHead(404).end("{}")
    const integrity = `sha512-${createHash("sha512").update(bytes).digest("base64")}`
    const manifest = JSON.parse(readFileSync(join(directory, "package", "package.json"), "utf8"))
    const version = { ...manifest, hasInstallScript: true, dist: { tarball: `${base}/${name}-1.2.0.tgz`, integrity } }
    const published = "2024-01-01T00:00:00.000Z"
    const time = { created: published, modified: published, "1.2.0": published }
    response.end(JSON.stringify({ name, "dist-tags": { latest: "1.2.0" }, versions: { "1.2.0": version }, time }))
  })
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve))
  onTestFinished(() => void server.close())
  return { base: `http://127.0.0.1:${(server.address() as { port: number }).port}`, asked }
}

async function newProject(containerfile: string) {
  const registry = await startRegistry("agent-tool")
  const desk = newDesk({ "nanoguard.yaml": POLICY })
  desk.env["npm_config_registry"] = registry.base
  mkdirSync(join(desk.cwd, ".nanoguard"))
  writeFileSync(join(desk.cwd, CONTAINERFILE), containerfile)
  chownSync(desk.cwd, 1234, 1234)
  await desk.enrol("ana")
  expect((await desk.run(["policy", "adopt", "--yes", "--passphrase-file", "pass.txt"])).exit).toBe(EXIT.ok)
  const ctx = testContext(desk.cwd, { env: desk.env, now: Date.now() })
  const gate = await startGate(ctx, { ...readStart(ctx, { port: "0" }), onTrouble: () => {} })
  onTestFinished(() => gate.close())
  return { ...desk, ctx, registry }
}

const local = () =>
  execFileSync("docker", ["image", "inspect", "--format", "{{.Id}}", TEST_IMAGE], { encoding: "utf8" }).trim()

const containerfile = (base: string, install = "agent-tool") => `FROM ${base}
LABEL nanoguard.install="${install}"
COPY agent/ /opt/agent/
ENV PATH=/opt/agent/bin:/usr/local/bin:/usr/bin:/bin
USER 1000:1000
`

describe("the image for agents", () => {
  test("has what came through the gate, and runs", async (t) => {
    await useEngine(t, "docker")
    const { ctx, cwd, registry } = await newProject(containerfile(local()))
    const built = await buildAgentImage(ctx, cwd, { engine: "docker", preset: "strict" })
    onTestFinished(() => void execFileSync("docker", ["image", "rm", "--force", built.id]))
    expect(built).toMatchObject({ installed: [{ name: "agent-tool", version: "1.2.0" }], pinned: [] })
    expect(built.id).toMatch(/^sha256:[0-9a-f]{64}$/)
    expect(registry.asked).toContain("/agent-tool-1.2.0.tgz")
    const inImage = (...command: string[]) =>
      execFileSync("docker", ["run", "--rm", "--network", "none", built.id, ...command], { encoding: "utf8" }).trim()
    expect(inImage("agent-tool")).toBe("agent-tool 1.2.0")
    expect(inImage("id", "-u")).toBe("1000")
    // Its script ran in a box: no network but loopback, and not root.
    const where = "/opt/agent/lib/node_modules/agent-tool/installed-as.json"
    expect(JSON.parse(inImage("cat", where))).toEqual({ uid: 1234, interfaces: ["lo"] })
    // Nothing of the build is in it but what was copied.
    expect(inImage("sh", "-c", "env; ls -a / /opt /opt/agent")).not.toMatch(/nanoguard|Containerfile|token/i)
  })

  test("is built by podman of a person without rights, by the command", async (t) => {
    await useEngine(t, "podman")
    const [registry, as] = [await startRegistry("agent-tool"), await podmanUser()]
    const podman = (...args: string[]) =>
      execFileSync("podman", args, { ...as.as, encoding: "utf8", stdio: ["ignore", "pipe", "pipe"] }).trim()
    const base = podman("image", "inspect", "--format", "sha256:{{.Id}}", TEST_IMAGE)
    const lab = await openLab({
      as,
      policy: () => POLICY.replace("version: 1\n", ""),
      env: () => ({ npm_config_registry: registry.base }),
    })
    onTestFinished(() => lab.close())
    const project = lab.directory("project", { [CONTAINERFILE]: containerfile(base) })
    execFileSync("chown", ["-R", `${as.uid}:${as.gid}`, project])
    const words = ["init", "--yes", "--build-image", "--engine", "podman", "--format", "json"]
    const { exit, terminal } = await lab.nanoguard(words, { cwd: project })
    expect(exit, terminal).toBe(0)
    const [, id = ""] = /(sha256:[0-9a-f]{64})/.exec(terminal.slice(terminal.indexOf('"id"'))) ?? []
    onTestFinished(() => void podman("image", "rm", "--force", id))
    expect(podman("run", "--rm", "--network", "none", id, "agent-tool")).toBe("agent-tool 1.2.0")
    // A box of it, started by the same person.
    const ran = await lab.nanoguard(["run", "--engine", "podman", "--image", id, "--quiet", "--", "agent-tool"], {
      cwd: project,
    })
    expect(ran.exit, ran.terminal).toBe(0)
    // A note of the engine's may stand before.
    expect(ran.terminal).toMatch(/^agent-tool 1\.2\.0$/m)
  })

  test("is not built of what the gate refuses, nor of a base that is not pinned", async (t) => {
    await useEngine(t, "docker")
    const { ctx, cwd } = await newProject(containerfile(TEST_IMAGE, "no-such-tool"))
    await expect(buildAgentImage(ctx, cwd, { engine: "docker", preset: "strict" })).rejects.toMatchObject({
      exit: EXIT.configuration,
      message: expect.stringContaining("not pinned"),
    })
    await expect(buildAgentImage(ctx, cwd, { engine: "docker" })).rejects.toMatchObject({
      exit: EXIT.findings,
      message: expect.stringContaining("npm ended with"),
    })
    expect(existsSync(join(cwd, "agent"))).toBe(false)
  })
})
