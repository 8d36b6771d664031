import fc from "fast-check"
import { describe, expect, it } from "vitest"
import { NanoguardError } from "../../../src/errors.ts"
import type { Sandbox } from "../../../src/policy/compiled.ts"
import type { AskedBoxes } from "../../../src/sandbox/swarm/check-boxes.ts"
import { readSwarm } from "../../../src/sandbox/swarm/read.ts"
import "../../seed.ts"

const read = (text: string, sandbox: Sandbox = {}, asked: AskedBoxes = {}) =>
  readSwarm(text, "swarm.yaml", sandbox, asked)

function errorOf(text: string, sandbox?: Sandbox, asked?: AskedBoxes): NanoguardError {
  try {
    read(text, sandbox, asked)
  } catch (error) {
    if (error instanceof NanoguardError) return error
    throw error
  }
  throw new Error("it was read")
}

const TWO = `version: 1
agents:
  - { name: writer, command: [claude] }
  - { name: reader, command: [codex] }
`

describe("a swarm's file", () => {
  it("gives each agent a copy and no rights beyond the policy where it says no more", () => {
    const { agents, messages } = read(TWO)
    expect(agents).toEqual([
      { name: "writer", command: ["claude"], directory: "", workspace: "copy", memory: false, scope: {} },
      { name: "reader", command: ["codex"], directory: "", workspace: "copy", memory: false, scope: {} },
    ])
    expect(messages).toEqual([])
  })

  it("reads rights, budgets and what an agent runs in", () => {
    const [agent] = read(`version: 1
agents:
  - name: a
    command: [sh, -c, "echo hi"]
    directory: services/a
    workspace: direct
    memory: true
    rules: [model]
    credentials: []
    hosts: [api.example.com, "**.example.org"]
    packages: [pkg:npm/axios, "pkg:npm/@acme/*"]
    budget: { tokens: 1.5M/day, usd: 0.25/run, requests: 500/hour }
    engine: docker
    image: agents@sha256:1
    timeout: 30m
`).agents
    expect(agent).toEqual({
      name: "a",
      command: ["sh", "-c", "echo hi"],
      directory: "services/a",
      workspace: "direct",
      memory: true,
      scope: {
        rules: ["model"],
        credentials: [],
        hosts: ["api.example.com", "**.example.org"],
        packages: ["pkg:npm/axios", "pkg:npm/@acme/*"],
        budgets: [
          { unit: "tokens", limit: 1_500_000, window: "day" },
          { unit: "usd", limit: 0.25, window: "run" },
          { unit: "requests", limit: 500, window: "hour" },
        ],
      },
      engine: "docker",
      image: "agents@sha256:1",
      timeout: "30m",
    })
  })

  it("puts parents before children, whatever the order of the file", () => {
    const names = ["a", "b", "c", "d"]
    const line = (name: string) => {
      const parent = names[names.indexOf(name) - 1]
      return `  - { name: ${name}, command: [sh]${parent === undefined ? "" : `, parent: ${parent}`} }\n`
    }
    fc.assert(
      fc.property(fc.shuffledSubarray(names, { minLength: 4 }), (order) => {
        const { agents } = read(`version: 1\nagents:\n${order.map(line).join("")}`)
        expect(agents.map(({ name }) => name)).toEqual(names)
      }),
    )
  })

  const agent = (rest: string) => `version: 1\nagents:\n  - { name: a, command: [sh]${rest} }\n`
  it.each<[string, string, RegExp, number]>([
    ["a version of another time", "version: 2\nagents: []\n", /version/i, 1],
    ["no agent", "version: 1\nagents: []\n", /agents/, 2],
    ["a key that there is not", agent(", comand: [x]"), /comand/, 3],
    ["an agent without a command", "version: 1\nagents:\n  - { name: a }\n", /command/, 3],
    ["an empty command", "version: 1\nagents:\n  - { name: a, command: [] }\n", /command/, 3],
    ["a name that is a path", "version: 1\nagents:\n  - { name: ../a, command: [sh] }\n", /letters, digits/, 3],
    ["a directory above", agent(", directory: a/../../b"), /below the project/, 3],
    ["an absolute directory", agent(", directory: /etc"), /below the project/, 3],
    ["a workspace that there is not", agent(", workspace: all"), /workspace|direct/, 3],
    ["a budget without a window", agent(", budget: { tokens: 5 }"), /budget|amount|string/i, 3],
    ["a budget of nothing known", agent(", budget: { coffee: 5/day }"), /coffee|requests/, 3],
    ["more rights than there are", agent(", packages: true"), /packages.*false/, 3],
    ["packages that are no purls", agent(", packages: [axios]"), /pkg:npm\/axios/, 3],
    ["a package of one version", agent(', packages: ["pkg:npm/axios@1.7.0"]'), /without a version/, 3],
    ["a host with a scheme", agent(', hosts: ["https://api.example.com"]'), /wants a host: api\.example\.com/, 3],
    ["a timeout without a unit", agent(', timeout: "30"'), /duration/, 3],
    ["two agents of one name", `${TWO}  - { name: writer, command: [sh] }\n`, /two agents are called writer/, 5],
    ["a parent that is not there", agent(", parent: nobody"), /no parent called nobody/, 3],
    ["a parent of itself", agent(", parent: a"), /no parent called a/, 3],
    ["a message of nobody's", `${TWO}messages: [{ from: nobody, to: reader }]\n`, /called nobody/, 5],
    ["a message to nobody", `${TWO}messages: [{ from: reader, to: nobody }]\n`, /called nobody/, 5],
  ])("refuses %s, and says where", (_, text, message, line) => {
    const error = errorOf(text)
    expect(`${error.message}; ${error.hint}`).toMatch(message)
    expect(error.exit).toBe(4)
    expect(error.where).toMatchObject({ file: "swarm.yaml", line })
  })

  it("refuses parents in a circle", () => {
    const text =
      "version: 1\nagents:\n  - { name: a, command: [sh], parent: b }\n  - { name: b, command: [sh], parent: a }\n"
    expect(errorOf(text).message).toMatch(/has no parent called/)
  })

  it("refuses more agents than a swarm may have", () => {
    const lines = Array.from({ length: 33 }, (_, index) => `  - { name: a${index}, command: [sh] }\n`)
    expect(errorOf(`version: 1\nagents:\n${lines.join("")}`).exit).toBe(4)
    expect(read(`version: 1\nagents:\n${lines.slice(1).join("")}`).agents).toHaveLength(32)
  })
})

/** Of parent and child, what stands behind their names and commands. */
const family = (parent: string, child: string) => `version: 1
agents:
  - { name: child, command: [sh], parent: parent${child && `, ${child}`} }
  - { name: parent, command: [sh]${parent && `, ${parent}`} }
`

describe("a child", () => {
  it.each<[string, string, string, RegExp, string, Sandbox?, AskedBoxes?]>([
    ...[
      ["none", "direct"],
      ["none", "copy"],
      ["none", "worktree"],
      ["worktree", "copy"],
      ["copy", "direct"],
      ["worktree", "direct"],
    ].map(([parent, child]): [string, string, string, RegExp, string] => [
      ...(["more of the workspace", `workspace: ${parent}`, `workspace: ${child}`] as const),
      ...([/more of the workspace \(\w+\) than its parent parent$/, `give it workspace: ${parent}`] as const),
    ]),
    ["more of the workspace", "workspace: none", "", /more of the workspace \(copy\)/, "give it workspace: none"],
    [
      ...(["another directory", "directory: a", "directory: b"] as const),
      ...([/another directory than its parent/, "give it directory: a, or one below"] as const),
    ],
    ["one beside it", "directory: a", "directory: ab", /another directory/, "give it directory: a, or one below"],
    ["one above", "directory: a/b", "directory: a", /another directory/, "give it directory: a/b, or one below"],
    ["all of the project", "directory: a", "", /another directory/, "give it directory: a, or one below"],
    ["a weaker engine", "", "engine: bubblewrap", /another engine than/, "say it of both, or of none"],
    ["an engine of its own", "engine: docker", "engine: podman", /another engine than/, "give it engine: docker"],
    ["whatever engine is here", "engine: docker", "", /another engine than/, "give it engine: docker"],
    ["an image of its own", "", "image: other", /another image than/, "say it of both, or of none"],
    ["the policy's image", "image: other", "", /another image than/, "give it image: other", {}],
  ])("has not %s: %s, %s", (_, parent, child, message, hint, sandbox, asked) => {
    const error = errorOf(family(parent, child), sandbox, asked)
    expect(error.message).toMatch(message)
    expect(error.hint).toBe(hint)
    expect(error.exit).toBe(4)
    // Of the key where there is one; of the agent where what it leaves out is too much.
    const key = /^\w+/.exec(child)?.[0]
    const line = family(parent, child).split("\n")[2]!
    const column = key === undefined ? line.indexOf("{") : line.indexOf(`${key}: `) + `${key}: `.length
    expect(error.where).toEqual({ file: "swarm.yaml", line: 3, column: column + 1 })
  })

  it.each<[string, string, string, Sandbox?, AskedBoxes?]>([
    ["as much", "workspace: none", "workspace: none"],
    ["as much where nobody says anything", "", ""],
    ["less", "workspace: direct", "workspace: copy"],
    ["what is committed of a copy", "workspace: copy", "workspace: worktree"],
    ["a directory below", "directory: a", "directory: a/b/c"],
    ["the same one, spelled otherwise", "directory: a/", "directory: a"],
    ["no directory, wherever that is", "directory: a", "workspace: none"],
    ["the same engine", "engine: docker", "engine: docker"],
    ["the engine of the policy", "", "engine: docker", { engine: "docker" }],
    ["the engine of the command line", "engine: podman", "", {}, { engine: "podman" }],
    ["the image of the policy", "", "image: ours", { image: "ours" }],
    ["a memory of its own", "", "memory: true"],
    ["rights of its own, which the gate holds against its parent's", "rules: []", "rules: [model]"],
  ])("has %s: %s, %s", (_, parent, child, sandbox, asked) => {
    expect(read(family(parent, child), sandbox, asked).agents.map(({ name }) => name)).toEqual(["parent", "child"])
  })

  it("is held against its own parent, however far up more is had", () => {
    const text = `version: 1
agents:
  - { name: top, command: [sh], workspace: copy }
  - { name: middle, command: [sh], parent: top, workspace: none }
  - { name: low, command: [sh], parent: middle, workspace: copy }
`
    expect(errorOf(text)).toMatchObject({
      message: "low would have more of the workspace (copy) than its parent middle",
      where: { line: 5 },
    })
  })
})

describe("what a person says of every box", () => {
  it.each<[string, AskedBoxes, string]>([
    ["engine: bubblewrap", { engine: "docker" }, "the command line says --engine docker, and a would have another"],
    ["image: other", { image: "ours" }, "the command line says --image ours, and a would have another"],
  ])("is no file's to change: %s", (more, asked, message) => {
    const text = `version: 1\nagents:\n  - { name: a, command: [sh], ${more} }\n`
    const error = errorOf(text, {}, asked)
    expect(error).toMatchObject({ message, hint: "leave it out in one of the two", where: { line: 3 } })
    expect(read(text, {}, { engine: "auto" }).agents).toHaveLength(1)
  })
})

describe("two agents that write in the same directory", () => {
  const swarm = (one: string, other: string, mode = "direct") => `version: 1
agents:
  - { name: one, command: [sh], workspace: direct${one === "" ? "" : `, directory: ${one}`} }
  - { name: other, command: [sh], workspace: ${mode}${other === "" ? "" : `, directory: ${other}`} }
`
  it.each([
    ["the same", "a", "a"],
    ["one in the other", "a", "a/b"],
    ["the other way round", "a/b", "a"],
    ["all of the project", "", "a"],
    ["a slash at the end", "a/", "a/b"],
    ["two slashes", "a//b", "a/b"],
  ])("are refused: %s", (_, one, other) => {
    const error = errorOf(swarm(one, other))
    expect(error.message).toMatch(/would write in the same directory/)
    expect(error.where).toMatchObject({ line: 4 })
  })

  it("may lie side by side, and one may have a copy", () => {
    expect(read(swarm("a", "ab")).agents).toHaveLength(2)
    expect(read(swarm("a", "a", "copy")).agents).toHaveLength(2)
  })
})

describe("a message", () => {
  const text = `${TWO}messages: [{ from: writer, to: reader }]\n`
  it.each<[string, Sandbox]>([
    ["the policy says nothing", {}],
    ["the policy names the way back", { messages: [{ from: "reader", to: "writer" }] }],
    ["the policy names others", { messages: [{ from: "writer", to: "other" }] }],
  ])("is refused where %s", (_, sandbox) => {
    const error = errorOf(text, sandbox)
    expect(error.message).toBe("the policy names no way from writer to reader")
    expect(error.where).toMatchObject({ line: 5 })
    expect(error.hint).toMatch(/sandbox\.messages/)
  })

  it.each<[string, Sandbox]>([
    ["by name", { messages: [{ from: "writer", to: "reader" }] }],
    ["to any", { messages: [{ from: "writer", to: "*" }] }],
    ["between any", { messages: [{ from: "*", to: "*" }] }],
  ])("goes where the policy names it %s", (_, sandbox) => {
    expect(read(text, sandbox).messages).toEqual([{ from: "writer", to: "reader" }])
  })

  it("to oneself is none, even between any", () => {
    const own = `${TWO}messages: [{ from: writer, to: writer }]\n`
    expect(errorOf(own, { messages: [{ from: "*", to: "*" }] }).exit).toBe(4)
  })
})
