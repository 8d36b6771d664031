// `nanoguard policy` as a person and as CI run it.
import { writeFileSync } from "node:fs"
import { join } from "node:path"
import { describe, expect, it } from "vitest"
import { temporaryDirectory } from "../context.ts"
import { startRegistry } from "../registry.ts"
import { npmLock } from "../trees.ts"
import { nanoguard } from "./nanoguard.ts"

const POLICY = `version: 1
packages:
  deny: { deprecated: true }
  ask: { install-scripts: true }
network:
  - { id: read, allow: api.example.com, methods: [GET] }
`
const both = { "1.0.0": { deprecated: "x", scripts: { install: "x" } } }

describe("policy explain", () => {
  it("says the same as vet, and its change makes vet pass", async () => {
    const registry = await startRegistry()
    registry.npm("a", both)
    const cwd = temporaryDirectory({
      "nanoguard.yaml": POLICY,
      "package-lock.json": npmLock({ a: "1.0.0" }, registry.base),
    })
    const explained = await nanoguard(cwd, ["policy", "explain", "pkg:npm/a@1.0.0", "--format", "json"], registry.env)
    const vetted = await nanoguard(cwd, ["vet", "--format", "json"], registry.env)
    const report = JSON.parse(explained.out)
    const row = JSON.parse(vetted.out).rows[0]
    expect(explained.exit).toBe(0)
    expect(vetted.exit).toBe(1)
    const { effect, code, rule, reason, also } = row.verdict
    expect(report.verdict).toMatchObject({ effect, code, rule, reason, also })

    const lines = POLICY.split("\n")
    lines.splice(report.change.line - 1, report.change.removed.length, ...report.change.added)
    writeFileSync(join(cwd, "nanoguard.yaml"), lines.join("\n"))
    expect((await nanoguard(cwd, ["policy", "check"])).exit).toBe(0)
    expect((await nanoguard(cwd, ["vet"], registry.env)).exit).toBe(0)
  })

  it("says one thing once, however many exceptions it takes", async () => {
    const registry = await startRegistry()
    registry.npm("a", both)
    const cwd = temporaryDirectory({ "nanoguard.yaml": POLICY })
    const { out } = await nanoguard(cwd, ["policy", "explain", "pkg:npm/a@1.0.0"], registry.env)
    // Prose is wrapped; the place in the policy, indented, ends it.
    const change = out.slice(out.indexOf("To turn")).split("\n  ")[0]!.replaceAll("\n", " ")
    const sentences = change.replace(/^[^:]*: /, "").split(/(?<=\.) /)
    expect(sentences.length).toBeGreaterThan(1)
    expect(new Set(sentences).size).toBe(sentences.length)
    expect(out.match(/^ {2}\+ .*allow:/gm)).toHaveLength(2)
  })

  it.each([
    ["GET https://api.example.com/v1/x", "ALLOW"],
    ["POST https://api.example.com/v1/x", "DENY network.host-denied"],
    ["GET https://other.example.com/", "DENY network.host-denied"],
  ])("%s: %s, without asking anybody", async (subject, answer) => {
    const { exit, out, err } = await nanoguard(temporaryDirectory({ "nanoguard.yaml": POLICY }), [
      "policy",
      "explain",
      subject,
    ])
    expect({ exit, err }).toEqual({ exit: 0, err: "" })
    expect(out).toContain(`: ${answer}`)
  })

  it("an action from a file; what is neither is an error that says what would be", async () => {
    const cwd = temporaryDirectory({
      "nanoguard.yaml": POLICY,
      "action.json": '{"action":"pkg:npm/a@1.0.0","facts":{"deprecated":true}}',
    })
    expect((await nanoguard(cwd, ["policy", "explain", "action.json"])).out).toContain("DENY release.deprecated")
    const wrong = await nanoguard(cwd, ["policy", "explain", "what?"])
    expect(wrong).toMatchObject({ exit: 2, out: "" })
    expect(wrong.err).toContain("hint: give a purl such as pkg:npm/left-pad@1.3.0")
  })
})

describe("policy check", () => {
  it("reads the policy of the directory above, with the organisation's on top", async () => {
    const cwd = temporaryDirectory({
      "nanoguard.yaml": POLICY,
      "org.yaml": "version: 1\npackages: { deny: { severity: high } }\n",
      "a/x.txt": "",
    })
    const env = { NANOGUARD_ORG_POLICY: "../org.yaml" }
    const { exit, out } = await nanoguard(join(cwd, "a"), ["policy", "check"], env)
    expect(exit).toBe(0)
    expect(out).toMatch(
      /^org:nanoguard\.yaml \+ nanoguard\.yaml: 4 rules, 0 exceptions, mode enforce: nothing to object to$/m,
    )
  })

  it("names what cannot be meant, with its place", async () => {
    const text =
      "version: 1\npackages:\n  exceptions:\n    - { allow: pkg:npm/a, of: release.deprecated, owner: a@acme.example, reason: old, expires: 2020-01-01 }\n"
    const { out } = await nanoguard(temporaryDirectory({ "nanoguard.yaml": text }), ["policy", "check"])
    expect(out).toMatch(/^nanoguard\.yaml:4:\d+: (error|warning): /m)
  })

  it("without a policy says how to get one", async () => {
    const { exit, err } = await nanoguard(temporaryDirectory({ "x.txt": "" }), ["policy", "check"])
    expect(exit).toBe(4)
    expect(err).toContain("hint: write one with `nanoguard init`")
  })
})
