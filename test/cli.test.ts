// The command line itself: what each word of it means, and what is printed where.

import type { Command } from "commander"
import { describe, expect, it, type Mock, vi } from "vitest"
import manifest from "../package.json" with { type: "json" }
import { main } from "../src/cli.ts"
import { processContext } from "../src/context.ts"
import { program } from "../src/program.ts"
import { temporaryDirectory, testContext } from "./context.ts"
import { npmLock } from "./trees.ts"

const vet = vi.hoisted(() => vi.fn(async () => 0))
const init = vi.hoisted(() => vi.fn(async () => ({ exit: 0 })))
const policy = vi.hoisted(() => ({
  policyCheck: vi.fn(async () => ({ exit: 0 })),
  policyTest: vi.fn(async () => ({ exit: 0 })),
  policyExplain: vi.fn(async () => ({ exit: 0 })),
}))
const advisories = vi.hoisted(() => ({
  advisoriesUpdate: vi.fn(async () => ({ exit: 0 })),
  advisoriesStatus: vi.fn(async () => ({ exit: 0 })),
}))
vi.mock("../src/commands/vet.ts", () => ({ vetCommand: vet }))
vi.mock("../src/commands/init.ts", () => ({ init }))
vi.mock("../src/commands/policy.ts", () => policy)
vi.mock("../src/commands/advisories.ts", () => advisories)

/** Runs a command line in an empty directory. */
async function run(line: string, env: Record<string, string> = {}) {
  const cwd = temporaryDirectory({ "package-lock.json": npmLock({ a: "1.0.0" }) })
  const ctx = testContext(cwd, { env })
  const words = line === "" ? [] : line.split(" ")
  const exit = await main(["node", "nanoguard", ...words], ctx)
  return { exit, out: ctx.out(), err: ctx.err() }
}

describe("vet", () => {
  const defaults = { failOn: "ask" }
  it.each<[string, string[], object]>([
    ["vet", [], {}],
    ["vet a b/c", ["a", "b/c"], {}],
    ["vet --policy p.yaml", [], { policy: "p.yaml" }],
    ["vet --policy=p.yaml", [], { policy: "p.yaml" }],
    ["vet --policy-from base", [], { policyFrom: "base" }],
    ["vet --policy-from file", [], { policyFrom: "file" }],
    ["vet --format text", [], { format: "text" }],
    ["vet --format json", [], { format: "json" }],
    ["vet --format sarif", [], { format: "sarif" }],
    ["vet --format junit", [], { format: "junit" }],
    ["vet --format github", [], { format: "github" }],
    ["vet --format cyclonedx", [], { format: "cyclonedx" }],
    ["vet --output x.txt", [], { output: "x.txt" }],
    ["vet --offline", [], { offline: true }],
    ["vet --prod", [], { prod: true }],
    ["vet --changed origin/main", [], { changed: "origin/main" }],
    ["vet --fail-on deny", [], { failOn: "deny" }],
    ["vet --fix", [], { fix: true }],
    ["vet --fix --dry-run", [], { fix: true, dryRun: true }],
    ["vet --verbose", [], { verbose: true }],
    ["vet --color", [], { color: true }],
    ["--no-color vet", [], { color: false }],
    ["vet --offline -- --prod", ["--prod"], { offline: true }],
  ])("%s", async (line, paths, options) => {
    expect(await run(line)).toEqual({ exit: 0, out: "", err: "" })
    expect(vet.mock.lastCall?.slice(1)).toEqual([paths, { ...defaults, ...options }])
  })
})

describe("init", () => {
  it.each<[string, object]>([
    ["init", {}],
    ["init --yes", { yes: true }],
    ["init --preset team", { preset: "team" }],
    ["init --ci gitlab", { ci: "gitlab" }],
    ["init --agents claude,codex", { agents: "claude,codex" }],
    ["init --instructions", { instructions: true }],
    ["init --no-instructions", { instructions: false }],
    ["init --native", { native: true }],
    ["init --no-native", { native: false }],
    ["init --dry-run --force", { dryRun: true, force: true }],
    ["init --format json", { format: "json" }],
    ["init --no-color", { color: false }],
  ])("%s", async (line, options) => {
    expect(await run(line)).toEqual({ exit: 0, out: "", err: "" })
    expect(init.mock.lastCall?.slice(1)).toEqual([{ format: "text", ...options }])
  })
})

describe("policy and advisories", () => {
  it.each<[string, Mock, unknown[]]>([
    ["policy check", policy.policyCheck, [{ format: "text" }]],
    ["policy check --policy p.yaml --format json", policy.policyCheck, [{ policy: "p.yaml", format: "json" }]],
    ["policy test", policy.policyTest, [[], { format: "text" }]],
    ["policy test a.yaml b.yaml", policy.policyTest, [["a.yaml", "b.yaml"], { format: "text" }]],
    ["policy test --policy p.yaml", policy.policyTest, [[], { policy: "p.yaml", format: "text" }]],
    [
      "policy explain pkg:npm/a@1",
      policy.policyExplain,
      ["pkg:npm/a@1", { format: "text", facts: expect.any(Function) }],
    ],
    [
      "policy explain a.json --offline --policy p.yaml --format json",
      policy.policyExplain,
      ["a.json", { offline: true, policy: "p.yaml", format: "json", facts: expect.any(Function) }],
    ],
    ["advisories update", advisories.advisoriesUpdate, [{ format: "text" }]],
    [
      "advisories update --from a b --ecosystem npm pypi --complete --format json",
      advisories.advisoriesUpdate,
      [{ from: ["a", "b"], ecosystem: ["npm", "pypi"], complete: true, format: "json" }],
    ],
    ["advisories status", advisories.advisoriesStatus, [{ format: "text" }]],
    ["advisories status --format json", advisories.advisoriesStatus, [{ format: "json" }]],
  ])("%s", async (line, command, expected) => {
    expect(await run(line)).toEqual({ exit: 0, out: "", err: "" })
    expect(command.mock.lastCall?.slice(1)).toEqual(expected)
  })
})

const WRONG = [
  ["", "a command is missing"],
  ["policy", "a command is missing"],
  ["advisories", "a command is missing"],
  ["vett", "unknown command 'vett'"],
  ["help vett", "unknown command 'vett'"],
  ["policy frobnicate", "unknown command 'frobnicate'"],
  ["vet --formt json", "unknown option '--formt'"],
  ["vet --value=ghp_16C7e42F292c", "unknown option '--value'"],
  ["vet --format yaml", "option '--format <format>' argument 'yaml' is invalid"],
  ["vet --format", "option '--format <format>' argument missing"],
  ["vet --fail-on never", "option '--fail-on <effect>' argument 'never' is invalid"],
  ["vet --policy-from here", "option '--policy-from <where>' argument 'here' is invalid"],
  ["init --preset lax", "option '--preset <preset>' argument 'lax' is invalid"],
  ["init surplus", "too many arguments"],
  ["policy explain", "missing required argument 'subject'"],
  ["policy check surplus", "too many arguments"],
] as const

describe("a command line that is wrong", () => {
  it.each(WRONG)("%j is exit 2, said on stderr with what helps", async (line, message) => {
    const { exit, out, err } = await run(line)
    expect(exit).toBe(2)
    expect(out).toBe("")
    expect(err).toContain(`error: ${message}`)
    expect(err).toContain("hint: add --help for what there is")
  })

  it.each(WRONG.filter(([line]) => line.startsWith("vet --f") && line !== "vet --format yaml"))(
    "%j with --format json is one document on stdout",
    async (line, message) => {
      const { exit, out, err } = await run(`vet --format json ${line.slice(4)}`)
      expect({ exit, err }).toEqual({ exit: 2, err: "" })
      expect(JSON.parse(out).error).toMatchObject({ exit: 2, message: expect.stringContaining(message) })
    },
  )
})

describe("a command that fails", () => {
  it("with a bug ends with 70 and its stack, in a document for programs", async () => {
    vet.mockRejectedValue(new TypeError("x is not a function"))
    const text = await run("vet")
    expect(text).toMatchObject({ exit: 70, out: "" })
    expect(text.err).toMatch(/^nanoguard failed: this is a bug in nanoguard[\s\S]*TypeError: x is not a function\n/)
    const json = await run("vet --format=json")
    expect(json).toMatchObject({ exit: 70, err: "" })
    expect(JSON.parse(json.out).error).toMatchObject({ bug: true })
    vet.mockResolvedValue(0)
  })

  it.each([
    ["vett", {}, false],
    ["vett --color", {}, true],
    ["vett", { FORCE_COLOR: "1" }, true],
    ["vett", { FORCE_COLOR: "1", NO_COLOR: "1" }, false],
    ["vett --no-color", { FORCE_COLOR: "1" }, false],
  ])("%s with %j: colour %s", async (line, env, color) => {
    expect((await run(line, env)).err.includes("\u001b[")).toBe(color)
  })
})

/** Every command that can be run, with its words. */
function leaves(command: Command, words: string[] = []): [string, Command][] {
  return command.commands.length === 0
    ? [[words.join(" "), command]]
    : command.commands.flatMap((child) => leaves(child, [...words, child.name()]))
}

describe("help", () => {
  const commands = leaves(program(processContext(), () => {}))

  it("knows every command", () => {
    expect(commands.map(([words]) => words)).toEqual([
      "vet",
      "init",
      "policy check",
      "policy test",
      "policy explain",
      "policy replay",
      "policy suggest",
      "policy adopt",
      "policy adopted",
      "audit tail",
      "audit show",
      "audit inventory",
      "audit verify",
      "audit export",
      "audit checkpoint",
      "audit archive",
      "audit erase",
      "gateway start",
      "gateway stop",
      "gateway status",
      "gateway reload",
      "gateway env",
      "gateway exec",
      ...["run", "ps", "kill", "resume", "doctor", "selftest"],
      "why",
      "approve",
      "deny",
      "approver add",
      "approver list",
      "approver remove",
      "secret init",
      "secret set",
      "secret list",
      "secret rotate",
      "secret remove",
      "secret import",
      "secret canary",
      "secret unlock",
      "secret lock",
      "store status",
      "store derive",
      "store migrate",
      "advisories update",
      "advisories status",
    ])
  })

  it.each(commands)("%s --help: every option and argument described, on stdout, exit 0", async (words, command) => {
    const { exit, out, err } = await run(`${words} --help`)
    expect({ exit, err }).toEqual({ exit: 0, err: "" })
    expect(out).toMatch(new RegExp(`^Usage: nanoguard ${words}`))
    for (const option of command.options) {
      expect(out).toContain(option.flags)
      expect(option.description).toMatch(/^\S.{8,}/)
    }
    expect(out.split("\n").every((line) => line.length <= 120)).toBe(true)
  })

  it.each(["vet", "init", "policy explain"])(
    "%s --help has examples that are command lines of its own",
    async (words) => {
      const { out } = await run(`${words} --help`)
      const examples = /Examples:\n([\s\S]*?)(\n\n|\n$|$)/
        .exec(out)?.[1]
        ?.split("\n")
        .map((line) => line.trim().split(/ {2,}/)[0]!)
      expect(examples?.length).toBeGreaterThan(2)
      for (const example of examples!.map((line) =>
        line.match(/"[^"]*"|\S+/g)!.map((word) => word.replaceAll('"', "")),
      )) {
        expect(example.slice(0, 1 + words.split(" ").length)).toEqual(["nanoguard", ...words.split(" ")])
        expect(await main(["node", ...example], testContext("/"))).toBe(0)
      }
    },
  )

  it.each(["gateway stop", "gateway status", "advisories status", "run"])(
    "%s --help has examples and exit codes",
    async (words) => {
      const { out } = await run(`${words} --help`)
      expect(out).toContain(`Examples:\n  nanoguard ${words}`)
      expect(out).toMatch(/\n\nExit codes: [\s\S]*\b2 /)
      if (words === "run") for (const code of [124, 125, 126, 127, 137]) expect(out).toMatch(new RegExp(`\\b${code} `))
    },
  )

  it("--version is that of package.json", async () => {
    expect(await run("--version")).toEqual({ exit: 0, out: `${manifest.version}\n`, err: "" })
  })
})
