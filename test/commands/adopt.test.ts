// `nanoguard policy adopt` and `policy adopted`.
import { mkdirSync, realpathSync, symlinkSync } from "node:fs"
import { join } from "node:path"
import { describe, expect, test } from "vitest"
import { adoptedPolicy } from "../../src/approvals/adopted.ts"
import { diffPolicies } from "../../src/approvals/policy-diff.ts"
import { EXIT } from "../../src/errors.ts"
import { loadPolicy } from "../../src/policy/load.ts"
import { newDesk } from "./approvals.ts"

const FIRST = "version: 1\npackages:\n  deny: { severity: high }\n"
const SECOND = `version: 1
packages:
  deny: { severity: critical, malware: true }
  exceptions:
    - { allow: pkg:npm/esbuild, of: script.unapproved, owner: ana, reason: known, expires: 2027-01-31 }
network:
  - { id: model, allow: api.example.com }
`
const SIGNED = ["--passphrase-file", "pass.txt"]

async function newProject(text = FIRST) {
  const desk = newDesk({ "nanoguard.yaml": text })
  return { ...desk, ana: await desk.enrol("ana") }
}

describe("policy adopt", () => {
  test("shows what changes, and brings it into force by a signature", async () => {
    const { run, cwd, open, write } = await newProject()
    const planned = await run(["policy", "adopt", "--dry-run"])
    const hash = loadPolicy(FIRST, "nanoguard.yaml").hash
    const project = realpathSync(cwd)
    expect(planned.out).toBe(
      `policy ${hash.slice(0, 23)} for ${project} (nothing is in force yet)\n  + nanoguard.yaml: version 1\n  + nanoguard.yaml: packages.deny.severity "high"\n2 differences\n`,
    )
    expect(await run(["policy", "adopted"])).toMatchObject({
      exit: EXIT.configuration,
      err: expect.stringContaining("nanoguard policy adopt"),
    })
    const adopted = await run(["policy", "adopt", "--yes", ...SIGNED])
    expect([adopted.exit, adopted.out.split("\n").at(-2)]).toEqual([
      EXIT.ok,
      `policy ${hash.slice(0, 23)} is in force for ${project}. Signed by ana, record 2.`,
    ])
    const store = await open()
    expect(await adoptedPolicy(store.db, project)).toMatchObject({ hash, by: "ana" })
    // Comments and layout are no change; nobody is asked.
    write("nanoguard.yaml", `# a comment\n${FIRST}`)
    expect(await run(["policy", "adopt", "--dry-run"])).toMatchObject({
      exit: EXIT.ok,
      out: expect.stringContaining("in force"),
    })
    write("nanoguard.yaml", SECOND)
    expect((await run(["policy", "adopted"])).out).toContain("the files here say something else")
    const changes = await run(["policy", "adopt", "--dry-run", "--format", "json"])
    expect(changes.json()).toMatchObject({
      ...{ state: "planned", before: hash },
      differences: [
        { path: "packages.deny.severity", change: "changed", before: '"high"', after: '"critical"' },
        { path: "packages.deny.malware", change: "added" },
        { path: "packages.exceptions[pkg:npm/esbuild of script.unapproved]", change: "added" },
        { path: "network[model]", change: "added" },
      ],
    })
    await run(["policy", "adopt", "--yes", ...SIGNED])
    const now = await run(["policy", "adopted", "--format", "json"])
    expect(now.json()).toMatchObject({ same: true, by: "ana", files: [{ file: "nanoguard.yaml", text: SECOND }] })
  })

  test("asks nobody where there is no terminal, and adopts nothing that does not load", async () => {
    const { run, write } = await newProject()
    expect(await run(["policy", "adopt", ...SIGNED])).toMatchObject({
      exit: EXIT.usage,
      err: expect.stringContaining("--yes"),
    })
    write("nanoguard.yaml", "version: 1\npackagse: {}\n")
    expect(await run(["policy", "adopt", "--yes", ...SIGNED])).toMatchObject({
      exit: EXIT.configuration,
      err: expect.stringContaining("nanoguard.yaml:2:1"),
    })
    expect((await run(["policy", "adopt", "--policy", "none.yaml", "--yes", ...SIGNED])).exit).toBe(EXIT.configuration)
  })

  test("takes no policy of a directory above for one that is not there", async () => {
    const { run } = await newProject()
    expect(await run(["policy", "adopted", "--project", "./nope"])).toMatchObject({ exit: EXIT.usage })
  })

  test("is the same project through whichever link, and another one by another name", async () => {
    const { run, cwd, open } = await newProject()
    mkdirSync(join(cwd, "sub"))
    symlinkSync(cwd, join(cwd, "sub", "link"))
    await run(["policy", "adopt", "--yes", "--policy", "sub/link/nanoguard.yaml", ...SIGNED])
    const store = await open()
    expect(await adoptedPolicy(store.db, realpathSync(cwd))).toMatchObject({ by: "ana" })
    expect(await run(["policy", "adopted", "--project", "acme"])).toMatchObject({ exit: EXIT.configuration })
    await run(["policy", "adopt", "--yes", "--project", "acme", ...SIGNED])
    expect(await run(["policy", "adopted", "--project", "acme"])).toMatchObject({ exit: EXIT.ok })
  })

  test("has the organisation's layer and the local one in it, as vet does", async () => {
    const { run, env, write, cwd } = await newProject()
    write("org.yaml", "version: 1\npackages: { deny: { malware: true } }\n")
    write("nanoguard.local.yaml", "version: 1\npackages: { deny: { score: 40 } }\n")
    Object.assign(env, { NANOGUARD_ORG_POLICY: join(cwd, "org.yaml") })
    const ran = await run(["policy", "adopt", "--yes", "--format", "json", ...SIGNED])
    expect(ran.json()).toMatchObject({
      state: "adopted",
      files: ["org:nanoguard.yaml", "nanoguard.yaml", "nanoguard.local.yaml"],
    })
  })

  test("says who could not decide yet", async () => {
    const { run } = await newProject(`${FIRST}approvers: { ops: { people: [ana, ben] }, sec: { people: [ben, cy] } }\n`)
    expect((await run(["policy", "adopt", "--dry-run"])).out).toContain(
      "  not enrolled yet, so that they cannot decide: ben, cy\n",
    )
  })

  test("may follow one whose approver is gone", async () => {
    const { run, enrol, ana } = await newProject()
    await run(["policy", "adopt", "--yes", ...SIGNED])
    await enrol("ben", ana)
    const ben = ["--as", "ben", ...SIGNED]
    await run(["approver", "remove", "ana", "--yes", ...ben])
    expect(await run(["policy", "adopted"])).toMatchObject({
      exit: EXIT.configuration,
      err: expect.stringContaining("no approver any more"),
    })
    expect((await run(["policy", "adopt", "--dry-run"])).out).toContain("what was in force cannot be compared with")
    expect(await run(["policy", "adopt", "--yes", ...ben])).toMatchObject({ exit: EXIT.ok })
    expect(await run(["policy", "adopted"])).toMatchObject({
      exit: EXIT.ok,
      out: expect.stringContaining("adopted by ben"),
    })
  })
})

describe("the differences of policies", () => {
  const one = (text: string) => [{ file: "nanoguard.yaml", text: `version: 1\n${text}` }]

  test("follow names, not places", () => {
    const before = one("network:\n  - { id: a, allow: a.example }\n  - { id: b, deny: b.example }\n")
    const after = one("network:\n  - { id: b, allow: b.example }\n  - { id: a, allow: a.example }\n")
    expect(diffPolicies(before, after)).toEqual([
      expect.objectContaining({ path: "network[b]", change: "changed", after: '{"id":"b","allow":"b.example"}' }),
    ])
    expect(diffPolicies(after, one("")).map(({ path, change }) => `${change} ${path}`)).toEqual([
      "removed network[b]",
      "removed network[a]",
    ])
  })

  test("tell two exceptions of one package apart, and layers", () => {
    const exception = "{ allow: pkg:npm/a, of: trust.score, owner: ana, reason: x, expires: 2027-01-31 }"
    const text = `packages: { exceptions: [${exception}, ${exception}] }`
    const twice = diffPolicies(one(""), one(text))
    expect(twice.map(({ path }) => path)).toEqual([
      ...["packages.exceptions[pkg:npm/a of trust.score]", "packages.exceptions[pkg:npm/a of trust.score #2]"],
    ])
    const org = { file: "org:nanoguard.yaml", text: "version: 1\npackages: { deny: { malware: true } }" }
    expect(diffPolicies(one(""), [org, ...one("")]).map(({ file }) => file)).toEqual([
      "org:nanoguard.yaml",
      "org:nanoguard.yaml",
    ])
  })

  test("miss nothing that is called like another one, or holds nothing", () => {
    const mounts = (first: string) =>
      one(`sandbox: { mounts: [${first}{ path: ./data }, { path: ./data, target: /data }] }`)
    // Called as the second of the two before it would be.
    const secret = diffPolicies(mounts(""), mounts('{ path: "./data #2", target: /root, write: true }, '))
    expect(secret.map(({ change, after }) => [change, after])).toEqual(
      expect.arrayContaining([["changed", '{"path":"./data #2","target":"/root","write":true}']]),
    )
    expect(diffPolicies(one(""), one("sandbox: {}")).map(({ path }) => path)).toEqual(["sandbox"])
  })
})

test("a change far behind in a rule is shown like any other, and what goes on in another line stands behind a bar", async () => {
  const rule = (methods: string) =>
    `version: 1\nnetwork:\n  - { id: a, reason: ${"r".repeat(200)}, instead: ${"i".repeat(200)}, allow: a.example, methods: [${methods}] }\n`
  const { run, write } = await newProject(rule("GET"))
  expect((await run(["policy", "adopt", "--yes", ...SIGNED])).exit).toBe(EXIT.ok)
  write("nanoguard.yaml", rule("GET, DELETE"))
  const { out } = await run(["policy", "adopt", "--dry-run"])
  expect(out).toContain('"methods":["GET","DELETE"]')
  expect(out).not.toContain("characters]")
  const [head, ...lines] = out.trimEnd().split("\n").slice(1, -1)
  expect(head).toBe("  ~ nanoguard.yaml: network[a]")
  expect(lines.filter((line) => !/^ {6}(was |is {2}|\| )/.test(line))).toEqual([])
})
