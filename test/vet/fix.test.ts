// `vet --fix` with the npm of this machine and a registry on loopback.
import { createHash } from "node:crypto"
import { chmodSync, existsSync, readFileSync, realpathSync, rmSync, symlinkSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { describe, expect, it } from "vitest"
import { vetCommand } from "../../src/commands/vet.ts"
import { fixState, fixTree } from "../../src/vet/fix.ts"
import { runVet } from "../../src/vet/run.ts"
import { temporaryDirectory, writeFiles } from "../context.ts"
import { createProject, fixProject, type NpmProject } from "./fixSupport.ts"
import { ONLINE } from "./support.ts"

/** `direct` 1.0.0 is refused, 1.2.0 is not. */
const DIRECT: NpmProject = {
  deny: ['deny: pkg:npm/direct, versions: "<1.2"'],
  manifest: '{\n  "name": "app",\n  "version": "1.0.0",\n  "dependencies": { "direct": "^1.0.0" }\n}\n',
  locked: { direct: "1.0.0" },
  registry: { direct: { "1.0.0": {}, "1.1.0": {}, "1.2.0": {}, "1.3.0": {} } },
}

const lockedIn = (text: string) =>
  Object.fromEntries(
    Object.entries(JSON.parse(text).packages as Record<string, { version: string }>)
      .filter(([path]) => path !== "")
      .map(([path, { version }]) => [path.replace("node_modules/", ""), version]),
  )

describe("every way out, in one project", () => {
  const project: NpmProject = {
    deny: [
      'deny: pkg:npm/direct, versions: "<1.2"',
      'deny: pkg:npm/leaf-in-range, versions: "<1.1"',
      'deny: pkg:npm/leaf-of-parent, versions: "<2"',
      'deny: pkg:npm/leaf-to-force, versions: "<1.1"',
      "deny: pkg:npm/never",
    ],
    manifest: `{
    "name": "app",
    "version": "1.0.0",
    "dependencies": {
        "direct": "~1.0.0",
        "never": "^1.0.0",
        "top-of-range": "^1.0.0",
        "top-to-upgrade": "1.0.0"
    },
    "devDependencies": { "top-to-keep": "^1.0.0" }
}
`,
    locked: {
      direct: "1.0.0",
      "leaf-in-range": "1.0.0",
      "leaf-of-parent": "1.0.0",
      "leaf-to-force": "1.0.0",
      never: "1.0.0",
      "top-of-range": "1.0.0",
      "top-to-keep": "1.0.0",
      "top-to-upgrade": "1.0.0",
    },
    registry: {
      direct: { "1.0.0": {}, "1.2.0": {}, "1.3.0": {} },
      never: { "1.0.0": {}, "1.1.0": {} },
      "top-of-range": { "1.0.0": { dependencies: { "leaf-in-range": "^1.0.0" } } },
      "leaf-in-range": { "1.0.0": {}, "1.1.0": {}, "1.2.0": {}, "2.0.0": {} },
      "top-to-upgrade": {
        "1.0.0": { dependencies: { "leaf-of-parent": "1.0.0" } },
        "1.5.0": { dependencies: { "leaf-of-parent": "1.0.0" } },
        "2.0.0": { dependencies: { "leaf-of-parent": "2.0.0" } },
      },
      "leaf-of-parent": { "1.0.0": {}, "2.0.0": {} },
      "top-to-keep": { "1.0.0": { dependencies: { "leaf-to-force": "1.0.0" } } },
      "leaf-to-force": { "1.0.0": {}, "1.1.0": {} },
    },
  }

  it("changes manifest and lockfile to what the policy allows, and nothing else", async () => {
    const created = await createProject(project)
    const { report, after } = await fixProject(created)
    expect(report.steps.map(({ purl, action, target, outcome }) => [purl, action, target, outcome])).toEqual([
      ["pkg:npm/direct@1.0.0", "upgrade", "pkg:npm/direct@1.2.0", "fixed"],
      ["pkg:npm/leaf-in-range@1.0.0", "upgrade", "pkg:npm/leaf-in-range@1.2.0", "fixed"],
      ["pkg:npm/leaf-of-parent@1.0.0", "upgrade", "pkg:npm/top-to-upgrade@2.0.0", "fixed"],
      ["pkg:npm/leaf-to-force@1.0.0", "override", "pkg:npm/leaf-to-force@1.1.0", "fixed"],
      ["pkg:npm/never@1.0.0", "remove", undefined, "fixed"],
    ])
    expect(created.read("package.json")).toBe(`{
    "name": "app",
    "version": "1.0.0",
    "dependencies": {
        "direct": "~1.2.0",
        "top-of-range": "^1.0.0",
        "top-to-upgrade": "2.0.0"
    },
    "devDependencies": { "top-to-keep": "^1.0.0" },
    "overrides": {
        "leaf-to-force": "1.1.0"
    }
}
`)
    expect(lockedIn(created.read("package-lock.json"))).toEqual({
      direct: "1.2.0",
      "leaf-in-range": "1.2.0",
      "leaf-of-parent": "2.0.0",
      "leaf-to-force": "1.1.0",
      "top-of-range": "1.0.0",
      "top-to-keep": "1.0.0",
      "top-to-upgrade": "2.0.0",
    })
    expect(report.before).toMatchObject({ packages: 8, deny: 5 })
    expect(report.after).toMatchObject({ packages: 7, deny: 0, allow: 7 })
    expect(after.counts).toEqual(report.after)
    expect((await runVet(created.ctx, ONLINE)).report.counts).toEqual(report.after)
    expect(Object.keys(created.listing()).sort()).toEqual(["nanoguard.yaml", "package-lock.json", "package.json"])
    expect(report.install).toEqual(["npm ci"])
  })
})

describe("the command", () => {
  it("shows the diff, writes, and ends like the vet afterwards", async () => {
    const created = await createProject(DIRECT)
    expect(await vetCommand(created.ctx, [], { fix: true })).toBe(0)
    expect(created.ctx.out()).toContain(`
package.json
  @@ -2,4 +2,4 @@
     "name": "app",
     "version": "1.0.0",
  -  "dependencies": { "direct": "^1.0.0" }
  +  "dependencies": { "direct": "^1.2.0" }
   }

fixed      pkg:npm/direct@1.0.0  package.denied  package-lock.json
           upgrade to pkg:npm/direct@1.2.0

1 finding fixed: wrote 2 files.
Denied 1 -> 0, to approve 0 -> 0; these are the verdicts below.
Nothing was installed. To install what is locked now:
  npm ci
`)
    expect(created.ctx.out()).toContain("package-lock.json\n  direct 1.0.0 -> 1.2.0\n")
    expect(created.read("package.json")).toContain('"^1.2.0"')
  })

  it("with --dry-run writes nothing, and --format json is one document", async () => {
    const created = await createProject(DIRECT)
    const before = created.listing()
    expect(await vetCommand(created.ctx, [], { fix: true, dryRun: true, format: "json" })).toBe(0)
    expect(created.listing()).toEqual(before)
    expect(JSON.parse(created.ctx.out())).toMatchObject({
      schema: "nanoguard.fix/1",
      applied: false,
      dryRun: true,
      steps: [{ purl: "pkg:npm/direct@1.0.0", command: "npm install direct@1.2.0", outcome: "fixed" }],
      files: [
        { path: "package-lock.json", kind: "lockfile", diff: "direct 1.0.0 -> 1.2.0" },
        { path: "package.json", kind: "manifest" },
      ],
      before: { deny: 1 },
      after: { deny: 0 },
      vet: { schema: "nanoguard.vet/1", rows: [] },
    })
  })

  it("takes back what a run that was killed left, and a plain vet warns of it", async () => {
    const created = await createProject(DIRECT)
    const before = created.listing()
    const { ctx } = created
    const state = join(fixState(ctx, realpathSync(created.cwd)), "journal")
    const changes = ["package.json", "package-lock.json"].map((path) => ({
      path,
      before: Buffer.from(created.read(path)),
      after: Buffer.from("{}"),
    }))
    // What a kill leaves: the journal is there, and one of two files is new.
    const hash = (bytes: Buffer) => createHash("sha256").update(bytes).digest("hex")
    writeFiles(state, {
      "0.before": changes[0]!.before.toString(),
      "1.before": changes[1]!.before.toString(),
      "journal.json": JSON.stringify({
        version: 1,
        pid: process.pid,
        root: realpathSync(created.cwd),
        files: changes.map(({ path, before, after }) => ({
          path,
          temporary: ".nanoguard-fix-0000000000000000.tmp",
          before: hash(before),
          after: hash(after),
        })),
      }),
    })
    writeFileSync(join(created.cwd, "package.json"), "{}")
    await vetCommand(ctx, [], {})
    expect(ctx.err()).toContain("An earlier --fix was cut off here")
    await vetCommand(ctx, [], { fix: true, dryRun: true })
    expect(ctx.err()).toContain("An earlier --fix was cut off; restored: package.json\n")
    expect(created.listing()).toEqual(before)
  })

  it("changes nothing outside the current directory", async () => {
    const created = await createProject(DIRECT)
    const other = temporaryDirectory({ "package-lock.json": created.read("package-lock.json") })
    await expect(vetCommand(created.ctx, [other], { fix: true })).rejects.toMatchObject({ exit: 2 })
  })

  it("ends with exit code 5 where the manager is missing and nothing could be fixed", async () => {
    const lock = `lockfileVersion: '9.0'
importers:
  .:
    dependencies:
      direct: { specifier: ^1.0.0, version: 1.0.0 }
packages:
  direct@1.0.0: { resolution: { integrity: sha512-${Buffer.alloc(64).toString("base64")} } }
snapshots:
  direct@1.0.0: {}
`
    const created = await createProject({ ...DIRECT, files: { "pnpm-lock.yaml": lock }, env: { PATH: "" } })
    const paths = ["pnpm-lock.yaml"]
    await expect(vetCommand(created.ctx, paths, { fix: true })).rejects.toMatchObject({
      exit: 5,
      message: "nothing could be fixed: pnpm is not on the PATH: install it",
    })
  })
})

describe("a step that makes nothing better is taken back", () => {
  it("where it would bring in what the policy refuses", async () => {
    const created = await createProject({
      ...DIRECT,
      deny: [...DIRECT.deny, "deny: pkg:npm/worse"],
      registry: {
        direct: {
          "1.0.0": {},
          "1.2.0": { dependencies: { between: "1.0.0" } },
        },
        between: { "1.0.0": { dependencies: { worse: "1.0.0" } } },
        worse: { "1.0.0": {} },
      },
    })
    const before = created.listing()
    const { report } = await fixProject(created)
    expect(report.steps).toEqual([
      {
        lockfile: "package-lock.json",
        purl: "pkg:npm/direct@1.0.0",
        code: "package.denied",
        action: "upgrade",
        target: "pkg:npm/direct@1.2.0",
        command: "npm install direct@1.2.0",
        outcome: "not-fixed",
        why: "it would bring in pkg:npm/worse@1.0.0: package.denied",
      },
    ])
    expect(report.applied).toBe(false)
    expect(created.listing()).toEqual(before)
  })

  it("but what it brings in is moved too where that can be", async () => {
    const created = await createProject({
      ...DIRECT,
      deny: [...DIRECT.deny, 'deny: pkg:npm/worse, versions: "<1.0.1 || >1.0.1"'],
      registry: {
        direct: { "1.0.0": {}, "1.2.0": { dependencies: { worse: "^1.0.0" } } },
        worse: { "1.0.0": {}, "1.0.1": {}, "1.0.2": {} },
      },
    })
    const { report } = await fixProject(created)
    expect(report.after).toMatchObject({ packages: 2, deny: 0 })
    expect(Object.values(lockedIn(created.read("package-lock.json")))).toEqual(["1.2.0", "1.0.1"])
  })

  it("where the registry does not have what was promised", async () => {
    const created = await createProject(DIRECT)
    const run = await runVet(created.ctx, ONLINE)
    const ctx = { ...created.ctx, env: { ...created.ctx.env, npm_config_registry: "http://127.0.0.1:9" } }
    const exec: typeof ctx.exec = async () => ({
      exitCode: 1,
      stdout: "",
      stderr: "npm error code ECONNREFUSED\nevil text",
    })
    const { report } = await fixTree({ ...ctx, exec }, { ...ONLINE, dryRun: false }, run)
    expect(report.steps[0]).toMatchObject({
      outcome: "not-fixed",
      why: "npm install ended with exit code 1 (ECONNREFUSED)",
    })
  })
})

describe("a hostile project", () => {
  const MARK = "node -e \"require('fs').writeFileSync(process.env.HOME + '/MARK', '')\""

  it("runs no program of its own choosing", async () => {
    const bin = temporaryDirectory()
    const created = await createProject({
      ...DIRECT,
      manifest: JSON.stringify({
        ...JSON.parse(DIRECT.manifest),
        scripts: Object.fromEntries(
          ["preinstall", "install", "postinstall", "prepare", "preprepare"].map((s) => [s, MARK]),
        ),
      }),
      files: {
        ".npmrc": `ignore-scripts=false\nscript-shell=./evil\ngit=./evil\nnode-options=--require ./evil.js\nfoo=bar\n`,
        "node_modules/.bin/npm": `#!/bin/sh\ntouch "$HOME/MARK"\n`,
        evil: `#!/bin/sh\ntouch "$HOME/MARK"\n`,
      },
    })
    const path = `${join(created.cwd, "node_modules/.bin")}:.:${created.ctx.env["PATH"]}:${bin}`
    chmodSync(join(created.cwd, "node_modules/.bin/npm"), 0o755)
    created.ctx.env["PATH"] = path
    const { report } = await fixProject(created)
    expect(report.steps.map(({ outcome }) => outcome)).toEqual(["fixed"])
    expect(existsSync(join(created.ctx.env["HOME"]!, "MARK"))).toBe(false)
    expect(created.read(".npmrc")).toContain("ignore-scripts=false")
  })

  it("leads nothing out of its root by links", async () => {
    const created = await createProject(DIRECT)
    const outside = temporaryDirectory({ "package.json": created.read("package.json"), secret: "x" })
    rmSync(join(created.cwd, "package.json"))
    symlinkSync(join(outside, "package.json"), join(created.cwd, "package.json"))
    symlinkSync(outside, join(created.cwd, "linked"))
    const before = created.listing()
    const { report } = await fixProject(created)
    expect(report.steps[0]).toMatchObject({ outcome: "not-fixed", why: "no package.json of the project names direct" })
    expect(created.listing()).toEqual(before)
    expect(JSON.parse(readFileSync(join(outside, "package.json"), "utf8"))).toEqual(JSON.parse(DIRECT.manifest))
  })

  it("with names that are not names gets no command and no change", async () => {
    const name = "x;touch MARK"
    const manifest = JSON.stringify({ name: "app", version: "1.0.0", dependencies: { [name]: "^1.0.0" } })
    const created = await createProject({ ...DIRECT, manifest, locked: { [name]: "1.0.0" }, registry: {} })
    writeFileSync(
      join(created.cwd, "nanoguard.yaml"),
      "version: 1\npackages:\n  deny: { sources: [other-registry] }\n  unknown: allow\n",
    )
    created.ctx.env["npm_config_registry"] = "http://127.0.0.1:9"
    const { report } = await fixProject(created)
    expect(report.steps.map(({ outcome, command }) => [outcome, command])).toEqual([["not-fixed", undefined]])
    expect(report.files).toEqual([])
  })
})
