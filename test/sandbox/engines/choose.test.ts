import { describe, expect, test } from "vitest"
import { appleArguments } from "../../../src/sandbox/engines/apple.ts"
import { chooseEngine, openEngines } from "../../../src/sandbox/engines/index.ts"
import { explainLaunchFailure } from "../../../src/sandbox/engines/launchFailure.ts"
import { emptyHome, temporaryDirectory, testContext } from "../../context.ts"
import { sampleSpec } from "./spec.ts"

/** A machine with no engine at all. */
const bare = () => {
  const env = { ...emptyHome(), PATH: temporaryDirectory(), DOCKER_HOST: "unix:///nowhere.sock" }
  return testContext(temporaryDirectory(), { env })
}

describe("which engine", () => {
  test("they are preferred in this order", () => {
    expect(openEngines(bare()).map(({ name }) => name)).toEqual(["docker", "podman", "container", "bubblewrap"])
  })

  test("without any, each says why, and nothing runs without one", async () => {
    const error = chooseEngine(bare())
    await expect(error).rejects.toMatchObject({ exit: 5, hint: expect.stringMatching(/bubblewrap|container/) })
    await expect(error).rejects.toThrow(/docker: .*; podman: .*; container: .*; bubblewrap: /)
  })

  test.each(["docker", "podman", "container", "bubblewrap"] as const)(
    "%s is wanted and missing: no other one",
    async (wanted) => {
      const error = chooseEngine(bare(), { wanted })
      await expect(error).rejects.toThrow(new RegExp(`^${wanted} cannot run a box: `))
      await expect(error).rejects.toMatchObject({ exit: 5, hint: expect.stringMatching(/./) })
    },
  )

  test("bubblewrap has no OCI runtimes", async () => {
    await expect(chooseEngine(bare(), { wanted: "bubblewrap", runtime: "runsc" })).rejects.toThrow("no OCI runtimes")
  })
})

describe("Apple container, by its documentation", () => {
  const mounts = sampleSpec().mounts.filter((mount) => mount.kind !== "mask" && !mount.target.endsWith("nanoguard"))
  const gate = { kind: "bind", source: "/state/run", target: "/run/nanoguard", write: false } as const

  test("no network, no capabilities, a read-only root, and the gate's socket by itself", () => {
    const args = appleArguments(sampleSpec({ mounts: [...mounts, gate] }), "0123456789ab")
    const all = args.join(" ")
    for (const part of [
      "--network none",
      "--no-dns",
      "--cap-drop ALL",
      "--read-only",
      "--user 1000:1001",
      "--memory 1024M",
    ])
      expect(all).toContain(part)
    expect(all).toContain("--volume /state/run:/run/nanoguard:ro")
    expect(all).toContain("--volume /state/run/gate/gate.sock:/run/nanoguard/gate/gate.sock")
    expect(all).toContain("--volume /srv/project:/workspace --tmpfs /tmp")
    expect(all).not.toContain("--ssh")
    expect(all).toMatch(/--entrypoint node \S+ \/run\/nanoguard\/relay\.mjs -- claude --help$/)
  })

  test("a file that cannot be hidden is no box", () => {
    const masks = [{ kind: "mask", target: "/workspace/.env", directory: false }] as const
    expect(() => appleArguments(sampleSpec({ mounts: masks }), "0")).toThrow("cannot hide the file /workspace/.env")
    const paths = [{ kind: "bind", source: "/a:b", target: "/c", write: true }] as const
    expect(() => appleArguments(sampleSpec({ mounts: paths }), "0")).toThrow("cannot be told of the path")
  })
})

describe("why a box did not start", () => {
  test.each([
    [
      "docker",
      125,
      "docker: Error response from daemon: No such image: nanoguard-agent:latest.",
      "the image is not here",
    ],
    ["podman", 125, "Error: nanoguard-agent: image not known", "the image is not here"],
    [
      "docker",
      127,
      'docker: Error response from daemon: failed to create task: exec: "node": executable file not found in $PATH: unknown.',
      "has no node",
    ],
    [
      "docker",
      125,
      "docker: Error response from daemon: unknown or invalid runtime name: kata.",
      "no such OCI runtime",
    ],
    [
      "podman",
      126,
      "Error: OCI runtime error: crun: opening file `memory.max` for writing: cgroup not delegated",
      "by cgroups",
    ],
    [
      "docker",
      125,
      "docker: Error response from daemon: OCI runtime create failed: error setting rlimit type 7: operation not permitted",
      "limits of the box",
    ],
    ["podman", 125, "Error: cannot set up namespace using newuidmap: exit status 1", "user ids cannot be mapped"],
    [
      "docker",
      125,
      "docker: Cannot connect to the Docker daemon at unix:///var/run/docker.sock. Is the docker daemon running?",
      "daemon cannot be reached",
    ],
    ["docker", 125, "docker: Error response from daemon: something \u001b[31mnew", "something \\u{1b}[31mnew"],
  ] as const)("%s %i: %s", (engine, code, stderr, why) => {
    const error = explainLaunchFailure(engine, code, `a line of the agent's\n${stderr}\n`)
    expect(error).toMatchObject({ exit: 5, hint: expect.stringMatching(/./) })
    expect(error.message).toContain(`${engine} could not start the box: `)
    expect(error.message).toContain(why)
  })

  test("that says nothing is said to have ended", () => {
    const error = explainLaunchFailure("bubblewrap", 1, "")
    expect(error.message).toBe("bubblewrap could not start the box: it ended with 1 before anything ran in it")
  })
})
