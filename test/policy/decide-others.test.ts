import { beforeAll, describe, expect, it, test } from "vitest"
import { loadPatterns } from "../../src/policy/regex.ts"
import type { McpAction } from "../../src/policy/types.ts"
import { answer, ask } from "./support.ts"

beforeAll(loadPatterns)

describe("credentials", () => {
  const policy = `
network:
  - { id: github-read, allow: api.github.example, methods: [GET], credential: github }
  - { id: github-write, ask: api.github.example, methods: [POST], credential: github }
credentials:
  - { id: deploy, allow: deploy, hosts: ["*.deploy.example"], paths: [/v1/**] }
  - { id: never, deny: root }
  - { id: any, ask: "*", hosts: [vault.example] }
`
  test.each([
    ["credential:github GET https://api.github.example/x", "allow credential.allowed"],
    ["credential:github POST https://api.github.example/x", "ask credential.approval"],
    ["credential:github GET https://evil.example/x", "deny credential.denied"],
    ["credential:other GET https://api.github.example/x", "deny credential.denied"],
    ["credential:deploy PUT https://a.deploy.example/v1/x", "allow credential.allowed"],
    ["credential:deploy PUT https://a.deploy.example/v2/x", "deny credential.denied"],
    ["credential:root GET https://vault.example/", "deny credential.denied"],
    ["credential:other GET https://vault.example/", "ask credential.approval"],
    ["credential:deploy GET https://127.0.0.1/v1/x", "deny network.private-address"],
  ])("%s gives %s", (subject, expected) => {
    expect(answer(policy, subject)).toBe(expected)
  })

  it("never leave for a host that they are not bound to, in observe mode either", () => {
    const verdict = ask(`mode: observe${policy}`, "credential:github GET https://api.github.example/x", {
      unboundPlaceholder: "git\u0007hub",
    })
    expect(verdict).toMatchObject({ effect: "deny", code: "credential.unbound-placeholder", mode: "enforce" })
    expect(verdict.evidence).toEqual([{ kind: "placeholder", credential: "git?hub" }])
  })
})

describe("mounts", () => {
  const policy = `
default: { mounts: deny }
mounts:
  - { id: code, allow: /code/** }
  - { id: out, allow: /code/out/**, write: true }
  - { id: data, ask: /data/*, write: true }
  - { id: data-read, allow: /data/* }
  - { id: keys, deny: "**/.ssh/**" }
`
  test.each([
    ["mount:/code/src", "allow mount.allowed"],
    ["mount:/code/src:rw", "deny policy.default"],
    ["mount:/code/out/x:rw", "allow mount.allowed"],
    ["mount:/data/a:rw", "ask mount.approval"],
    ["mount:/data/a", "allow mount.allowed"],
    ["mount:/code/.ssh/id", "deny mount.denied"],
    ["mount:/code/../etc", "deny mount.denied"],
    ["mount:/etc", "deny policy.default"],
  ])("%s gives %s", (subject, expected) => {
    expect(answer(policy, subject)).toBe(expected)
  })
})

describe("MCP", () => {
  const policy = `
default: { mcp: deny }
mcp:
  - { id: start, allow: github }
  - { id: read, allow: github/get_* }
  - { id: issue, ask: github/create_issue }
  - { id: own, allow: github/push, arguments: { repo: { in: [acme/app, acme/lib] }, "options.force": { not: { equals: true } } } }
  - { id: delete, deny: "*/delete_*" }
  - { id: shell, deny: shell/run, arguments: { command: { matches: "\\\\brm\\\\s+-rf\\\\b" } } }
  - { id: shell-ok, allow: shell/run }
  - { id: limit, allow: pay/send, arguments: { amount: { min: 1, max: 100 } } }
  - { id: paths, deny: fs/read, arguments: { path: { prefix: /etc/ } } }
  - { id: fs, allow: fs/read, arguments: { path: { prefix: /code/ } } }
  - { id: bare, allow: fs/list, arguments: { secret: { present: false } } }
`
  const call = (server: string, tool?: string, args?: Record<string, unknown>): McpAction => ({
    kind: "mcp",
    server,
    ...(tool && { tool }),
    ...(args && { arguments: args }),
  })
  test.each<[McpAction, string]>([
    [call("github"), "allow mcp.allowed"],
    [call("gitlab"), "deny policy.default"],
    [call("github", "get_file"), "allow mcp.allowed"],
    [call("github", "create_issue"), "ask mcp.approval"],
    [call("github", "delete_repo"), "deny mcp.denied"],
    [call("anything", "delete_all"), "deny mcp.denied"],
    [call("github", "push", { repo: "acme/app", options: { force: false } }), "allow mcp.allowed"],
    [call("github", "push", { repo: "acme/app", options: { force: true } }), "deny policy.default"],
    [call("github", "push", { repo: "acme/app" }), "deny policy.default"],
    [call("github", "push", { repo: "evil/app", options: { force: false } }), "deny policy.default"],
    [call("github", "push", { repo: ["acme/app", "evil/app"], options: { force: false } }), "deny policy.default"],
    [call("shell", "run", { command: "rm -rf /" }), "deny mcp.denied"],
    [call("shell", "run", { command: ["echo", "rm  -rf /"] }), "deny mcp.denied"],
    [call("shell", "run", { command: "ls" }), "allow mcp.allowed"],
    [call("pay", "send", { amount: 100 }), "allow mcp.allowed"],
    [call("pay", "send", { amount: 101 }), "deny policy.default"],
    [call("pay", "send", { amount: "50" }), "deny policy.default"],
    [call("fs", "read", { path: "/code/a" }), "allow mcp.allowed"],
    [call("fs", "read", { path: ["/code/a", "/etc/passwd"] }), "deny mcp.denied"],
    [call("fs", "read", { path: [] }), "deny policy.default"],
    [call("fs", "read", JSON.parse('{"__proto__":{"path":"/code/a"}}')), "deny policy.default"],
    [call("fs", "list", {}), "allow mcp.allowed"],
    [call("fs", "list", { secret: 1 }), "deny policy.default"],
  ])("%j gives %s", (subject, expected) => {
    expect(answer(policy, subject)).toBe(expected)
  })

  it("keeps what an agent wrote out of the subject's line", () => {
    expect(ask(policy, call("git\nhub", "x\u001b[0m")).subject).toBe("mcp:git?hub/x?[0m")
  })

  it("is met by what is wrapped deeply or too long to be looked through, where a rule restricts; never where it permits", () => {
    let wrapped: unknown = "evil"
    for (let depth = 0; depth < 1_000; depth++) wrapped = [wrapped]
    const long = "a".repeat(100_001)
    const with_ = (verb: string, clause: string) => `default: { mcp: ${verb === "deny" ? "allow" : "deny"} }
mcp: [{ id: r, ${verb}: a/b, arguments: { x: ${clause} } }]`
    for (const [clause, value] of [
      ["{ equals: evil }", wrapped],
      ["{ matches: b }", long],
    ] as const)
      expect(answer(with_("deny", clause), call("a", "b", { x: value }))).toBe("deny mcp.denied")
    for (const clause of ["{ matches: a }", "{ not: { matches: b } }"])
      expect(answer(with_("allow", clause), call("a", "b", { x: long }))).toBe("deny policy.default")
  })

  it("runs regular expressions in linear time", () => {
    const policy = 'mcp: [{ id: slow, deny: a/b, arguments: { x: { matches: "^(a+)+$" } } }]'
    expect(answer(policy, call("a", "b", { x: `${"a".repeat(50_000)}!` }))).toBe("allow policy.default")
  })
})

describe("skills", () => {
  const policy = `
default: { skills: ask }
skills:
  - { id: pdf, allow: pdf, versions: "^1.2.0", sources: [https://skills.example/acme/] }
  - { id: claw, deny: claw*, instead: acme-tools }
`
  test.each([
    [
      { kind: "skill", name: "pdf", version: "1.4.0", source: "https://skills.example/acme/pdf" },
      "allow skill.allowed",
    ],
    [{ kind: "skill", name: "pdf", version: "2.0.0", source: "https://skills.example/acme/pdf" }, "ask policy.default"],
    [{ kind: "skill", name: "pdf", version: "1.4.0", source: "https://skills.example/evil/pdf" }, "ask policy.default"],
    [{ kind: "skill", name: "pdf" }, "ask policy.default"],
    [{ kind: "skill", name: "clawhub" }, "deny skill.denied"],
  ] as const)("%j gives %s", (subject, expected) => {
    expect(answer(policy, subject)).toBe(expected)
  })

  it("name the version in the subject and what to use instead", () => {
    expect(ask(policy, "skill:clawhub@1.0.0")).toMatchObject({
      subject: "skill:clawhub@1.0.0",
      correction: { action: "replace", target: "acme-tools" },
    })
  })
})
