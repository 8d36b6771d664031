import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { Writable } from "node:stream"
import { afterEach, beforeEach, describe, expect, it } from "vitest"
import { policyCheck, policyExplain, policyTest } from "../../src/commands/policy.ts"
import { type Context, processContext } from "../../src/context.ts"
import { loadPolicyTexts } from "../../src/policy/load.ts"
import { FINE, NOW } from "./support.ts"

let directory = ""
let output = ""
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "policy-"))
  mkdirSync(join(directory, ".git"))
  output = ""
})
afterEach(() => rmSync(directory, { recursive: true }))

const context = (env: Record<string, string> = {}): Context => {
  const stdout = new Writable({
    write(chunk, _, done) {
      output += String(chunk)
      done()
    },
  })
  return { ...processContext(), cwd: directory, env, now: () => NOW, stdout }
}
const write = (name: string, text: string) => writeFileSync(join(directory, name), text)

describe("policy check", () => {
  it("passes a sound policy", async () => {
    write("nanoguard.yaml", "version: 1\npackages: { deny: { severity: high } }\n")
    expect((await policyCheck(context())).exit).toBe(0)
    expect(output).toBe("nanoguard.yaml: 1 rule, 0 exceptions, mode enforce: nothing to object to\n")
  })
  it("names file, line and column of what it finds", async () => {
    write(
      "nanoguard.yaml",
      'version: 1\nnetwork:\n  - { id: all, deny: "**.example" }\n  - { id: one, deny: a.example }\n  - { id: any, allow: "**" }\n',
    )
    const { report, exit } = await policyCheck(context())
    expect(exit).toBe(1)
    expect(report.errors).toBe(1)
    expect(output).toBe(
      "nanoguard.yaml:4:5: error: without one no verdict changes: all (nanoguard.yaml:3:5) already decides wherever it matches [shadowed]\n" +
        "  remove one of the two\n" +
        "nanoguard.yaml:5:5: warning: any allows more than anyone can have read [wildcard-allow]\n" +
        "  name what is needed\n" +
        "nanoguard.yaml: 3 rules, 0 exceptions, mode enforce: 1 error, 1 warning\n",
    )
  })
  it("reads every layer, the local one not in CI, and says what a layer cannot do", async () => {
    write("org.yaml", "version: 1\ndefault: deny\n")
    write("nanoguard.yaml", "version: 1\ndefault: ask\n")
    write("nanoguard.local.yaml", "version: 1\nmode: observe\npackages: { unknown-severity: low }\n")
    const env = { NANOGUARD_ORG_POLICY: "org.yaml" }
    const { report } = await policyCheck(context(env))
    expect(report.files).toEqual(["org:nanoguard.yaml", "nanoguard.yaml", "nanoguard.local.yaml"])
    expect(
      report.findings
        .filter(({ check }) => check === "setting-without-effect")
        .map(({ file, line, message }) => `${file}:${line} ${message}`),
    ).toEqual([
      "nanoguard.yaml:2 default: ask has no effect for packages: a layer above says deny",
      "nanoguard.yaml:2 default: ask has no effect for mounts: a layer above says deny",
      "nanoguard.yaml:2 default: ask has no effect for mcp: a layer above says deny",
      "nanoguard.yaml:2 default: ask has no effect for skills: a layer above says deny",
      "nanoguard.local.yaml:2 mode: observe has no effect: another layer enforces",
    ])
    expect((await policyCheck(context({ ...env, CI: "true" }))).report.files).toEqual([
      "org:nanoguard.yaml",
      "nanoguard.yaml",
    ])
  })
  it("says what is said of a risk in vain, and because of what", async () => {
    const inVain = async (env: Record<string, string> = {}) =>
      (await policyCheck(context(env))).report.findings
        .filter(({ check }) => check === "setting-without-effect")
        .map(({ file, line, message }) => `${file}:${line} ${message}`)
    write(
      "nanoguard.yaml",
      "version: 1\napprovals:\n  risk:\n    low: { alike: false }\n    medium: { quorum: 3, expire: 5m }\n    high: { quorum: 2, expire: 1h }\n    critical: { alike: true }\n",
    )
    const own = [
      "nanoguard.yaml:6 high: quorum: 2 has no effect: a lesser risk demands more",
      "nanoguard.yaml:7 critical: alike: true has no effect: a lesser risk demands more",
    ]
    expect(await inVain()).toEqual(own)
    write(
      "org.yaml",
      "version: 1\napprovals: { risk: { low: { quiet: true }, high: { expire: 10m, operator: false } } }\n",
    )
    write(
      "nanoguard.local.yaml",
      "version: 1\napprovals:\n  risk:\n    high: { expire: 5m, quorum: 4 }\n    critical: { operator: true }\n",
    )
    expect(await inVain({ NANOGUARD_ORG_POLICY: "org.yaml" })).toEqual([
      own[0],
      "nanoguard.yaml:6 high: expire: 1h has no effect: what stands above it demands more",
      own[1],
      "nanoguard.local.yaml:5 critical: operator: true has no effect: what stands above it demands more",
    ])
  })
  it("is an error where there is no policy, or an unreadable one", async () => {
    await expect(policyCheck(context())).rejects.toMatchObject({
      exit: 4,
      message: "there is no nanoguard.yaml here or above",
    })
    await expect(policyCheck(context({ NANOGUARD_ORG_POLICY: "gone.yaml" }))).rejects.toMatchObject({
      exit: 4,
      message: "the organisation's policy is not there",
    })
    writeFileSync(join(directory, "nanoguard.yaml"), new Uint8Array([0xff, 0xfe, 0xff]))
    await expect(policyCheck(context())).rejects.toMatchObject({ exit: 4, message: "the policy is not UTF-8 text" })
  })
  it("loads what regular expressions need", async () => {
    write("nanoguard.yaml", 'version: 1\nmcp: [{ id: a, deny: s/t, arguments: { x: { matches: "a+$" } } }]\n')
    expect((await policyCheck(context())).exit).toBe(0)
    write("nanoguard.yaml", 'version: 1\nmcp: [{ id: a, deny: s/t, arguments: { x: { matches: "(?=a)" } } }]\n')
    await expect(policyCheck(context())).rejects.toMatchObject({
      message: "matches is not a regular expression that RE2 takes",
      where: { line: 2, column: 54 },
    })
  })
})

describe("policy test", () => {
  const policy =
    "version: 1\nnetwork:\n  - { id: a, allow: x.example, examples: { match: [GET https://x.example/], noMatch: [GET https://y.example/] } }\npackages: { deny: { age: 3d } }\n"
  it("runs inline examples and test files, and shows what differs", async () => {
    write("nanoguard.yaml", policy.replace("noMatch: [GET https://y", "noMatch: [GET https://x"))
    write(
      "nanoguard.test.yaml",
      "now: 2026-11-21\ncases:\n  - { action: pkg:npm/x@1.0.0, facts: { published: 2026-11-20 }, expect: { effect: deny, code: release.too-new, rule: packages.deny.age } }\n  - name: old enough\n    action: pkg:npm/x@1.0.0\n    now: 2026-11-22\n    facts: { published: 2026-11-20 }\n    expect: allow\n",
    )
    const { report, exit } = await policyTest(context(), [])
    expect([report.passed, report.failed, exit]).toEqual([2, 2, 1])
    expect(output).toBe(
      "nanoguard.yaml:3: FAILED a does not match GET https://x.example/\n" +
        "  - noMatch: GET https://x.example/\n" +
        "  + noMatch: the rule a matches GET https://x.example/, which it must not\n" +
        "nanoguard.test.yaml:4: FAILED old enough\n" +
        "  - effect: allow\n" +
        "  + effect: deny\n" +
        "  the policy says: The version was published 2d ago, less than the 3d that the policy wants. (packages.deny.age (nanoguard.yaml:4:21))\n" +
        "2 passed, 2 failed\n",
    )
  })
  it("takes files by name, actions as objects, and every kind of evidence", async () => {
    write("nanoguard.yaml", policy)
    write(
      "more.test.yaml",
      "cases:\n  - { action: GET https://x.example/, addresses: [10.0.0.1], expect: { code: network.private-address, mode: enforce } }\n  - { action: GET https://x.example/, killed: true, expect: deny }\n  - { action: { kind: mcp, server: s, tool: t, arguments: { a: 1 } }, expect: allow }\n",
    )
    expect((await policyTest(context(), ["more.test.yaml"])).report.failed).toBe(0)
    await expect(policyTest(context(), ["gone.test.yaml"])).rejects.toMatchObject({ exit: 2 })
  })
  it("is no success without a case", async () => {
    write("nanoguard.yaml", "version: 1\n")
    expect((await policyTest(context(), [])).exit).toBe(3)
  })
  it("says where a test file is wrong", async () => {
    write("nanoguard.yaml", policy)
    const fails = async (text: string) => {
      write("nanoguard.test.yaml", text)
      return policyTest(context(), []).then(
        () => "passed",
        ({ message, where, hint }) => `${where.line}:${where.column} ${message} | ${hint}`,
      )
    }
    expect(await fails("cases: []")).toBe("1:8 cases is not what it should be | it wants at least 1 entries")
    expect(await fails("cases:\n  - { action: nonsense, expect: allow }")).toBe(
      "2:15 action is no action | such as pkg:npm/x@1.0.0 or POST https://host/path",
    )
    expect(await fails("cases:\n  - { action: pkg:npm/x@1, facts: { publishd: 2026-01-01 }, expect: allow }")).toBe(
      "2:37 unknown key publishd in cases[0].facts | did you mean published?",
    )
    expect(await fails("now: never\ncases:\n  - { action: pkg:npm/x@1, expect: allow }")).toBe(
      "1:6 now is not a date | such as 2026-11-21",
    )
  })
})

describe("policy explain", () => {
  const policy =
    "version: 1\npackages:\n  deny: { deprecated: true }\nnetwork:\n  - { id: read, allow: x.example, methods: [GET] }\n"
  it("knows what a service calls a request, where a rule is about that", async () => {
    write(
      "nanoguard.yaml",
      "version: 1\nnetwork:\n  - { id: merge, ask: api.github.com, operations: [github:pulls.merge] }\n  - { id: fetch, allow: forge.acme.example, service: git, operations: [git:fetch], budget: { requests: 9/day } }\n",
    )
    const effect = async (subject: string) => (await policyExplain(context(), subject)).report.verdict.effect
    expect(await effect("PUT https://api.github.com/repos/acme/app/pulls/7/merge")).toBe("ask")
    expect(await effect("GET https://api.github.com/repos/acme/app/pulls/7/merge")).toBe("deny")
    expect(await effect("GET https://forge.acme.example/a/b.git/info/refs?service=git-upload-pack")).toBe("allow")
    expect(await effect("POST https://forge.acme.example/a/b.git/git-receive-pack")).toBe("deny")
  })

  it("explains a request with the change that would turn it round", async () => {
    write("nanoguard.yaml", policy)
    expect((await policyExplain(context(), "POST https://x.example/a")).exit).toBe(0)
    expect(output).toBe(
      "POST https://x.example/a: DENY network.host-denied\n" +
        "  No rule allows this request, or one denies it.\n" +
        "  rule network.default (built-in)\n" +
        "\nRules considered:\n" +
        "  decided  deny  network.default (built-in)\n" +
        "  missed   allow read (nanoguard.yaml:5:5): method wants GET, has POST\n" +
        "\nTo turn this round (then allow network.allowed): Add a rule that allows it.\n" +
        "  nanoguard.yaml:6\n" +
        "  +   - { id: allow-x-example, allow: x.example, methods: [POST] }\n",
    )
  })
  it("asks for the facts of a purl, and holds them for missing where nobody can tell", async () => {
    write("nanoguard.yaml", policy)
    expect(
      (
        await policyExplain(context(), "pkg:npm/x@1.0.0", {
          facts: async ({ name }) => ({ ...FINE, deprecated: name === "x" }),
        })
      ).report.verdict.code,
    ).toBe("release.deprecated")
    expect((await policyExplain(context(), "pkg:npm/x@1.0.0", { format: "json" })).report.verdict.evidence).toEqual([
      { kind: "missing", fact: "deprecated", reason: "offline" },
    ])
  })
  it("reads an action from a file, with or without evidence", async () => {
    write("nanoguard.yaml", policy)
    write(
      "action.json",
      JSON.stringify({ kind: "network", method: "GET", scheme: "https", host: "x.example", port: 443, path: "/" }),
    )
    expect((await policyExplain(context(), "action.json")).report.verdict.effect).toBe("allow")
    write(
      "action.json",
      JSON.stringify({ action: "GET https://x.example/", addresses: ["127.0.0.1"], now: "2026-01-01" }),
    )
    expect((await policyExplain(context(), "action.json")).report.verdict.code).toBe("network.private-address")
    expect(output).toContain("No rule or exception in these files turns this answer round")
    write("action.json", '{"kind": "network"}')
    await expect(policyExplain(context(), "action.json")).rejects.toMatchObject({ exit: 4 })
    await expect(policyExplain(context(), "no-such-file")).rejects.toMatchObject({ exit: 2 })
  })
})

describe("what a newcomer types", () => {
  const stderrOf = async (run: Promise<unknown>) => run.then(String, ({ message, hint }) => `${message} | ${hint}`)

  it("a name without its ecosystem, and a test file that is not there, are told apart", async () => {
    write("nanoguard.yaml", "version: 1\n")
    const forms = 'a purl such as pkg:npm/left-pad@1.3.0, a request such as "GET https://host/path", or a file'
    expect(await stderrOf(policyExplain(context(), "axios@1.6.0"))).toBe(
      `there is no such file, or it is not UTF-8 text | did you mean pkg:npm/axios@1.6.0? It takes ${forms}`,
    )
    expect(await stderrOf(policyExplain(context(), "axios"))).toBe(
      `there is no such file, or it is not UTF-8 text | give ${forms}`,
    )
    expect(await stderrOf(policyTest(context(), ["none.yaml"]))).toBe(
      "there is no such file, or it is not UTF-8 text | name a file of cases, or none to run nanoguard.test.yaml and nanoguard.*.test.yaml beside the policy",
    )
  })
  it("an explanation keeps within the terminal, and a version that exists is not nonexistent", async () => {
    write(
      "nanoguard.yaml",
      "version: 1\npackages:\n  deny: { nonexistent: true, licenses: [AGPL-3.0-only, AGPL-3.0-or-later] }\n",
    )
    await policyExplain(context(), "pkg:npm/x@1.0.0", { facts: async () => FINE })
    expect(output).toContain(
      "  missed   deny  packages.deny.licenses (nanoguard.yaml:3:30): licenses wants\n" +
        '                 ["AGPL-3.0-only","AGPL-3.0-or-later"], has MIT\n' +
        "  missed   deny  packages.deny.nonexistent (nanoguard.yaml:3:11): nonexistent\n" +
        "                 wants true, has false\n",
    )
  })
})

describe("loading on demand", () => {
  it("explains an error of shape and compiles expressions without being told to", async () => {
    const load = (text: string) => loadPolicyTexts([{ text, file: "nanoguard.yaml" }])
    await expect(load("version: 1\nmod: enforce")).rejects.toMatchObject({
      message: "unknown key mod",
      hint: "did you mean mode?",
    })
    await expect(
      load('version: 1\nmcp: [{ id: a, deny: s/t, arguments: { x: { "m\\x61tches": a } } }]'),
    ).resolves.toBeDefined()
  })
})
