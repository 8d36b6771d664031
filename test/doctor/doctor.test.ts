// `nanoguard doctor` on installations as they are found: fresh, in order, and each part broken in turn.
import { chmodSync, existsSync, mkdirSync, rmSync, symlinkSync, writeFileSync } from "node:fs"
import { createServer } from "node:net"
import { join } from "node:path"
import { describe, expect, onTestFinished, test } from "vitest"
import { doctor } from "../../src/commands/doctor.ts"
import { examine } from "../../src/doctor/index.ts"
import { runChecks } from "../../src/doctor/run-checks.ts"
import { openTools } from "../../src/doctor/tools.ts"
import type { Check, CheckResult, DoctorReport } from "../../src/doctor/types.ts"
import { EXIT, NanoguardError } from "../../src/errors.ts"
import { controlPath } from "../../src/gateway/control-path.ts"
import { stateHome } from "../../src/home.ts"
import { renderDoctor } from "../../src/render/doctor.ts"
import { PLAIN_STYLE } from "../../src/render/style.ts"
import { writeBoxFile } from "../../src/sandbox/boxes.ts"
import { orderKills } from "../../src/sandbox/kills/order.ts"
import { ownIdentity } from "../../src/sandbox/owner.ts"
import { newDesk } from "../commands/approvals.ts"
import { DAY, NOW, temporaryDirectory, testContext } from "../context.ts"

const POLICY = "version: 1\nnetwork:\n  - { id: model, allow: api.example.com }\n"
const SIGNED = ["--yes", "--passphrase-file", "pass.txt"]

const of = (report: DoctorReport, id: string) => report.checks.find((check) => check.id === id)!

/** A directory whose policy is in force, on a machine without engines. */
async function newInstallation(policy = POLICY) {
  const desk = newDesk({ "nanoguard.yaml": policy })
  desk.env["PATH"] = temporaryDirectory()
  await desk.enrol("ana")
  const adopt = () => desk.run(["policy", "adopt", ...SIGNED])
  expect((await adopt()).exit).toBe(EXIT.ok)
  const look = (now = NOW) => examine(testContext(desk.cwd, { env: desk.env, now }))
  return { ...desk, adopt, look, state: stateHome({ env: desk.env }) }
}

describe("doctor", () => {
  test("on a fresh machine names what to do, in order, and changes nothing", async () => {
    const { cwd, env } = newDesk({})
    env["PATH"] = temporaryDirectory()
    const ctx = testContext(cwd, { env, terminal: 100 })
    const { report, exit } = await doctor(ctx)
    expect(exit).toBe(EXIT.findings)
    expect(of(report, "policy")).toMatchObject({ state: "fail", fix: "nanoguard init" })
    expect(of(report, "approvers")).toMatchObject({ state: "fail", fix: "nanoguard approver add <your name>" })
    expect(of(report, "engine")).toMatchObject({ state: "fail" })
    expect(ctx.out()).toMatch(/^fail {2}Approvers +nobody is enrolled/m)
    expect(ctx.out()).toContain("boxed: false")
    expect(existsSync(stateHome({ env }))).toBe(false)
  })

  test("of an installation in order has no failure but that nothing runs boxes here", async () => {
    const { cwd, env, look } = await newInstallation()
    const report = await look()
    expect(report.checks.filter(({ state }) => state === "fail").map(({ id }) => id)).toEqual(["engine"])
    expect(of(report, "policy")).toMatchObject({ state: "ok", facts: { by: "ana", files: ["nanoguard.yaml"] } })
    expect(of(report, "store")).toMatchObject({ state: "ok", facts: { kind: "sqlite", records: 2 } })
    expect(of(report, "proof")).toMatchObject({
      state: "warn",
      why: expect.stringContaining("rewrite all of it unseen"),
    })
    const ctx = testContext(cwd, { env })
    await doctor(ctx, { format: "json" })
    expect(JSON.parse(ctx.out())).toMatchObject({ schema: "nanoguard.doctor/1", counts: { fail: 1 } })
  })

  test.each([
    ["observes", "version: 1\nmode: observe\n", "observes"],
    ["has an image by name", `${POLICY}sandbox: { image: "agents:latest" }\n`, "not pinned"],
    ["passes a key into the box", `${POLICY}sandbox: { env: [DEPLOY_TOKEN] }\n`, "nanoguard secret set"],
  ])("warns of a policy that %s", async (_, policy, why) => {
    const { look } = await newInstallation(policy)
    expect(of(await look(), "policy")).toMatchObject({ state: "warn", why: expect.stringContaining(why) })
  })

  test("says where files and what is in force differ, and who is named and not enrolled", async () => {
    const { look, write, adopt } = await newInstallation()
    write("nanoguard.yaml", `${POLICY}approvers:\n  leads: { people: [ben], quorum: 1 }\n`)
    expect(of(await look(), "policy")).toMatchObject({ state: "warn", fix: "nanoguard policy adopt" })
    await adopt()
    expect(of(await look(), "approvers")).toMatchObject({ state: "warn", fix: "nanoguard approver add ben" })
  })

  test.each(["state", "link", "missing", "home"])("fails for a mount that must not be: %s", async (which) => {
    const place = temporaryDirectory()
    const { look, env, write, adopt, state } = await newInstallation()
    symlinkSync(state, join(place, "link"))
    mkdirSync(join(env["HOME"]!, ".ssh"))
    const path = { state, link: join(place, "link"), missing: join(place, "missing"), home: env["HOME"]! }[which]!
    write("nanoguard.yaml", `${POLICY}sandbox: { mounts: [{ path: ${path} }] }\n`)
    await adopt()
    expect(of(await look(), "mounts").state).toBe("fail")
  })

  test("sees a clock that ran back, kills that stand, boxes without an owner", async () => {
    const { look, open, env } = await newInstallation()
    expect(of(await look(NOW - 2 * DAY), "clock")).toMatchObject({
      state: "fail",
      why: expect.stringContaining("ran back"),
    })
    const store = await open()
    const order = { time: NOW, by: "ana", reason: "odd" }
    await orderKills(store, [{ kind: "agent", name: "claude" }], order, "test")
    expect(of(await look(), "kills")).toMatchObject({ state: "warn", fix: "nanoguard resume agent:claude" })
    const box = {
      schema: "nanoguard.box/1",
      run: "run-0123456789ab",
      agent: "claude",
      operator: "ana",
      project: "p",
    } as const
    const rest = { engine: "docker", started: NOW, command: ["true"], writes: [], leftovers: [] } as const
    writeBoxFile({ env }, { ...box, ...rest, owner: ownIdentity() })
    expect(of(await look(), "leftovers")).toMatchObject({ state: "ok", facts: { running: 1 } })
    writeBoxFile({ env }, { ...box, ...rest, owner: { pid: ownIdentity().pid, start: "1" } })
    expect(of(await look(), "leftovers")).toMatchObject({ state: "warn", facts: { lost: ["run-0123456789ab"] } })
  })

  test("sees what others may open, and a vault whose key is gone", async () => {
    const { look, run, env, state, cwd } = await newInstallation()
    expect((await run(["secret", "init", "--key-file", join(temporaryDirectory(), "vault.key")])).exit).toBe(EXIT.ok)
    expect(of(await look(), "vault")).toMatchObject({ state: "ok", facts: { kind: "file", stops: expect.any(Array) } })
    env["NANOGUARD_VAULT_KEY"] = join(temporaryDirectory(), "gone.key")
    expect(of(await look(), "vault")).toMatchObject({ state: "fail", why: expect.stringContaining("not there") })
    const control = join(controlPath({ env }), "..")
    mkdirSync(control, { recursive: true })
    chmodSync(control, 0o755)
    expect(of(await look(), "gate")).toMatchObject({ state: "fail", fix: `chmod 700 ${control}` })
    for (const suffix of ["", "-wal", "-shm"]) rmSync(join(state, `record.db${suffix}`), { force: true })
    writeFileSync(join(state, "record.db"), "no database", { mode: 0o600 })
    const { report, exit } = await doctor(testContext(cwd, { env }))
    expect([exit, of(report, "store").state]).toEqual([EXIT.findings, "fail"])
  })

  test("an engine that hangs hangs nothing", async () => {
    const { cwd, env } = newDesk({ "nanoguard.yaml": POLICY })
    const bin = temporaryDirectory({ docker: "#!/bin/sh\nexec sleep 60\n" })
    chmodSync(join(bin, "docker"), 0o755)
    const socket = join(bin, "d.sock")
    const silent = createServer(() => {}).listen(socket)
    onTestFinished(() => void silent.close())
    Object.assign(env, { PATH: `${bin}:/usr/bin:/bin`, DOCKER_HOST: `unix://${socket}` })
    const report = await examine(testContext(cwd, { env }), 400)
    expect(of(report, "engine.docker").state).not.toBe("ok")
    expect(of(report, "node").state).toBe("ok")
    expect(of(report, "approvers").state).toBe("fail")
  })
})

describe("checks", () => {
  const check = (id: string, run: Check["run"]): Check => ({ id, title: id, run })

  test("neither an error nor silence of one stops the others", async () => {
    const tools = openTools(testContext(temporaryDirectory()), 100)
    const hint = "look at it with `nanoguard store status`"
    const results = await runChecks(
      [
        check("throws", () => {
          throw new TypeError("secret value 123")
        }),
        check("rejects", async () => {
          throw new NanoguardError("broken", { exit: EXIT.environment, hint })
        }),
        check("silent", () => new Promise(() => {})),
        check("fine", async () => ({ state: "ok", why: "well" })),
      ],
      tools,
      100,
    )
    expect(results.map(({ state }) => state)).toEqual(["fail", "fail", "fail", "ok"])
    expect(results[0]!.why).not.toContain("123")
    expect(results[1]).toMatchObject({ why: "broken", fix: "nanoguard store status" })
    expect(results[2]!.why).toContain("no answer within 0.1 s")
  })

  test("nothing that they found reaches the terminal as it is, and a command is never wrapped", () => {
    const fix = `nanoguard ${"x".repeat(200)}`
    const hostile: CheckResult = { id: "a", title: "Agents", state: "warn", why: "a\u001b]0;owned\u0007b", fix }
    const report: DoctorReport = {
      ...{ schema: "nanoguard.doctor/1", time: "", version: "", platform: "", notes: [] },
      ...{ counts: { ok: 0, warn: 1, fail: 0, skip: 0 }, checks: [hostile] },
    }
    const text = renderDoctor(report, "text", PLAIN_STYLE, 60)
    expect(text).not.toContain("\u001b")
    expect(text.split("\n")).toContain(`              ${fix}`)
  })
})
