// A swarm's file comes with the repository: it may take away from what a person adopted, and nothing else.
import { mkdirSync, symlinkSync } from "node:fs"
import { join } from "node:path"
import { expect, test } from "vitest"
import type { Sandbox } from "../../src/policy/compiled.ts"
import { readSwarm } from "../../src/sandbox/swarm/read.ts"
import { runSwarm } from "../../src/sandbox/swarm/run.ts"
import { temporaryDirectory, testContext } from "../context.ts"

const swarmOf = (more: string, sandbox: Sandbox = {}) =>
  readSwarm(`version: 1\nagents:\n  - { name: a, command: [sh], ${more} }\n`, "swarm.yaml", sandbox)

test.each<[string, Sandbox]>([
  ["engine: bubblewrap", { engine: "docker" }],
  ["image: other", { image: "ours" }],
  ["workspace: direct", { workspace: "copy" }],
  ["workspace: direct", { workspace: "worktree" }],
  ["workspace: copy", { workspace: "none" }],
])("%s is refused where the policy says otherwise", (more, sandbox) => {
  expect(() => swarmOf(more, sandbox)).toThrow(/the policy says sandbox\./)
  expect(swarmOf(more).agents).toHaveLength(1)
})

test.each(["link", "link/below"])("a directory %s that leads elsewhere is no workspace", async (directory) => {
  const root = join(temporaryDirectory(), "work")
  const elsewhere = temporaryDirectory()
  mkdirSync(join(elsewhere, "below"))
  mkdirSync(root)
  symlinkSync(elsewhere, join(root, "link"))
  const swarm = swarmOf(`directory: ${directory}, workspace: direct`)
  const ctx = testContext(root)
  const hooks = { onStart: () => {}, onEvent: () => {}, onPause: () => {}, onNote: () => {} }
  const [one] = await runSwarm(
    ctx,
    { swarm, root, project: root, base: { operator: "olga" } },
    { begin: (work) => work(() => {}), outputOf: () => ctx.stdout, hooksOf: () => hooks },
  )
  expect(String(one?.error)).toContain("a link leads to it")
})
