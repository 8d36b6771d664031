import { execFileSync, spawnSync } from "node:child_process"
import { mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { describe, expect, it, onTestFinished } from "vitest"
import { fillUnit, renderUnit, type UnitParts } from "../../src/gateway/units.ts"

const ODD = `/home/a n%a/it's "odd" $HOME & <b>\\n/é`
const PARTS: UnitParts = {
  command: [process.execPath, `${ODD}/nanoguard.js`, "gateway", "start", "--port", "0", "--name", "$HOME $$ %h"],
  project: ODD,
  environment: { NANOGUARD_HOME: `${ODD}/home` },
  writable: [`${ODD}/state`, `${ODD}/cache`],
}

describe("a unit for systemd", () => {
  it("says what it starts, where, and what that may touch", () => {
    const text = fillUnit("systemd", {
      command: ["/usr/bin/node", "/opt/x.js"],
      project: "/w",
      environment: {},
      writable: ["/s", "/c"],
    })
    expect(text).toContain('\nExecStart="/usr/bin/node" "/opt/x.js"\nExecReload=')
    expect(text).toContain("\nWorkingDirectory=/w\n")
    expect(text).toContain('\nReadWritePaths="/s" "/c"\n')
    expect(text).toContain("mkdir -p '/s' '/c'")
    for (const option of ["NoNewPrivileges=yes", "ProtectSystem=strict", "ProtectHome=read-only"])
      expect(text).toContain(`\n${option}\n`)
    expect(text).not.toContain("{{")
  })

  it("is one that systemd itself accepts, with any path", (ctx) => {
    if (spawnSync("systemd-analyze", ["--version"]).error)
      return ctx.skip("systemd-analyze is missing: install systemd")
    const directory = realpathSync(mkdtempSync(join(tmpdir(), "nanoguard-unit-")))
    onTestFinished(() => rmSync(directory, { recursive: true, force: true }))
    const odd = join(directory, `a %h "q" $HOME 'x' é`)
    mkdirSync(odd)
    writeFileSync(join(odd, "x.js"), "")
    const file = join(directory, "nanoguard-gateway.service")
    writeFileSync(
      file,
      fillUnit("systemd", { ...PARTS, command: [process.execPath, join(odd, "x.js")], project: odd, writable: [odd] }),
    )
    const { status, stderr } = spawnSync("systemd-analyze", ["verify", "--man=no", file], { encoding: "utf8" })
    expect(stderr.split("\n").filter((line) => line.includes("nanoguard-gateway"))).toEqual([])
    expect(status).toBe(0)
  })
})

describe("a unit for launchd", () => {
  it("is a property list that says the same, with any path", (ctx) => {
    const script = "import json,plistlib,sys;print(json.dumps(plistlib.loads(sys.stdin.buffer.read())))"
    if (spawnSync("python3", ["--version"]).error) return ctx.skip("python3 is missing: install Python 3")
    const list = JSON.parse(
      execFileSync("python3", ["-c", script], { input: fillUnit("launchd", PARTS), encoding: "utf8" }),
    )
    expect(list).toMatchObject({
      Label: "nanoguard-gateway",
      ProgramArguments: PARTS.command,
      WorkingDirectory: ODD,
      EnvironmentVariables: PARTS.environment,
      StandardErrorPath: `${ODD}/state/gateway.log`,
      Umask: 0o77,
    })
  })
})

it.each(["systemd", "launchd"] as const)("no %s unit carries a line break", (kind) => {
  for (const text of ["a\nExecStart=/bin/sh", "a\u0000", "a\u2028"]) {
    expect(() => fillUnit(kind, { ...PARTS, project: text })).toThrow(/control character/)
    expect(() => fillUnit(kind, { ...PARTS, environment: { NANOGUARD_HOME: text } })).toThrow(/control character/)
  }
})

it("repeats a command line, with absolute paths, and takes only its own settings from the environment", () => {
  const ctx = {
    cwd: "/srv/project",
    env: { HOME: "/home/ana", NANOGUARD_HOME: "/srv/nanoguard", NPM_TOKEN: "secret", PATH: "/bin" },
  }
  const options = {
    port: "9000",
    host: "0.0.0.0",
    requireToken: true,
    tlsKey: "key.pem",
    tlsCert: "/etc/cert.pem",
    project: "./sub",
    stale: "7d",
    wait: "10",
  }
  const text = renderUnit(ctx, "systemd", options)
  const words = [
    "gateway",
    "start",
    "--host",
    "0.0.0.0",
    "--port",
    "9000",
    "--stale",
    "7d",
    "--wait",
    "10",
    "--project",
    "/srv/project/sub",
  ]
  expect(text).toContain(
    [...words, "--tls-key", "/srv/project/key.pem", "--tls-cert", "/etc/cert.pem", "--require-token"]
      .map((word) => `"${word}"`)
      .join(" "),
  )
  expect(text).toContain('Environment="NANOGUARD_HOME=/srv/nanoguard"')
  expect(text).toContain('ReadWritePaths="/srv/nanoguard/state" "/srv/nanoguard/cache"')
  expect(text).not.toContain("secret")
  expect(renderUnit(ctx, "systemd", { project: "acme" })).toContain('"--project" "acme"')
})
