// Bodies that are read before their requests are decided: bounded over all runs, and shared among them.
import { spawn } from "node:child_process"
import { expect, onTestFinished, type TestContext, test } from "vitest"
import { createRoom } from "../../../src/gateway/egress/room.ts"
import { certificateFile } from "./clients.ts"
import { openEgressGate } from "./gate.ts"
import { HOST } from "./proxy.ts"

/** A gate that reads bodies before it decides, with room for so many bytes. */
async function open(t: TestContext, sizes: { all: number; perRun: number }) {
  const room = createRoom(sizes)
  const gate = await openEgressGate(t, {
    policy: (port) =>
      `network:\n  - { id: up, allow: ${HOST}, ports: [${port}], addresses: [127.0.0.1], service: graphql }\n`,
    deps: { room },
  })
  const trust = certificateFile(gate.certificate)
  const via = (run: string) => ["-x", `http://x:${run}@127.0.0.1:${gate.port}`]
  const post = (run: string, size: number) =>
    gate.curl(...via(run), "-d", "a".repeat(size), "-H", "content-type: text/plain", `${gate.base}/a`)
  /** A client that sends so many bytes, and does not end; resolves once the gate has them. */
  const stall = async (run: string, size: number) => {
    const child = spawn("curl", ["-sS", "-T", "-", ...via(run), "--cacert", trust, `${gate.base}/a`])
    onTestFinished(() => void child.kill())
    child.stdin.on("error", () => {})
    const wanted = room.used + size
    child.stdin.write("a".repeat(size))
    await expect.poll(() => room.used).toBe(wanted)
    return () => child.kill()
  }
  return { ...gate, room, post, stall }
}

test("one run has a part of the room, and leaves it to others", async (t) => {
  const gate = await open(t, { all: 100_000, perRun: 50_000 })
  const leave = await gate.stall("run-1", 40_000)
  const refused = await gate.post("run-1", 20_000)
  expect(refused.stdout, refused.stderr).toMatch(/"body\.crowded: .*\n429$/s)
  expect((await gate.post("run-2", 20_000)).stdout).toBe("ok\n200")
  expect(await gate.records()).toMatchObject([
    {
      type: "network.failed",
      run: "run-1",
      subject: expect.stringContaining("POST"),
      detail: { failed: "body.crowded" },
    },
    { type: "network.decided", run: "run-2" },
  ])
  leave()
  await expect.poll(() => gate.room.used).toBe(0)
  expect((await gate.post("run-1", 20_000)).stdout).toBe("ok\n200")
  expect(gate.troubles).toEqual([])
})

test("all runs together have so much", async (t) => {
  const gate = await open(t, { all: 60_000, perRun: 50_000 })
  await gate.stall("run-1", 40_000)
  const refused = await gate.post("run-2", 30_000)
  expect(refused.stdout, refused.stderr).toMatch(/"body\.crowded: .*\n503$/s)
  expect(gate.seen).toEqual([])
})
