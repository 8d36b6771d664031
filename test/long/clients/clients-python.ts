// pip, uv and Poetry.
import { globSync } from "node:fs"
import { join } from "node:path"
import type { TestContext } from "vitest"
import { findPythonTool, type PythonTool } from "../python-tools.ts"
import type { ClientDescription, Wanted } from "./description.ts"
import { requirement, sha256, wheel } from "./packages.ts"

const fromPython = (name: PythonTool) => async (ctx: TestContext) => {
  const found = await findPythonTool(name)
  if ("missing" in found) ctx.skip(found.missing)
  return join((found as { bin: string }).bin, name)
}
const requirements = (wanted: Wanted) =>
  Object.entries(wanted).map(([name, range]) => `${name}${requirement.pypi(range)}`)
const pyproject = (wanted: Wanted) =>
  `[project]\nname = "project"\nversion = "1.0.0"\nrequires-python = ">=3.11"\ndependencies = ${JSON.stringify(requirements(wanted))}\n`
const sitePackages = ".venv/lib/python*/site-packages"
const distInfo = (root: string) => (project: string, name: string) =>
  readVersion(project, `${root}/${name.replaceAll("-", "_")}-*.dist-info`, /-([^-]+)\.dist-info$/)

export const pip: ClientDescription = {
  label: "pip",
  ecosystem: "pypi",
  command: "pip",
  find: fromPython("pip"),
  env: (home) => ({
    PIP_CACHE_DIR: join(home, "pip"),
    PIP_TARGET: "site",
    PIP_UPGRADE: "1",
    PIP_DISABLE_PIP_VERSION_CHECK: "1",
  }),
  files: (wanted) => ({
    "requirements.txt": requirements(wanted)
      .map((line) => `${line}\n`)
      .join(""),
    "requirements.lock": Object.entries(wanted)
      .map(([name, range]) => `${name}=${range} --hash=sha256:${sha256(wheel(name, { version: range.slice(1) }))}\n`)
      .join(""),
  }),
  install: "pip install -r requirements.txt",
  frozen: "pip install --require-hashes -r requirements.lock",
  add: (name) => `pip install ${name}`,
  locks: [],
  trees: ["site"],
  installed: distInfo("site"),
  keeps: "nothing",
}

export const uv: ClientDescription = {
  label: "uv",
  ecosystem: "pypi",
  command: "uv",
  find: fromPython("uv"),
  env: (home, program) => ({
    UV_CACHE_DIR: join(home, "uv"),
    UV_PYTHON: join(program, "..", "python"),
    UV_LINK_MODE: "copy",
  }),
  files: (wanted) => ({ "pyproject.toml": pyproject(wanted) }),
  install: "uv sync",
  frozen: "uv sync --frozen",
  add: (name) => `uv add ${name}`,
  once: (name, version) => `uv tool run ${name}@${version}`,
  locks: ["uv.lock"],
  trees: [sitePackages],
  installed: distInfo(sitePackages),
  asks: 2,
}

export const poetry: ClientDescription = {
  label: "poetry",
  ecosystem: "pypi",
  command: "poetry",
  find: fromPython("poetry"),
  env: (home) => ({
    POETRY_CACHE_DIR: join(home, "poetry"),
    POETRY_VIRTUALENVS_IN_PROJECT: "true",
    POETRY_VIRTUALENVS_OPTIONS_NO_PIP: "true",
    POETRY_NO_INTERACTION: "1",
  }),
  files: (wanted, base) => ({
    "pyproject.toml": `${pyproject(wanted)}\n[tool.poetry]\npackage-mode = false\n\n[[tool.poetry.source]]\nname = "nanoguard"\nurl = "${base}/pypi/simple/"\npriority = "primary"\n`,
  }),
  install: "poetry install",
  frozen: "poetry install",
  add: (name) => `poetry add ${name}`,
  locks: ["poetry.lock"],
  trees: [sitePackages],
  installed: distInfo(sitePackages),
  asks: 5,
}

function readVersion(project: string, pattern: string, of: RegExp): string | undefined {
  const found = globSync(pattern, { cwd: project }).map((path) => of.exec(path.replaceAll("\\", "/"))?.[1])
  return (
    found
      .filter((version) => version !== undefined)
      .sort()
      .join(" and ") || undefined
  )
}
