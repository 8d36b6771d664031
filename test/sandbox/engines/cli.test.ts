import { spawn } from "node:child_process"
import { randomBytes } from "node:crypto"
import { once } from "node:events"
import { describe, expect, it, onTestFinished } from "vitest"
import { entrances, makeCgroup, members, removeCgroup } from "../../../src/sandbox/engines/bubblewrap/cgroup.ts"
import { boxCommands, type EngineCli } from "../../../src/sandbox/engines/cli.ts"
import { containerName, foundBox } from "../../../src/sandbox/engines/labels.ts"

import { needsGroup } from "./bubblewrapped.ts"

const RUN = "run-0123456789ab"

/** Commands of an engine that refuses to remove a box which it lists as `state`. */
function refusing(state: string) {
  const found = foundBox("docker", { handle: "c1", name: containerName(RUN), run: RUN, agent: "a", state })!
  const stderr = "Error response from daemon: removal of container c1 is already in progress"
  const commands = boxCommands(
    "docker",
    async () => ({ exitCode: 1, stdout: "", stderr }),
    async () => [found],
  )
  return { found, commands }
}

describe("a box that could not be removed", () => {
  it("because its engine takes it away already is as good as gone", async () => {
    const { found, commands } = refusing("removing")
    expect(found.state).toBe("stopped")
    await commands.remove(found)
  })

  it.each(["running", "paused", "exited", "dead", "created"])("and is %s is said to be there", async (state) => {
    const { found, commands } = refusing(state)
    await expect(commands.remove(found)).rejects.toThrow("docker could not remove a box")
  })
})

describe("a box that is killed", () => {
  it("by an engine that hangs at the pause has its processes ended all the same", async (ctx) => {
    const id = randomBytes(32).toString("hex")
    // As an engine of containers calls the group of one.
    const { cgroup } = makeCgroup(id, { memory: 2 ** 30, pids: 50, files: 100 })
    needsGroup(ctx, cgroup)
    onTestFinished(() => removeCgroup(cgroup))
    const enter = entrances(cgroup).map((path) => `echo 0 >'${path}'`)
    const child = spawn("sh", ["-c", [...enter, "exec sleep 300"].join("; ")], { stdio: "ignore" })
    onTestFinished(() => void child.kill("SIGKILL"))
    const ended = once(child, "exit")
    await expect.poll(() => members(cgroup)).toEqual([child.pid])
    const asked: unknown[] = []
    // What takes longer than it may is ended, and says so.
    const cli: EngineCli = async ([word], timeout) => {
      asked.push([word, timeout])
      if (word === "pause") throw new Error("docker could not be run or did not answer")
      return { exitCode: 0, stdout: "", stderr: "" }
    }
    const found = foundBox("docker", { handle: id, name: containerName(RUN), run: RUN, agent: "a", state: "running" })!
    await boxCommands("docker", cli, async () => [found]).kill(found)
    expect(await ended).toEqual([null, "SIGKILL"])
    expect(asked).toEqual([
      ["pause", 2_000],
      ["kill", 40_000],
    ])
  })
})
