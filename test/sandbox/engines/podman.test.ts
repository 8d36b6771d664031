import { type ChildProcess, spawn } from "node:child_process"
import { readFileSync } from "node:fs"
import { join } from "node:path"
import { setTimeout as sleep } from "node:timers/promises"
import { describe, expect, onTestFinished, test } from "vitest"
import { createPodman } from "../../../src/sandbox/engines/podman.ts"
import { podmanReport } from "../../../src/sandbox/engines/podmanReport.ts"
import { continueTree, isTreeStopped, stopTree } from "../../../src/sandbox/engines/processes.ts"
import { emptyHome, temporaryDirectory, testContext } from "../../context.ts"

const onLinux = process.platform === "linux"

describe.runIf(onLinux)("processes that no cgroup holds", () => {
  /** A shell whose grandchild counts in a file; it and all below it end with the test. */
  function counter(): { child: ChildProcess; count: () => string } {
    const directory = temporaryDirectory()
    const script = "(sh -c 'i=0; while :; do i=$((i+1)); echo $i > .n; mv .n count; sleep 0.01; done') & wait"
    const child = spawn("sh", ["-c", script], { cwd: directory, detached: true, stdio: "ignore" })
    onTestFinished(() => {
      process.kill(-child.pid!, "SIGKILL")
    })
    const count = () => {
      try {
        return readFileSync(join(directory, "count"), "utf8")
      } catch {
        return ""
      }
    }
    return { child, count }
  }

  const until = async (holds: () => boolean) => {
    while (!holds()) await sleep(10)
  }

  test("all of them stand still, and go on", async () => {
    const { child, count } = counter()
    await until(() => count() !== "")
    expect(isTreeStopped(child.pid!)).toBe(false)
    await stopTree(child.pid!)
    const stood = count()
    await sleep(200)
    expect(count()).toBe(stood)
    expect(isTreeStopped(child.pid!)).toBe(true)
    continueTree(child.pid!)
    await until(() => count() !== stood)
    expect(isTreeStopped(child.pid!)).toBe(false)
  })

  test("what is gone stands still", async () => {
    const child = spawn("true")
    await new Promise((resolve) => child.on("close", resolve))
    await stopTree(child.pid!)
    expect(isTreeStopped(child.pid!)).toBe(false)
  })
})

describe.runIf(onLinux)("podman that is not here", () => {
  test("is said so, and runs nothing", async () => {
    const env = { ...emptyHome(), PATH: temporaryDirectory() }
    const engine = createPodman(testContext(temporaryDirectory(), { env }))
    expect(await engine.missing?.()).toMatchObject({ why: "podman is not installed" })
    expect(await engine.probe()).toMatchObject({
      available: false,
      missing: { how: expect.stringContaining("podman") },
    })
    expect(await engine.list()).toEqual([])
  })
})

describe("its report", () => {
  const info = (host: object) => JSON.stringify({ host, version: { Version: "5.2.0" } })
  const here = { cgroups: true, runtimes: ["crun"] }
  const security = { rootless: true, seccompEnabled: true }

  test("without root, with cgroups: nothing to warn of", () => {
    const report = podmanReport(info({ security, cgroupVersion: "v2" }), here)
    expect(report).toMatchObject({ available: true, version: "5.2.0", warnings: [], runtimes: ["crun"] })
    expect(report.isolation.join()).toContain("user namespace")
  })

  test("what is missing is a warning", () => {
    const host = { security: { rootless: false }, ociRuntime: { name: "runc", version: "runc version 1.1.5" } }
    const all = podmanReport(info(host), { ...here, cgroups: false }).warnings.join("\n")
    for (const part of ["no seccomp", "runs as root", "memory is limited for each process", "CVE-2024-21626"])
      expect(all).toContain(part)
  })

  test("a service elsewhere runs no boxes", () => {
    expect(podmanReport(info({ serviceIsRemote: true }), here)).toMatchObject({ available: false })
  })
})
