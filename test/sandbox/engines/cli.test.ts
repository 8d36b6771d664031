import { describe, expect, it } from "vitest"
import { boxCommands } from "../../../src/sandbox/engines/cli.ts"
import { containerName, foundBox } from "../../../src/sandbox/engines/labels.ts"

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
