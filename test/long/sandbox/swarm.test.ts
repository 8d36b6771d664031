// A swarm of real boxes: each agent with its own rights and memory, messages one way, and a child that ends with its parent.
import { chownSync, readdirSync, readFileSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { afterAll, beforeAll, expect, test } from "vitest"
import { useEngine } from "../../sandbox/engines.ts"
import { type Lab, openLab } from "../egress/lab.ts"

const USER = 1234
const HOST = "api.example.com"
let lab: Lab
let project: string

beforeAll(async () => {
  lab = await openLab({
    policy: (port) => `network:
  - { id: reads, allow: ${HOST}, methods: [GET], ports: [${port}], addresses: [127.0.0.1] }
sandbox: { messages: [{ from: writer, to: reader }] }
`,
  })
  lab.origin.raw(HOST, (_, response) => void response.end("an answer\n"))
  project = lab.directory("project", { "README.md": "hello\n" })
  for (const path of [project, join(project, "README.md")]) chownSync(path, USER, USER)
})
afterAll(() => lab?.close())

/** Runs a swarm of these agents, with further options of `run`; what they print stands behind their names. */
function swarm(
  agents: readonly Record<string, unknown>[],
  messages: readonly Record<string, string>[] = [],
  options: readonly string[] = [],
) {
  // JSON is YAML.
  const file = join(lab.directory("files"), "swarm.yaml")
  writeFileSync(file, JSON.stringify({ version: 1, agents, messages }))
  return lab.nanoguard(["run", "--engine", "bubblewrap", ...options, "--swarm", file], { cwd: project })
}

const agent = (name: string, script: string, more: Record<string, unknown> = {}) => ({
  ...{ name, command: ["sh", "-c", script], workspace: "none", ...more },
})

const asks = () => `curl -sS -o /dev/null -w '%{http_code}\\n' https://${HOST}:${lab.origin.port}/`

test("an agent has the rights of its own entry, and a child no more than its parent", {
  timeout: 120_000,
}, async (t) => {
  await useEngine(t, "bubblewrap")
  const { exit, terminal } = await swarm([
    agent("free", asks()),
    agent("narrow", `${asks()}; sleep 8`, { rules: [] }),
    agent("child", asks(), { parent: "narrow", rules: ["reads"] }),
  ])
  expect(terminal).toMatch(/^free +\| 200$/m)
  expect(terminal).toMatch(/^narrow +\| 403$/m)
  expect(terminal).toMatch(/^child +\| 403$/m)
  expect(terminal).toContain("agent.scope")
  expect(exit).toBe(0)
})

test("memory outlives a run and is one agent's alone; messages go one way", { timeout: 120_000 }, async (t) => {
  await useEngine(t, "bubblewrap")
  const agents = [
    agent(
      "writer",
      "echo x >> /memory/runs; wc -l < /memory/runs; echo hello > /messages/to/reader/note; ls /messages",
      {
        memory: true,
      },
    ),
    agent(
      "reader",
      "ls -A /memory; i=0; until cat /messages/from/writer/note || [ $i = 40 ]; do i=$((i+1)); sleep 0.2; done; echo back > /messages/from/writer/note && echo wrote; ls /messages",
      {
        memory: true,
      },
    ),
  ]
  const messages = [{ from: "writer", to: "reader" }]
  const first = await swarm(agents, messages)
  expect(first.terminal).toMatch(/^writer \| 1$/m)
  expect(first.terminal).toMatch(/^reader \| hello$/m)
  expect(first.terminal).toMatch(/^reader \| .*Read-only file system$/m)
  expect(first.terminal).not.toMatch(/wrote|\| runs$/)
  expect(first.terminal).not.toMatch(/^writer \| from$/m)
  expect(first.terminal).not.toMatch(/^reader \| to$/m)
  const second = await swarm(agents, messages)
  expect(second.terminal).toMatch(/^writer \| 2$/m)
})

test("a way that the policy does not name is none, and nothing starts", { timeout: 60_000 }, async (t) => {
  await useEngine(t, "bubblewrap")
  const { exit, terminal } = await swarm(
    [agent("writer", "echo started"), agent("reader", "echo started")],
    [{ from: "reader", to: "writer" }],
  )
  expect(exit).toBe(125)
  expect(terminal).toContain("the policy names no way from reader to writer")
  expect(terminal).not.toContain("started")
})

test("a child ends with its parent, and is said to have", { timeout: 120_000 }, async (t) => {
  await useEngine(t, "bubblewrap")
  const { exit, terminal } = await swarm([
    agent("parent", "sleep 3; echo done"),
    agent("child", "echo here; sleep 60; echo outlived", { parent: "parent" }),
  ])
  expect(terminal).toMatch(/^parent \| done$/m)
  expect(terminal).toMatch(/^child +\| here$/m)
  expect(terminal).not.toContain("outlived")
  expect(terminal).toContain("ended: the run that it belongs to is over")
  expect(exit).toBe(137)
})

test("a child that would have more than its parent does not start, and nobody else does", {
  timeout: 60_000,
}, async (t) => {
  await useEngine(t, "bubblewrap")
  const { exit, terminal } = await swarm([
    agent("parent", "echo started"),
    agent("child", "echo mine > /workspace/mine", { parent: "parent", workspace: "direct" }),
  ])
  expect(exit).toBe(125)
  expect(terminal).toContain("child would have more of the workspace (direct) than its parent parent")
  expect(terminal).not.toContain("started")
  expect(readdirSync(project)).not.toContain("mine")
})

test("what a person says of every box holds for each: changes are applied, time is bounded, the summary is written", {
  timeout: 120_000,
}, async (t) => {
  await useEngine(t, "bubblewrap")
  const options = ["--apply", "--timeout", "5s", "--summary", "summary.json"]
  const { exit, terminal } = await swarm(
    [
      agent("writer", "echo made > made-by-writer", { workspace: "copy" }),
      agent("sleeper", "sleep 60; echo outlived", { timeout: "1h" }),
      agent("quick", "sleep 60", { timeout: "2s" }),
      agent("lost", "true", { workspace: "copy", directory: "nowhere" }),
    ],
    [],
    options,
  )
  expect(terminal).not.toContain("outlived")
  expect(exit).toBe(125)
  expect(readFileSync(join(project, "made-by-writer"), "utf8")).toBe("made\n")
  const summary = JSON.parse(readFileSync(join(project, "summary.json"), "utf8"))
  expect(summary).toMatchObject({ schema: "nanoguard.swarm/1", exit: 125 })
  expect(summary.agents).toMatchObject([
    {
      name: "writer",
      exit: 0,
      ended: "itself",
      gate: { refusals: [] },
      workspace: { mode: "copy", counts: { added: 1 } },
    },
    { name: "sleeper", exit: 124, ended: "timeout", workspace: { mode: "none" } },
    { name: "quick", exit: 124, ended: "timeout" },
    {
      name: "lost",
      exit: 125,
      error: { message: "an agent's directory is not there, or a link leads to it", exit: 4 },
    },
  ])
  for (const { run } of summary.agents.slice(0, 3)) expect(run).toMatch(/^run-[0-9a-f]{12}$/)
})
