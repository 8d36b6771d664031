import { describe, expect, it } from "vitest"
import { detectFacts, type Listing } from "../../src/scaffold/detect.ts"

const listing = (paths: string[], texts: Record<string, string> = {}): Listing => ({
  paths,
  texts: new Map(Object.entries(texts)),
  engines: [],
  git: true,
})

describe("detectFacts", () => {
  it.each([
    ["package-lock.json", "npm"],
    ["npm-shrinkwrap.json", "npm"],
    ["pnpm-lock.yaml", "pnpm"],
    ["bun.lock", "bun"],
    ["uv.lock", "uv"],
    ["poetry.lock", "poetry"],
    ["pdm.lock", "pdm"],
    ["Pipfile.lock", "pipenv"],
    ["requirements.txt", "pip"],
    ["dev-requirements.txt", "pip"],
    ["pylock.toml", "pip"],
    ["Cargo.lock", "cargo"],
    ["go.mod", "go"],
    ["services/api/go.mod", "go"],
  ])("takes %s for %s", (path, name) => {
    const facts = detectFacts(listing([path]))
    expect(facts.managers).toEqual([{ name, why: path }])
    expect(facts.lockfiles).toEqual([path])
  })

  it.each([
    ["# yarn lockfile v1\n", 1],
    ["__metadata:\n  version: 8\n", 4],
  ])("tells yarn's lockfiles apart", (text, major) => {
    expect(detectFacts(listing(["yarn.lock"], { "yarn.lock": text })).managers).toEqual([
      { name: "yarn", why: "yarn.lock", major },
    ])
  })

  it("believes packageManager before lockfiles, and names each manager once", () => {
    const facts = detectFacts(
      listing(["package-lock.json", "pnpm-lock.yaml", "pnpm-workspace.yaml"], {
        "package.json": '{"packageManager":"pnpm@12.21.0+sha512.abc"}',
      }),
    )
    expect(facts.managers).toEqual([
      { name: "pnpm", why: "package.json", major: 12 },
      { name: "npm", why: "package-lock.json" },
    ])
  })

  it("passes over a packageManager that is no text", () => {
    const facts = detectFacts(listing(["package.json"], { "package.json": '{"packageManager":{"toString":1}}' }))
    expect(facts.managers).toEqual([{ name: "npm", why: "package.json" }])
  })

  it("falls back to npm for a package.json alone, and to pyproject's tool table", () => {
    expect(detectFacts(listing([], { "package.json": "{}" })).managers).toEqual([{ name: "npm", why: "package.json" }])
    const pyproject = { "pyproject.toml": '[project]\nname = "x"\n[tool.poetry.dependencies]\n' }
    expect(detectFacts(listing([], pyproject)).managers).toEqual([{ name: "poetry", why: "pyproject.toml" }])
  })

  it("finds agents and CI, each once, with the path that shows it", () => {
    const paths = [".claude/", "CLAUDE.md", ".codex/", "AGENTS.md", "GEMINI.md", ".github/", ".gitlab-ci.yml"]
    const facts = detectFacts(listing(paths, { "package.json": '{"name":"nanoclaw"}' }))
    expect(facts.agents).toEqual([
      { name: "claude", why: ".claude/" },
      { name: "codex", why: ".codex/" },
      { name: "gemini", why: "GEMINI.md" },
      { name: "nanoclaw", why: "package.json" },
    ])
    expect(facts.ci).toEqual([
      { name: "github", why: ".github/" },
      { name: "gitlab", why: ".gitlab-ci.yml" },
    ])
  })

  it.each([
    ["\turl = git@github.com:acme/app.git\n", [{ name: "github", why: ".git/config" }]],
    ["\turl = https://gitlab.com/acme/app\n", [{ name: "gitlab", why: ".git/config" }]],
    ["\turl = https://github.com.evil.example/acme/app\n", []],
    ["\turl = https://evil.example/github.com/app\n", []],
  ])("reads the CI off a remote: %s", (remote, ci) => {
    expect(detectFacts(listing([], { ".git/config": `[remote "origin"]\n${remote}` })).ci).toEqual(ci)
  })

  it.each(["", "null", "[]", "{", '{"packageManager":7,"name":{"a":1}}', '{"packageManager":"evil@1.2.3"}'])(
    "survives a package.json of %j",
    (text) => {
      expect(detectFacts(listing([], { "package.json": text })).managers).toEqual([
        { name: "npm", why: "package.json" },
      ])
    },
  )
})
