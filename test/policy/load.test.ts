import fc from "fast-check"
import { describe, expect, it, test } from "vitest"
import { NanoguardError } from "../../src/errors.ts"
import { loadPolicy } from "../../src/policy/load.ts"
import { loadError } from "./support.ts"

const v = "version: 1\n"

describe("errors say where, what, and what was meant", () => {
  test.each([
    ["", "1:1 the policy is empty | it starts with `version: 1`"],
    ["mode: enforce", "1:1 version is missing | it wants 1"],
    ["version: 2", "1:10 version is not what it should be | it wants 1"],
    ["versio: 1", "1:1 unknown key versio | did you mean version?"],
    ["- 1", "1:1 the policy is not what it should be | it wants keys with values"],
    [`${v}mode: enforc`, "2:7 mode is not what it should be | did you mean enforce? It wants one of enforce, observe"],
    [`${v}packages:\n  deny: { severty: high }`, "3:11 unknown key severty in packages.deny | did you mean severity?"],
    [
      `${v}packages:\n  deny:\n    severity: hihg`,
      "4:15 packages.deny.severity is not what it should be | did you mean high? It wants one of low, medium, high, critical",
    ],
    [
      `${v}packages: { deny: { age: 3 } }`,
      "2:26 packages.deny.age is not what it should be | it wants a duration such as 12h, 3d, 4w or 2y",
    ],
    [
      `${v}packages: { deny: { age: 3 days } }`,
      "2:26 packages.deny.age is not what it should be | it wants a duration such as 12h, 3d, 4w or 2y",
    ],
    [`${v}packages: { deny: { cvss: 11 } }`, "2:27 packages.deny.cvss is not what it should be | it wants at most 10"],
    [
      `${v}packages: { deny: { licenses: [] } }`,
      "2:31 packages.deny.licenses is not what it should be | it wants at least 1 entries",
    ],
    [
      `${v}packages: { deny: { licenses: [AGPL-3] } }`,
      "2:32 AGPL-3 is not a licence id | it wants one SPDX id such as MIT or GPL-3.0-or-later, or unknown",
    ],
    [
      `${v}packages: { deny: { malware: false } }`,
      "2:30 packages.deny.malware is not what it should be | it wants true",
    ],
    [
      `${v}packages: { unknown: { offlin: allow } }`,
      "2:24 unknown key offlin in packages.unknown | did you mean offline?",
    ],
    [
      `${v}packages: { unknown: maybe }`,
      "2:22 packages.unknown is not what it should be | it wants one of allow, ask, deny",
    ],
    [`${v}network: [{ id: a }]`, "2:11 the rule a has no verb | a rule has exactly one of allow, ask and deny"],
    [
      `${v}network: [{ id: a, allow: x.example, deny: x.example }]`,
      "2:11 the rule a has allow and deny | a rule has exactly one of allow, ask and deny",
    ],
    [
      `${v}network: [{ allow: x.example }]`,
      "2:11 network[0].id is missing | it wants lower-case letters, digits, - and _, at most 64",
    ],
    [
      `${v}network: [{ id: "a.b", allow: x.example }]`,
      "2:17 network[0].id is not what it should be | it wants lower-case letters, digits, - and _, at most 64",
    ],
    [
      `${v}network: [{ id: a, allow: x.example }, { id: a, deny: y.example }]`,
      "2:46 the id a is already used at nanoguard.yaml:2:17 | give every rule an id of its own",
    ],
    [
      `${v}network: [{ id: a, allow: "a.*.example" }]`,
      "2:27 this is not a host pattern | it wants a host alone, *.example.com, **.example.com or **",
    ],
    [
      `${v}network: [{ id: a, allow: x.example, paths: [/a/b**] }]`,
      "2:46 this is not a path pattern | it starts with /, * stays within a segment, ** is a whole segment",
    ],
    [
      `${v}network: [{ id: a, allow: x.example, method: [GET] }]`,
      "2:38 unknown key method in network[0] | did you mean methods?",
    ],
    [`${v}network: [{ id: a, allow: x.example, mode: observe }]`, "2:44 an allow has nothing to observe | remove mode"],
    [
      `${v}network: [{ id: a, deny: x.example, reason: "a\\nb" }]`,
      "2:45 network[0].reason is not what it should be | it wants one line of plain text, at most 200 characters",
    ],
    [
      `${v}network: [{ id: a, allow: x.example, budget: { tokens: lots } }]`,
      "2:56 network[0].budget.tokens is not what it should be | it wants an amount such as 500/hour or 2M/day",
    ],
    [
      `${v}packages: { rules: [{ id: a, deny: left-pad }] }`,
      "2:36 deny does not name a package | it wants a purl such as pkg:npm/left-pad or pkg:npm/@acme/*",
    ],
    [
      `${v}packages: { rules: [{ id: a, deny: pkg:npm/x, versions: latest- }] }`,
      "2:57 versions is not a version range | the syntax is semver's, such as >=2.1.0 <3",
    ],
    [
      `${v}packages: { rules: [{ id: a, deny: pkg:pypi/x, versions: ^1 }] }`,
      "2:58 versions is not a version range | the syntax is PEP 440, such as >=2.1,<3",
    ],
    [
      `${v}packages: { rules: [{ id: a, deny: "pkg:npm/x@1", versions: "1" }] }`,
      "2:61 a version is there twice | name it in the purl or under versions",
    ],
    [
      `${v}packages: { registries: [{ scope: acme, upstream: "https://registry.example" }] }`,
      '2:35 scope is not a scope | it wants "@acme/*" or a purl such as pkg:pypi/acme-*',
    ],
    [
      `${v}packages: { exceptions: [{ allow: pkg:npm/x, of: malware.known, owner: a, reason: b, expires: 2027-01-01 }] }`,
      "2:50 packages.exceptions[0].of is not what it should be | it wants one of source.unverified, name.unknown, name.lookalike, package.denied, vulnerability.severity, vulnerability.cvss, provenance.missing, provenance.downgrade, publisher.changed, script.unapproved, integrity.missing, license.denied, ...",
    ],
    [
      `${v}packages: { exceptions: [{ allow: pkg:npm/x, of: license.denied, owner: a, reason: b }] }`,
      "2:26 packages.exceptions[0].expires is missing | it wants text",
    ],
    [
      `${v}packages: { exceptions: [{ allow: pkg:npm/x, of: license.denied, owner: a, reason: b, expires: 2027-02-30 }] }`,
      "2:96 expires is not a day of the calendar",
    ],
    [`${v}mounts: [{ id: a, allow: ~/x }]`, "2:26 a mount rule wants an absolute path | start it with / or with **/"],
    [
      `${v}mcp: [{ id: a, allow: "a/**" }]`,
      "2:23 an MCP rule names a server or server/tool | such as github, github/create_issue, github/* or **",
    ],
    [`${v}mcp: [{ id: a, allow: a/b, arguments: { x: {} } }]`, "2:41 a condition is empty"],
    [`${v}skills: [{ id: a, allow: "a*b" }]`, "2:26 a skill rule names a skill | * may only be its last character"],
  ])("%j", (text, expected) => {
    expect(loadError(text)).toBe(expected)
  })

  test.each([
    [
      "match: [GET https://y.example/]",
      "the rule a does not match its example GET https://y.example/ | host: the rule wants x.example, the example has y.example",
    ],
    [
      "match: [pkg:npm/x@1.0.0]",
      "the rule a does not match its example pkg:npm/x@1.0.0 | the rule is about a network, the example is a package",
    ],
    ["noMatch: [GET https://x.example/]", "the rule a matches GET https://x.example/, which it must not"],
    [
      "match: [get x.example]",
      "the example get x.example is no action | such as pkg:npm/x@1.0.0 or POST https://host/path",
    ],
  ])("examples: %s", (examples, expected) => {
    expect(loadError(`${v}network: [{ id: a, allow: x.example, examples: { ${examples} } }]`)).toContain(expected)
  })
})

describe("hostile text", () => {
  test.each<[string, string, string]>([
    ["an anchor", `${v}default: &a allow`, "anchors are not allowed in a policy"],
    ["an alias bomb", `a: &a [x, x]\nb: &b [*a, *a]\nc: [*b, *b]`, "anchors are not allowed in a policy"],
    ["a merge key", `${v}packages:\n  <<: { deny: { malware: true } }`, "a key must be plain text"],
    ["a tag", `${v}default: !!js/function allow`, "not valid YAML: Unresolved tag"],
    ["a duplicate key", `${v}mode: enforce\nmode: observe`, "the key mode is there twice"],
    ["a duplicate key in other quotes", `${v}mode: enforce\n"mode": observe`, "the key mode is there twice"],
    ["__proto__", `${v}__proto__: { mode: observe }`, "the key __proto__ is not allowed"],
    ["__proto__ among names", `${v}approvers: { __proto__: { people: [a] } }`, "the key __proto__ is not allowed"],
    [
      "constructor among names",
      `${v}approvers: { constructor: { people: [a] } }`,
      "the key constructor is not allowed",
    ],
    ["a second document", `${v}---\nversion: 1\n`, "not valid YAML"],
    ["a key that is a list", `${v}? [a, b]\n: 1`, "a key must be plain text"],
    ["a control character", `${v}mode: "enf\u0000orce"`, "a control or direction character is not allowed here"],
    ["a bidi override", `${v}# \u202e edom`, "a control or direction character is not allowed here"],
    [
      "an escape sequence in a reason",
      `${v}network: [{ id: a, deny: x.example, reason: "\\e[31mred" }]`,
      "network[0].reason is not what it should be",
    ],
    ["infinity", `${v}packages: { deny: { score: .inf } }`, "a number out of range"],
    ["a huge number", `${v}packages: { deny: { score: ${"9".repeat(400)} } }`, "a number out of range"],
    ["deep brackets", `${v}packages: ${"[".repeat(100_000)}`, "nested too deeply"],
    ["deep braces", `${v}packages: ${"{a: ".repeat(100_000)}`, "nested too deeply"],
    ["deep dashes", `${v}network:\n  ${"- ".repeat(100_000)}`, "nested too deeply"],
    [
      "deep indentation",
      Array.from({ length: 1300 }, (_, depth) => `${" ".repeat(depth)}a:`).join("\n"),
      "nested too deeply",
    ],
    ["more than a megabyte", `${v}#${"x".repeat(1_000_000)}`, "the file is larger than 1 MB"],
    [
      "twenty thousand keys",
      `${v}approvers:\n${Array.from({ length: 20_000 }, (_, index) => `  a${index}: 1`).join("\n")}`,
      "approvers.a0 is not what it should be",
    ],
    ["a megabyte of quotes", `${v}"${"\\x41".repeat(200_000)}": 1`, "not valid YAML"],
    ["a great many unclosed quotes", `${v}${'"'.repeat(200_000)}`, "not valid YAML"],
    ["a great many comments", `${v}${"#\n".repeat(100_000)}x: 1`, "unknown key x"],
    ["a great many colons", `${v}${": ".repeat(100_000)}`, "not valid YAML"],
    ["a megabyte of spaces", `${v}${" ".repeat(900_000)}x`, "version is not what it should be"],
    ["a megabyte of one scalar", `${v}mode: >\n${" x\n".repeat(300_000)}`, "mode is not what it should be"],
  ])("%s", (_, text, expected) => {
    expect(loadError(text)).toContain(expected)
  })

  it("names no more than a little of what it refuses", () => {
    expect(loadError(`${v}${"k".repeat(5000)}: 1`).length).toBeLessThan(400)
    expect(loadError(`${v}packages: { deny: { licenses: ["${"a".repeat(100)}\\u202e"] } }`)).toMatch(/^[\x20-\x7e]*$/)
  })

  const loads = (text: string) => {
    try {
      loadPolicy(text, "nanoguard.yaml")
    } catch (error) {
      if (!(error instanceof NanoguardError)) throw error
      expect(error.where?.line).toBeGreaterThan(0)
      expect(error.message).toMatch(/^[\x20-\x7e]*$/)
    }
  }
  it("never ends in anything but an error with a place, on any text", () => {
    fc.assert(fc.property(fc.string({ unit: "binary", maxLength: 200 }), loads), { numRuns: 500 })
    const token = fc.constantFrom(
      "version: 1\n",
      "packages:",
      " ",
      "\n",
      "  ",
      "- ",
      "{",
      "}",
      "[",
      "]",
      ": ",
      "deny",
      "allow: ",
      "id: a",
      ",",
      '"',
      "'",
      "|",
      ">",
      "&a ",
      "*a",
      "!!str ",
      "? ",
      "#",
      "%",
      "network:\n",
      "\t",
      "pkg:npm/x",
      "0",
      "null",
      "~",
      "---",
      "\r\n",
      "\ufeff",
    )
    fc.assert(
      fc.property(
        fc.array(token, { maxLength: 40 }).map((parts) => parts.join("")),
        loads,
      ),
      { numRuns: 500 },
    )
  })

  it("never ends in anything but an error with a place, on any bytes", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => loads(new TextDecoder("latin1").decode(bytes))),
      { numRuns: 500 },
    )
  })
})

describe("what loads", () => {
  it("has one hash, whatever its layout, comments and order of rules", () => {
    const a = loadPolicy(
      `${v}network: [{ id: a, allow: x.example }, { id: b, deny: y.example, methods: [GET] }]`,
      "a.yaml",
    )
    const b = loadPolicy(
      `# why\nnetwork:\n  - methods: [GET]\n    deny: y.example\n    id: b\n  - { allow: x.example, id: a }\nversion: 1\n`,
      "b.yaml",
    )
    const c = loadPolicy(
      `${v}network: [{ id: a, allow: x.example }, { id: b, deny: y.example, methods: [PUT] }]`,
      "a.yaml",
    )
    expect(a.hash).toBe(b.hash)
    expect(a.hash).not.toBe(c.hash)
  })
  it("takes a byte order mark and Windows line ends", () => {
    expect(loadPolicy("\ufeffversion: 1\r\nmode: observe\r\n", "nanoguard.yaml").mode).toBe("observe")
  })
})
