// The built program as a process: exit codes, one document on stdout, colours, closed pipes and interrupts.
import { execFileSync, spawn } from "node:child_process"
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { describe, expect, it } from "vitest"
import manifest from "../../package.json" with { type: "json" }
import { emptyHome, temporaryDirectory } from "../context.ts"
import { startRegistry } from "../registry.ts"
import { npmLock } from "../trees.ts"
import { BIN, nanoguard, start } from "./nanoguard.ts"

const FINE = { "nanoguard.yaml": "version: 1\n", "package-lock.json": npmLock({ a: "1.0.0" }) }
const REFUSED = { ...FINE, "nanoguard.yaml": "version: 1\ndefault: deny\n" }
const ASKED = { ...FINE, "nanoguard.yaml": "version: 1\ndefault: ask\n" }

describe("exit codes, as docs/exit-codes.md has them", () => {
  const cases: [number, string, Record<string, string>, string, string][] = [
    [0, "every package passed", FINE, "vet --offline", ""],
    [1, "a package is denied", REFUSED, "vet --offline", ""],
    [1, "a package needs an approval", ASKED, "vet --offline", ""],
    [0, "an approval is enough with --fail-on deny", ASKED, "vet --offline --fail-on deny", ""],
    [1, "a denied one is not", REFUSED, "vet --offline --fail-on deny", ""],
    [2, "unknown option", FINE, "vet --nope", "error: unknown option '--nope'"],
    [2, "a path that is not there", FINE, "vet nowhere", "error: nowhere: there is no such file or directory"],
    [2, "no terminal and no --yes", FINE, "init", "error: init has questions, and this is no terminal: add --yes"],
    [2, "--policy-from base without a base", FINE, "vet --policy-from base", "needs to know the base"],
    [3, "no lockfile", { "nanoguard.yaml": "version: 1\n" }, "vet", "error: no lockfile found in this directory"],
    [
      3,
      "a broken lockfile",
      { "package-lock.json": '{\n"lockfileVersion": 3,\n' },
      "vet",
      "error: package-lock.json:2:22: ",
    ],
    [
      3,
      "a lockfile without packages",
      { "package-lock.json": npmLock({}) },
      "vet",
      "error: package-lock.json: the lockfiles",
    ],
    [3, "no policy tests", FINE, "policy test", ""],
    [
      4,
      "an unknown key",
      { ...FINE, "nanoguard.yaml": "version: 1\npackages:\n  deny:\n    licences: [MIT]\n" },
      "vet",
      "error: nanoguard.yaml:4:5: ",
    ],
    [
      4,
      "the same for policy check",
      { "nanoguard.yaml": "version: 1\nmodes: x\n" },
      "policy check",
      "error: nanoguard.yaml:2:1: ",
    ],
    [
      4,
      "a named policy that is not there",
      FINE,
      "vet --policy gone.yaml",
      "error: gone.yaml: the policy is not there",
    ],
    [5, "no repository for --changed", FINE, "vet --changed main", "there is no git repository here"],
  ]

  it.each(cases)("%i: %s", async (exit, _, files, line, message) => {
    const result = await nanoguard(temporaryDirectory(files), line.split(" "))
    expect(result).toMatchObject({ exit })
    if (message === "") expect(result.err).toBe("")
    else {
      expect(result.out).toBe("")
      expect(result.err).toContain(message)
      expect(result.err).toContain("\nhint: ")
      expect(result.err).not.toContain("    at ")
    }
  })

  it("1: a policy test that fails, and a policy that cannot be meant", async () => {
    const test =
      "cases:\n  - { name: a is refused, action: pkg:npm/a@1.0.0, facts: { absent: offline }, expect: deny }\n"
    const cwd = temporaryDirectory({ ...FINE, "nanoguard.test.yaml": test })
    const result = await nanoguard(cwd, ["policy", "test"])
    expect(result).toMatchObject({ exit: 1, err: "" })
    expect(result.out).toContain("nanoguard.test.yaml:2: FAILED a is refused\n  - effect: deny\n  + effect: allow\n")
    writeFileSync(join(cwd, "nanoguard.yaml"), "version: 1\ndefault: deny\n")
    expect(await nanoguard(cwd, ["policy", "test"])).toMatchObject({ exit: 0, out: "1 passed, 0 failed\n" })
  })

  it("5: advisories that are damaged are never an empty list", async () => {
    const home = temporaryDirectory({ "advisories.idx": "not an index" })
    const result = await nanoguard(temporaryDirectory(FINE), ["vet", "--offline"], { NANOGUARD_HOME: home })
    expect(result).toMatchObject({ exit: 5, out: "" })
    expect(result.err).toMatch(/^error: .*\nhint: .*nanoguard advisories update/)
  })

  it("5: an old Node gets a sentence", async (ctx) => {
    const old = ["/usr/bin/node", "/usr/local/bin/node"].find((path) => {
      if (!existsSync(path)) return false
      const [major] = execFileSync(path, ["-p", "process.versions.node"], { encoding: "utf8" }).split(".")
      return Number(major) < 22
    })
    if (old === undefined) return ctx.skip("a Node older than 22 is missing: install one as /usr/local/bin/node")
    const { exit, out, err } = await nanoguard(temporaryDirectory(FINE), ["vet"], {}, old)
    expect({ exit, out }).toEqual({ exit: 5, out: "" })
    expect(err).toMatch(/^nanoguard needs Node 22\.22\+, 24\.15\+ or 26\+, and this is \d+\.\d+\.\d+\. [^\n]*\n$/)
  })
})

describe("--version and --help", () => {
  it("say it on stdout, with exit 0", async () => {
    const cwd = temporaryDirectory()
    expect(await nanoguard(cwd, ["--version"])).toEqual({ exit: 0, out: `${manifest.version}\n`, err: "" })
    const help = await nanoguard(cwd, ["--help"])
    expect(help).toMatchObject({ exit: 0, err: "" })
    for (const command of ["vet", "init", "policy", "advisories"])
      expect(help.out).toMatch(new RegExp(`^  ${command} `, "m"))
  })
})

describe("--format json prints one document and nothing else", () => {
  const osv = {
    id: "GHSA-aaaa-bbbb-cccc",
    modified: "2026-01-01T00:00:00Z",
    affected: [{ package: { ecosystem: "npm", name: "a" }, versions: ["1.0.0"] }],
  }
  it.each([
    ["vet --offline package-lock.json", 0, "schema"],
    ["vet --offline nowhere", 2, "error"],
    ["vet --offline broken", 3, "error"],
    ["vet --offline --policy bad.yaml", 4, "error"],
    ["vet --changed main", 5, "error"],
    ["vet --nope", 2, "error"],
    ["init --yes --dry-run", 0, "schema"],
    ["init", 2, "error"],
    ["policy check", 0, "schema"],
    ["policy check --policy bad.yaml", 4, "error"],
    ["policy test", 3, "schema"],
    ["policy test gone.test.yaml", 2, "error"],
    ["policy explain pkg:npm/a@1.0.0 --offline", 0, "schema"],
    ["policy explain gone.json", 2, "error"],
    ["advisories status", 0, "schema"],
    ["advisories update --from osv", 0, "schema"],
    ["advisories update --from gone", 2, "error"],
  ])("%s", async (line, exit, member) => {
    const cwd = temporaryDirectory({
      ...FINE,
      "broken/package-lock.json": "[]",
      "bad.yaml": "version: 3\n",
      "osv/a.json": JSON.stringify(osv),
    })
    const result = await nanoguard(cwd, [...line.split(" "), "--format", "json"])
    const document = JSON.parse(result.out)
    expect({ exit: result.exit, err: result.err }).toEqual({ exit, err: "" })
    expect(document).toHaveProperty(member)
    if (member === "error") expect(document.error).toMatchObject({ exit, message: expect.any(String) })
    expect(result.out).not.toContain("\u001b")
  })
})

describe("colour", () => {
  it.each<[string[], Record<string, string>, boolean]>([
    [[], {}, false],
    [[], { CI: "true", GITHUB_ACTIONS: "" }, false],
    [[], { FORCE_COLOR: "1" }, true],
    [[], { FORCE_COLOR: "0" }, false],
    [[], { FORCE_COLOR: "1", NO_COLOR: "1" }, false],
    [["--no-color"], { FORCE_COLOR: "1" }, false],
    [["--color"], { NO_COLOR: "1" }, true],
  ])("into a pipe with %j and %j: %s", async (flags, env, expected) => {
    const cwd = temporaryDirectory(REFUSED)
    const good = await nanoguard(cwd, ["vet", "--offline", ...flags], env)
    const bad = await nanoguard(cwd, ["vet", "nowhere", ...flags], env)
    expect([good.out.includes("\u001b"), bad.err.includes("\u001b")]).toEqual([expected, expected])
  })
})

describe("a reader that leaves", () => {
  it("ends it quietly, with the exit code of the vet", async () => {
    const packages = Object.fromEntries(Array.from({ length: 3000 }, (_, i) => [`package-${i}`, "1.0.0"]))
    const cwd = temporaryDirectory({ ...REFUSED, "package-lock.json": npmLock(packages) })
    for (const format of ["text", "json"]) {
      const child = spawn(process.execPath, [BIN, "vet", "--offline", "--verbose", "--format", format], {
        cwd,
        env: emptyHome(),
        stdio: ["ignore", "pipe", "pipe"],
      })
      let err = ""
      child.stderr.on("data", (part) => {
        err += part
      })
      child.stdout.once("data", () => child.stdout.destroy())
      const exit = await new Promise((resolve) => child.on("close", resolve))
      expect({ format, exit, err }).toEqual({ format, exit: 1, err: "" })
    }
  })

  it("a full disk is told", async (ctx) => {
    if (!existsSync("/dev/full")) return ctx.skip("/dev/full is missing: it is Linux's device that is always full")
    const cwd = temporaryDirectory(FINE)
    const script = `"${process.execPath}" "${BIN}" vet --offline > /dev/full`
    const child = spawn("/bin/sh", ["-c", script], { cwd, env: emptyHome(), stdio: ["ignore", "ignore", "pipe"] })
    let err = ""
    child.stderr.on("data", (part) => {
      err += part
    })
    expect(await new Promise((resolve) => child.on("close", resolve))).toBe(5)
    expect(err).toMatch(/^error: the output could not be written \(ENOSPC\)\nhint: /)
  })
})

describe("an interrupt", () => {
  it.each(["SIGINT", "SIGTERM"] as const)(
    "%s ends a vet that waits for a registry, and leaves no temporary file",
    async (signal) => {
      const registry = await startRegistry()
      registry.npm("a", { "1.0.0": {} })
      registry.fail("b", "silent")
      const home = temporaryDirectory()
      const cwd = temporaryDirectory({
        "nanoguard.yaml": "version: 1\npackages: { deny: { deprecated: true } }\n",
        "package-lock.json": npmLock({ a: "1.0.0", b: "1.0.0" }, registry.base),
      })
      const child = start(cwd, ["vet"], { ...registry.env, NANOGUARD_HOME: home, TMPDIR: temporaryDirectory() })
      while (!registry.requests.includes("/b") || !cached(home)) await new Promise((resolve) => setTimeout(resolve, 20))
      child.kill(signal)
      const result = await child
      expect(result.signal ?? result.exitCode).toSatisfy((end) => end === signal || end === 130 || end === 143)
      const left = readdirSync(home, { recursive: true }).map(String)
      expect(left.filter((name) => name.endsWith(".tmp"))).toEqual([])
      expect(readdirSync(cwd).sort()).toEqual(["nanoguard.yaml", "package-lock.json"])
    },
  )
})

/** Whether the answer for the one package is in the cache. */
function cached(home: string): boolean {
  return (
    existsSync(join(home, "cache")) &&
    readdirSync(home, { recursive: true }).some((name) => /[0-9a-f]{64}$/.test(String(name)))
  )
}

describe("--output", () => {
  it.each(["json", "sarif", "junit", "cyclonedx", "github", "text"])(
    "%s goes into the file, text to stdout",
    async (format) => {
      const cwd = temporaryDirectory(REFUSED)
      mkdirSync(join(cwd, "out"))
      const direct = await nanoguard(cwd, ["vet", "--offline", "--format", "text"])
      const { exit, out, err } = await nanoguard(cwd, [
        "vet",
        "--offline",
        "--format",
        format,
        "--output",
        "out/report",
      ])
      expect({ exit, out, err }).toEqual({ exit: 1, out: direct.out, err: "" })
      expect(readdirSync(join(cwd, "out"))).toEqual(["report"])
    },
  )

  it.each(["no/such/folder/x", "."])("%s: a path that cannot be written is an error of usage", async (path) => {
    const cwd = temporaryDirectory(FINE)
    const { exit, out, err } = await nanoguard(cwd, ["vet", "--offline", "--format", "json", "--output", path])
    expect({ exit, out }).toEqual({ exit: 2, out: "" })
    expect(err).toMatch(/^error: .*: the report cannot be written \(E[A-Z]+\)\nhint: /)
  })
})

describe("under GitHub Actions", () => {
  it("prints text and annotations and appends the summary; a summary that cannot be written changes nothing", async () => {
    const cwd = temporaryDirectory(REFUSED)
    const summary = join(temporaryDirectory({ "summary.md": "before\n" }), "summary.md")
    const env = { GITHUB_ACTIONS: "true", GITHUB_STEP_SUMMARY: summary }
    const { exit, out, err } = await nanoguard(cwd, ["vet", "--offline"], env)
    expect({ exit, err }).toEqual({ exit: 1, err: "" })
    expect(out).toContain("deny  pkg:npm/a@1.0.0  policy.default")
    expect(out).toMatch(/^::error file=package-lock\.json,line=\d+/m)
    expect(readFileSync(summary, "utf8")).toMatch(/^before\n## nanoguard vet\n/)
    const unwritable = await nanoguard(cwd, ["vet", "--offline"], { ...env, GITHUB_STEP_SUMMARY: cwd })
    expect(unwritable).toMatchObject({ exit: 1, err: "warning: the step summary could not be written (EISDIR)\n" })
    const json = await nanoguard(cwd, ["vet", "--offline", "--format", "json"], { GITHUB_ACTIONS: "true" })
    expect(JSON.parse(json.out).schema).toBe("nanoguard.vet/1")
  })
})

describe("compiled code kept between runs", () => {
  it.each([{ XDG_CACHE_HOME: "here" }, { HOME: "" }])(
    "is not looked for in the working directory (%j), where it would run as nanoguard",
    async (env) => {
      const cwd = temporaryDirectory()
      const here = Object.fromEntries(Object.entries(env).map(([key, value]) => [key, value && join(cwd, value)]))
      const { exit } = await nanoguard(cwd, ["--version"], { XDG_CACHE_HOME: "", ...here })
      expect({ exit, files: readdirSync(cwd) }).toEqual({ exit: 0, files: [] })
    },
  )

  it("is kept in the person's cache", async () => {
    const [cwd, cache] = [temporaryDirectory(), temporaryDirectory()]
    await nanoguard(cwd, ["--version"], { XDG_CACHE_HOME: cache })
    expect(readdirSync(join(cache, "nanoguard"))).toEqual(["compile"])
  })
})
