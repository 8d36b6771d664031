// Trees of well-known projects, locked now by the real package managers, and each lockfile read by its reader and by the
// manager itself: the same packages, hashes and development dependencies must come out. Names and ranges are in
// test/fixtures/trees-py.json; versions are whatever the registries have today.
import { readFileSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { describe, expect, it, type TestContext } from "vitest"
import { readLockfile } from "../../src/packages/lockfiles/index.ts"
import type { Lockfile } from "../../src/packages/types.ts"
import { compareVersions, satisfies } from "../../src/packages/versions.ts"
import trees from "../fixtures/trees-py.json" with { type: "json" }
import { PYTHON_INDEX } from "../packages/lockfiles/python-helpers.ts"
import { canRun, findPythonTool, makeProject, type PythonTool, run } from "./python-tools.ts"

interface PythonTree {
  main: string[]
  extras: Record<string, string[]>
  dev: string[]
}
const PYTHON = Object.entries(trees.python as unknown as Record<string, PythonTree>)
const CARGO = Object.entries(trees.cargo)
const GO = Object.entries(trees.go)

async function toolOrSkip(ctx: TestContext, tool: PythonTool): Promise<(name: string) => string> {
  const found = await findPythonTool(tool)
  if ("missing" in found) return ctx.skip(found.missing)
  return (name) => join(found.bin, name)
}

function pyproject({ main, extras, dev }: PythonTree): string {
  const groups = Object.entries(extras).map(([name, list]) => `${name} = ${JSON.stringify(list)}\n`)
  return `[project]
name = "tree"
version = "1.0.0"
requires-python = ">=3.10"
dependencies = ${JSON.stringify(main)}
[project.optional-dependencies]
${groups.join("")}
[dependency-groups]
dev = ${JSON.stringify(dev)}
`
}

/** Name (normalised) to sorted `version` texts of a requirements text that a package manager exported. */
function exportedPins(text: string): string[] {
  const pins = text.split("\n").flatMap((line) => {
    const match = /^([A-Za-z0-9._-]+)(?:\[[^\]]*\])?==([^\s;\\]+)/.exec(line)
    return match === null ? [] : [`${match[1]!.toLowerCase().replace(/[-_.]+/g, "-")}@${match[2]}`]
  })
  return [...new Set(pins)].sort()
}

/** Hex hashes by pin, of a requirements text with `--hash` on lines of their own. */
function exportedHashes(text: string): Map<string, Set<string>> {
  const hashes = new Map<string, Set<string>>()
  let current = new Set<string>()
  for (const line of text.split("\n")) {
    const [pin] = exportedPins(line)
    if (pin !== undefined) {
      current = hashes.get(pin) ?? new Set()
      hashes.set(pin, current)
    }
    for (const [, hex] of line.matchAll(/--hash=sha256:([0-9a-f]{64})/g)) current.add(hex!)
  }
  return hashes
}

function pins(lockfile: Lockfile, filter: (one: Lockfile["dependencies"][number]) => boolean = () => true): string[] {
  return [...new Set(lockfile.dependencies.filter(filter).map((one) => `${one.name}@${one.version}`))].sort()
}

function hexOf(integrity: readonly string[]): string[] {
  return integrity.map((hash) => Buffer.from(hash.replace(/^[^-]+-/, ""), "base64").toString("hex")).sort()
}

function expectHashes(lockfile: Lockfile, text: string): void {
  const hashes = exportedHashes(text)
  for (const { name, version, integrity } of lockfile.dependencies) {
    expect(hexOf(integrity), name).toEqual([...(hashes.get(`${name}@${version}`) ?? [])].sort())
  }
}

/** What every lockfile of a real tree must have, whatever the format. */
function expectWhole(lockfile: Lockfile, directory: string, path: string): void {
  const lines = readFileSync(join(directory, path), "utf8").split("\n")
  const keys = new Set([...lockfile.dependencies, ...lockfile.roots].map((one) => one.key))
  for (const { from, to } of lockfile.edges) expect(keys.has(from) && keys.has(to)).toBe(true)
  for (const { key, name, integrity, source } of lockfile.dependencies) {
    const line = lockfile.lineOf(key)
    const near = lines
      .slice(line - 1, line + 2)
      .join("\n")
      .toLowerCase()
      .replace(/[-_.]+/g, "-")
    expect(near).toContain(name.toLowerCase().replace(/[-_.]+/g, "-"))
    expect(source).toEqual({ kind: "registry", origin: "default" })
    expect(integrity.length, name).toBeGreaterThan(0)
  }
  expect(lockfile.dependencies.length).toBeGreaterThan(5)
}

const ALL = ["--all-extras", "--all-groups", "--no-emit-project", "--frozen", "--no-annotate"]

describe.each(PYTHON)("Python: %s", (_name, tree) => {
  it("uv.lock, pylock.toml and requirements.txt, against uv and pip", async (ctx) => {
    const uv = (await toolOrSkip(ctx, "uv"))("uv")
    const pip = await toolOrSkip(ctx, "pip")
    const directory = makeProject({ "pyproject.toml": pyproject(tree) })
    await run(uv, ["lock", "-q"], directory)
    const all = await run(uv, ["export", "-q", ...ALL], directory)
    const product = await run(uv, ["export", "-q", ...ALL, "--no-default-groups", "--no-group", "dev"], directory)
    const lockfile = await readLockfile(directory, "uv.lock")
    expectWhole(lockfile, directory, "uv.lock")
    expect(pins(lockfile)).toEqual(exportedPins(all))
    expect(pins(lockfile, (one) => !one.dev)).toEqual(exportedPins(product))
    expectHashes(lockfile, all)
    expect(lockfile.warnings).toEqual([])

    await run(uv, ["export", "-q", ...ALL, "--format", "pylock.toml", "-o", "pylock.toml"], directory)
    const pylock = await readLockfile(directory, "pylock.toml")
    expectWhole(pylock, directory, "pylock.toml")
    expect(pins(pylock)).toEqual(exportedPins(all))
    expectHashes(pylock, all)

    writeFileSync(join(directory, "requirements.txt"), await run(uv, ["export", "-q", ...ALL.slice(0, -1)], directory))
    const requirements = await readLockfile(directory, "requirements.txt")
    expectWhole(requirements, directory, "requirements.txt")
    expect(pins(requirements)).toEqual(exportedPins(all))
    expectHashes(requirements, all)
    const parsed = await run(pip("python"), ["-c", PIP_PARSER], directory)
    expect(pins(requirements)).toEqual([...new Set(JSON.parse(parsed) as string[])].sort())
    // Every archive that pip would install here is held to a hash that the reader found.
    await run(
      pip("python"),
      [
        "-m",
        "pip",
        "install",
        "-q",
        "--dry-run",
        "--ignore-installed",
        "--no-deps",
        "-r",
        "requirements.txt",
        "--report",
        "report.json",
      ],
      directory,
    )
    const report = JSON.parse(readFileSync(join(directory, "report.json"), "utf8")) as PipReport
    expect(report.install.length).toBeGreaterThan(5)
    for (const { metadata, download_info } of report.install) {
      const name = metadata.name.toLowerCase().replace(/[-_.]+/g, "-")
      const entry = requirements.dependencies.find((one) => one.name === name && one.version === metadata.version)
      expect(hexOf(entry?.integrity ?? []), name).toContain(download_info.archive_info.hashes.sha256)
    }
  })

  it("requirements.txt of pip-compile: who wants what, against the edges of uv", async (ctx) => {
    const pip = await toolOrSkip(ctx, "pip")
    const directory = makeProject({ "requirements.in": `${tree.main.join("\n")}\n` })
    await run(
      pip("pip-compile"),
      ["-q", "--generate-hashes", "--no-header", "--strip-extras", "requirements.in"],
      directory,
    )
    const lockfile = await readLockfile(directory, "requirements.txt")
    expectWhole(lockfile, directory, "requirements.txt")
    const text = readFileSync(join(directory, "requirements.txt"), "utf8")
    expect(pins(lockfile)).toEqual(exportedPins(text))
    expectHashes(lockfile, text)
    const wanted = new Set(
      tree.main.map((one) =>
        /^[A-Za-z0-9._-]+/
          .exec(one)![0]
          .toLowerCase()
          .replace(/[-_.]+/g, "-"),
      ),
    )
    for (const { name, direct } of lockfile.dependencies) expect(direct, name).toBe(wanted.has(name))
    expect(lockfile.edges.length).toBeGreaterThan(lockfile.dependencies.length - 1)
  })

  it("poetry.lock, against Poetry", async (ctx) => {
    const poetry = await toolOrSkip(ctx, "poetry")
    // By name, as a simple index: not every mirror serves the index in the form that Poetry asks its default for.
    const source = `[[tool.poetry.source]]\nname = "index"\nurl = "${PYTHON_INDEX}/"\npriority = "primary"\n[tool.poetry]\npackage-mode = false\n`
    const directory = makeProject({ "pyproject.toml": `${pyproject(tree)}${source}` })
    await run(poetry("poetry"), ["lock", "--no-interaction", "-q"], directory)
    const theirs = JSON.parse(await run(poetry("python"), ["-c", POETRY_LOCKER], directory)) as PoetryPackage[]
    const lockfile = await readLockfile(directory, "poetry.lock")
    expectWhole(lockfile, directory, "poetry.lock")
    expect(
      lockfile.dependencies.map(({ name, version, optional, dev, integrity }) => [
        name,
        version,
        optional,
        dev,
        hexOf(integrity),
      ]),
    ).toEqual(
      theirs.map((one) => [one.name, one.version, one.optional, !one.groups.includes("main"), one.hashes.sort()]),
    )
  })

  it("pdm.lock, with and without addresses, against PDM", async (ctx) => {
    const pdm = (await toolOrSkip(ctx, "pdm"))("pdm")
    const directory = makeProject({ "pyproject.toml": pyproject(tree) })
    const env = { PDM_CHECK_UPDATE: "false" }
    await run(pdm, ["config", "--local", "python.use_venv", "false"], directory, env)
    await run(pdm, ["use", "-q", "-f", "python3"], directory, env)
    for (const flags of [[], ["--static-urls"]]) {
      await run(pdm, ["lock", "-q", "-G", ":all", ...flags], directory, env)
      const all = await run(pdm, ["export", "-G", ":all", "-f", "requirements"], directory, env)
      const product = await run(pdm, ["export", "-G", ":all", "--prod", "-f", "requirements"], directory, env)
      const lockfile = await readLockfile(directory, "pdm.lock")
      expectWhole(lockfile, directory, "pdm.lock")
      expect(pins(lockfile)).toEqual(exportedPins(all))
      expect(pins(lockfile, (one) => !one.dev)).toEqual(exportedPins(product))
      expectHashes(lockfile, all)
    }
  })

  it("Pipfile.lock, against Pipenv", async (ctx) => {
    const pipenv = (await toolOrSkip(ctx, "pipenv"))("pipenv")
    const directory = makeProject({ Pipfile: pipfile(tree) })
    const env = { PIPENV_IGNORE_VIRTUALENVS: "1", PIPENV_VENV_IN_PROJECT: "1", PIPENV_NOSPIN: "1", PIPENV_YES: "1" }
    await run(pipenv, ["lock", "-q"], directory, env)
    const all = await run(pipenv, ["requirements", "--dev", "--hash", "--exclude-markers"], directory, env)
    const product = await run(pipenv, ["requirements", "--exclude-markers"], directory, env)
    const lockfile = await readLockfile(directory, "Pipfile.lock")
    expectWhole(lockfile, directory, "Pipfile.lock")
    expect(pins(lockfile)).toEqual(exportedPins(all))
    expect(pins(lockfile, (one) => !one.dev)).toEqual(exportedPins(product))
    expectHashes(lockfile, all.replaceAll(" --hash", "\n --hash"))
  })
})

interface PipReport {
  install: {
    metadata: { name: string; version: string }
    download_info: { archive_info: { hashes: { sha256: string } } }
  }[]
}

/** pip's own reader of requirements files. */
const PIP_PARSER = `
import json
from pip._internal.network.session import PipSession
from pip._internal.req.req_file import parse_requirements
from pip._vendor.packaging.requirements import Requirement
from pip._vendor.packaging.utils import canonicalize_name
pins = []
for line in parse_requirements("requirements.txt", session=PipSession()):
    wanted = Requirement(line.requirement)
    pins.append(canonicalize_name(wanted.name) + "@" + next(iter(wanted.specifier)).version)
print(json.dumps(pins))
`

interface PoetryPackage {
  name: string
  version: string
  optional: boolean
  groups: string[]
  hashes: string[]
}

/** Poetry's own reader of its lockfile, in the order of the file. */
const POETRY_LOCKER = `
import json
from pathlib import Path
from poetry.factory import Factory
packages = Factory().create_poetry(Path(".")).locker.locked_packages()
print(json.dumps([{"name": str(p.name), "version": str(p.version), "optional": p.optional, "groups": sorted(info.groups),
  "hashes": [f["hash"].removeprefix("sha256:") for f in p.files]} for p, info in packages.items()]))
`

/** Without what only other machines install: Pipenv stumbles over what it does not resolve. */
function pipfile({ main, dev }: PythonTree): string {
  const line = (text: string): string => {
    const [, name, extras, range] = /^([A-Za-z0-9._-]+)(?:\[([^\]]*)\])?\s*(.*)$/.exec(text)!
    const fields = [`version = ${JSON.stringify(range || "*")}`]
    if (extras) fields.push(`extras = [${JSON.stringify(extras)}]`)
    return `${JSON.stringify(name)} = {${fields.join(", ")}}\n`
  }
  return `[[source]]
name = "index"
url = "${PYTHON_INDEX}"
verify_ssl = true
[packages]
${main
  .filter((one) => !one.includes(";"))
  .map(line)
  .join("")}[dev-packages]
${dev.map(line).join("")}`
}

interface CargoMetadata {
  packages: { id: string; name: string; version: string; source: string | null }[]
  workspace_members: string[]
  resolve: { nodes: { id: string; deps: { pkg: string; dep_kinds: { kind: string | null }[] }[] }[] }
}

describe.each(CARGO)("Cargo: %s", (_name, tree) => {
  it("Cargo.lock, against `cargo metadata`", async (ctx) => {
    if (!(await canRun("cargo", ["--version"]))) return ctx.skip("cargo is missing: install Rust (rustup)")
    const manifest = `[package]\nname = "tree"\nversion = "1.0.0"\nedition = "2021"\n[workspace]\nmembers = ["member"]\n[dependencies]\n${tree.dependencies.join("\n")}\nmember = { path = "member" }\n[dev-dependencies]\n${tree["dev-dependencies"].join("\n")}\n[build-dependencies]\n${tree["build-dependencies"].join("\n")}\n`
    const member = `[package]\nname = "member"\nversion = "0.1.0"\nedition = "2021"\n[target.'cfg(unix)'.dependencies]\nlibc = "0.2"\n[dev-dependencies]\nproptest = "1"\n`
    const directory = makeProject({
      "Cargo.toml": manifest,
      "src/lib.rs": "",
      "build.rs": "fn main() {}",
      "member/Cargo.toml": member,
      "member/src/lib.rs": "",
    })
    await run("cargo", ["generate-lockfile", "-q"], directory)
    const metadata = JSON.parse(
      await run("cargo", ["metadata", "--format-version", "1", "--locked", "-q"], directory),
    ) as CargoMetadata
    const lockfile = await readLockfile(directory, "Cargo.lock")
    expectWhole(lockfile, directory, "Cargo.lock")
    const shown = new Map(metadata.packages.map((one) => [one.id, `${one.name}@${one.version}`]))
    expect(pins(lockfile)).toEqual(
      metadata.packages
        .filter((one) => one.source !== null)
        .map((one) => shown.get(one.id)!)
        .sort(),
    )
    expect(lockfile.roots.map((root) => root.name).sort()).toEqual(["member", "tree"])
    // Cargo.lock has edges for features that are off, which `cargo metadata` leaves out; never the other way round.
    const edges = new Set(lockfile.edges.map(({ from, to }) => `${from} ${to}`))
    for (const node of metadata.resolve.nodes) {
      for (const { pkg } of node.deps) expect(edges).toContain(`${shown.get(node.id)} ${shown.get(pkg)}`)
    }
    // Reached without development dependencies: not marked. Marked: not reached.
    const nodes = new Map(metadata.resolve.nodes.map((node) => [node.id, node]))
    const used = new Set(metadata.workspace_members)
    for (const id of used) {
      for (const { pkg, dep_kinds } of nodes.get(id)!.deps)
        if (dep_kinds.some(({ kind }) => kind !== "dev")) used.add(pkg)
    }
    const product = [...used].filter((id) => !metadata.workspace_members.includes(id)).map((id) => shown.get(id)!)
    expect(pins(lockfile, (one) => !one.dev)).toEqual(expect.arrayContaining(product))
    expect(lockfile.dependencies.some((one) => one.dev && one.name === "proptest")).toBe(true)
    expect(lockfile.warnings).toEqual([])
  })
})

describe.each(GO)("Go: %s", (_name, tree) => {
  it("go.mod and go.sum, against `go list`", async (ctx) => {
    if (!(await canRun("go", ["version"]))) return ctx.skip("go is missing: install Go")
    const env = { GOFLAGS: "-mod=mod", GOTOOLCHAIN: "local", GOWORK: "off" }
    const directory = makeProject({
      "go.mod": `module tree.example/tree\n\ngo ${tree.go}\n\nrequire (\n${tree.require.map((one) => `\t${one}\n`).join("")})\n`,
      "main.go": `package main\n\nimport (\n${tree.imports.map((path) => `\t_ "${path}"\n`).join("")})\n\nfunc main() {}\n`,
    })
    await run("go", ["mod", "tidy"], directory, env)
    const listed = JSON.parse(
      `[${(await run("go", ["list", "-m", "-json", "all"], directory, env)).replaceAll("\n}\n{", "\n},\n{")}]`,
    ) as GoModule[]
    const built = await run(
      "go",
      ["list", "-deps", "-f", "{{with .Module}}{{if not .Main}}{{.Path}}@{{.Version}}{{end}}{{end}}", "./..."],
      directory,
      env,
    )
    const lockfile = await readLockfile(directory, "go.mod")
    expect(lockfile.formatVersion).toMatch(/^1\.\d+/)
    const modules = new Map(listed.map((one) => [one.Path, one]))
    for (const { name, version, direct, integrity, key } of lockfile.dependencies) {
      const module = modules.get(name)
      expect(version, name).toBe(module?.Version)
      expect(integrity, name).toEqual(module?.Sum === undefined ? [] : [module.Sum.replace("h1:", "h1-")])
      expect(direct, name).toBe(module?.Indirect !== true)
      expect(lockfile.lineOf(key)).toBeGreaterThan(0)
    }
    const needed = [...new Set(built.split("\n").filter((line) => line !== ""))].sort()
    expect(needed.length).toBeGreaterThan(1)
    expect(pins(lockfile)).toEqual(expect.arrayContaining(needed))
  })
})

interface GoModule {
  Path: string
  Version?: string
  Indirect?: boolean
  Sum?: string
}

const NUMBERS = ["0", "1", "2", "9", "10"]
const PRERELEASES = ["", "-alpha", "-alpha.1", "-alpha.beta", "-1", "-rc.10", "-rc.9"]
const VERSIONS = NUMBERS.flatMap((major) =>
  NUMBERS.flatMap((minor) => PRERELEASES.map((pre) => `${major}.${minor}.${minor === "9" ? "3" : "0"}${pre}`)),
)

describe("the order and ranges of versions", () => {
  it("are those of Cargo's own semver crate", async (ctx) => {
    if (!(await canRun("cargo", ["--version"]))) return ctx.skip("cargo is missing: install Rust (rustup)")
    const bounds = ["1", "1.2", "1.9.3", "0", "0.0", "0.9.3", "0.0.0", "1.0.0-alpha", "10.9.3-rc.9"]
    const ranges = [
      ...["", "^", "~", "=", ">", ">=", "<", "<="].flatMap((operator) => bounds.map((bound) => operator + bound)),
      ...[
        "*",
        "1.*",
        "1.9.*",
        "^1.*",
        "~1.9.*",
        "=1.*",
        ">1.*",
        "<=1.*",
        ">=0.9, <2",
        ">1.0.0-alpha, <=9",
        "1.*.3",
        "1 || 2",
        "",
        "1.9.3-*",
        "01",
        "1.0.0-01",
      ],
    ]
    const directory = makeProject({
      "Cargo.toml":
        '[package]\nname = "oracle"\nversion = "1.0.0"\nedition = "2021"\n[dependencies]\nsemver = "=1.0.26"\n',
      "src/main.rs": `use semver::{Version, VersionReq};
fn main() {
    for range in include_str!("ranges").split('\\n') {
        match VersionReq::parse(range) {
            Err(_) => println!("invalid"),
            Ok(wanted) => println!("{}", include_str!("versions").split('\\n').map(|v| if wanted.matches(&Version::parse(v).unwrap()) { '1' } else { '0' }).collect::<String>()),
        }
    }
    let mut all: Vec<Version> = include_str!("versions").split('\\n').map(|v| Version::parse(v).unwrap()).collect();
    all.sort();
    println!("{}", all.iter().map(|v| v.to_string()).collect::<Vec<_>>().join(" "));
}`,
      "src/ranges": ranges.join("\n"),
      "src/versions": VERSIONS.join("\n"),
    })
    const lines = (await run("cargo", ["run", "-q"], directory)).trimEnd().split("\n")
    for (const [index, range] of ranges.entries()) {
      const ours = VERSIONS.map((version) => (satisfies("cargo", version, range) ? "1" : "0")).join("")
      expect(ours, range).toBe(lines[index] === "invalid" ? "0".repeat(VERSIONS.length) : lines[index])
    }
    expect([...VERSIONS].sort((a, b) => compareVersions("cargo", a, b)).join(" ")).toBe(lines[ranges.length])
  })

  it("are those of golang.org/x/mod/semver", async (ctx) => {
    if (!(await canRun("go", ["version"]))) return ctx.skip("go is missing: install Go")
    const versions = [
      ...VERSIONS.map((version) => `v${version}`),
      "v0.0.0-20190101000000-0123456789ab",
      "v2.0.0+incompatible",
      "v99999999999999999999.0.0",
      "v100000000000000000000.0.0",
    ]
    const directory = makeProject({
      "go.mod": "module oracle.example/oracle\n\ngo 1.21\n\nrequire golang.org/x/mod v0.20.0\n",
      "versions.txt": versions.join("\n"),
      "main.go": `package main

import (
	_ "embed"
	"fmt"
	"strings"

	"golang.org/x/mod/semver"
)

//go:embed versions.txt
var text string

func main() {
	all := strings.Split(text, "\\n")
	for _, a := range all {
		for _, b := range all {
			fmt.Print(semver.Compare(a, b), " ")
		}
	}
}
`,
    })
    const answer = (await run("go", ["run", "-mod=mod", "."], directory, { GOTOOLCHAIN: "local", GOWORK: "off" }))
      .trimEnd()
      .split(" ")
      .map(Number)
    expect(versions.flatMap((a) => versions.map((b) => Math.sign(compareVersions("golang", a, b)) + 0))).toEqual(answer)
  })
})
