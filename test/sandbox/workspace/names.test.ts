import { execFileSync } from "node:child_process"
import { linkSync } from "node:fs"
import { join } from "node:path"
import { describe, expect, test } from "vitest"
import { neverWritten, runsOnHost, secretByName } from "../../../src/sandbox/workspace/names.ts"
import { walkWorkspace } from "../../../src/sandbox/workspace/walk.ts"
import { temporaryDirectory } from "../../context.ts"

describe("secrets in a workspace", () => {
  test.each([
    ".env",
    ".ENV",
    ".env.local",
    ".env.production",
    "id_ed25519",
    "x/.netrc",
    "a.tfstate",
    "a.tfstate.backup",
    "x.p12",
    ".docker/config.json",
    "sub/.Docker/config.json",
    "prod.tfvars",
  ])("%s by its name", (path) => expect(secretByName(path, false)).toBe(true))
  test.each([".env.example", ".env.sample", ".env.template", "env.ts", "id_rsa.pub", "environment.yml", "key.ts"])(
    "%s is none",
    (path) => expect(secretByName(path, false)).toBeUndefined(),
  )

  test("by what is in them", () => {
    const key = "-----BEGIN OPENSSH PRIVATE KEY-----\n"
    const root = temporaryDirectory({
      "a.pem": key,
      "b.key": "-----BEGIN CERTIFICATE-----",
      "c/.npmrc": "//registry.example/:_authToken=abc123",
      "d/.npmrc": "//registry.example/:_authToken=$\x7bNPM_TOKEN}",
      ".pypirc": "[pypi]\npassword = hunter22",
      "pip.conf": "[global]\nindex-url = https://person:hunter22@registry.example/simple",
      "my-service-account.json": '{"private_key": "x"}',
      "node_modules/x/test.pem": key,
      "node_modules/x/.env": "A=1",
      "project/config.json": '{"color": "red"}',
    })
    const { masked } = walkWorkspace(root, [], [])
    expect(masked.map(({ path }) => path).toSorted()).toEqual([
      ".pypirc",
      "a.pem",
      "c/.npmrc",
      "my-service-account.json",
      "node_modules/x/.env",
      "pip.conf",
    ])
  })

  test("a pipe in place of a key stops nothing, and patterns of the policy add more", () => {
    const root = temporaryDirectory({ "Deep/Er/Data.BIN": "", "top/x": "", "other/top/x": "" })
    execFileSync("mkfifo", [join(root, "a.pem")])
    const { masked } = walkWorkspace(root, ["*.bin", "/top/x"], [])
    expect(masked.map(({ path }) => path).toSorted()).toEqual(["Deep/Er/Data.BIN", "top/x"])
  })

  test("a bound is said", () => {
    const root = temporaryDirectory({ "a/b/c/.env": "", "a/x": "", ".env": "" })
    expect(walkWorkspace(root, [], [], { bounds: { entries: 100, depth: 1, time: 5000 } })).toMatchObject({
      masked: [{ path: ".env" }],
      unseen: ["a/b"],
    })
  })
})

test("files shared with a store outside are said", () => {
  const store = temporaryDirectory({ x: "" })
  const root = temporaryDirectory({ "node_modules/.pnpm/a/index.js": "" })
  linkSync(join(store, "x"), join(root, "node_modules/.pnpm/a/shared.js"))
  expect(walkWorkspace(root, [], []).shared).toBe("node_modules/.pnpm/a/shared.js")
})

test("the two lists", () => {
  for (const name of [
    ".vscode",
    ".IDEA",
    ".envrc",
    "mise.toml",
    ".mise.local.toml",
    ".bashrc",
    "x.code-workspace",
    "nanoguard.test.yaml",
    ".mcp.json",
  ])
    expect([name, neverWritten(name)]).toEqual([name, true])
  for (const name of ["vscode", "src", "package.json", "unit.test.yaml", ".config"])
    expect([name, neverWritten(name)]).toEqual([name, false])
  for (const path of [
    "package.json",
    "a/Makefile",
    "CLAUDE.md",
    ".github/workflows/x.yml",
    "Dockerfile.dev",
    "vite.config.ts",
    ".gitattributes",
    "a/conftest.py",
    ".husky/pre-commit",
  ])
    expect([path, runsOnHost(path) !== undefined]).toEqual([path, path !== ".husky/pre-commit"])
  for (const path of ["src/index.ts", "README.md", "data.json"])
    expect([path, runsOnHost(path)]).toEqual([path, undefined])
})
