// Processes of a box by its process namespace, whose number the kernel gives to another one later.
import { spawn } from "node:child_process"
import { readdirSync, readFileSync, readlinkSync } from "node:fs"
import { expect, onTestFinished, test } from "vitest"
import { continueNamespace, stopNamespace } from "../../../src/sandbox/engines/bubblewrap/processes.ts"

test("another namespace that has a gone one's number is neither stopped nor let go on", async (ctx) => {
  if (process.platform !== "linux" || process.getuid?.() !== 0) ctx.skip("only root makes a process namespace alone")
  const child = spawn("unshare", ["--pid", "--fork", "--kill-child", "sleep", "300"], { stdio: "ignore" })
  onTestFinished(() => void child.kill("SIGKILL"))
  const childOf = () => readFileSync(`/proc/${child.pid}/task/${child.pid}/children`, "utf8").trim()
  await expect.poll(childOf).toMatch(/^\d+$/)
  const pid = Number(childOf())
  const namespace = Number(/\d+/.exec(readlinkSync(`/proc/${pid}/ns/pid`))?.[0])
  const own = Number(/\d+/.exec(readlinkSync("/proc/self/ns/pid"))?.[0])
  expect(namespace).not.toBe(own)
  const state = () => readFileSync(`/proc/${pid}/stat`, "latin1").split(") ")[1]![0]
  await expect.poll(state).toBe("S")
  // The first process of the box: gone, and another process that has its id since.
  const gone = [2 ** 22 + 1, process.pid].map((one) => ({ pid: one, namespace }))
  expect(readdirSync("/proc")).not.toContain(String(gone[0]!.pid))
  for (const one of gone) await stopNamespace(one)
  expect(state()).toBe("S")
  await stopNamespace({ pid, namespace })
  expect(state()).toBe("T")
  for (const one of gone) continueNamespace(one)
  expect(state()).toBe("T")
  continueNamespace({ pid, namespace })
  await expect.poll(state).toBe("S")
})
