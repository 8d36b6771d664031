// A directory that an agent of a swarm has as its workspace: nothing in it becomes harmless by being looked at from there.
import { mkdirSync, symlinkSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import fc from "fast-check"
import { describe, expect, it } from "vitest"
import { NanoguardError } from "../../../src/errors.ts"
import type { Sandbox } from "../../../src/policy/compiled.ts"
import { reachesInto } from "../../../src/sandbox/swarm/directories.ts"
import { findDirectory, requireFound } from "../../../src/sandbox/swarm/find-directory.ts"
import { readSwarm } from "../../../src/sandbox/swarm/read.ts"
import { walkWorkspace } from "../../../src/sandbox/workspace/walk.ts"
import { temporaryDirectory, testContext } from "../../context.ts"
import { git } from "../workspace/make.ts"
import "../../seed.ts"

function read(directory: string, sandbox: Sandbox = {}, workspace = "copy"): string {
  const agent = `{ name: a, command: [sh], workspace: ${workspace}, directory: ${JSON.stringify(directory)} }`
  try {
    return readSwarm(`version: 1\nagents:\n  - ${agent}\n`, "swarm.yaml", sandbox).agents[0]!.directory
  } catch (error) {
    if (!(error instanceof NanoguardError)) throw error
    expect(error.exit).toBe(4)
    expect(error.where).toMatchObject({ file: "swarm.yaml", line: 3 })
    return `${error.message}; ${error.hint}`
  }
}

describe("a directory", () => {
  it.each([".git", ".git/hooks", ".GIT", "a/.git", ".vscode", "a/.claude/b", ".aws", ".husky", ".github/workflows"])(
    "%s holds settings or keys, and is no workspace",
    (directory) => {
      expect(read(directory)).toMatch(/^a would work in \.\w+, where settings or keys are; name a directory/)
      expect(read(directory, {}, "none")).toBe(directory)
    },
  )

  it("has one spelling", () => {
    expect(read("a//b/")).toBe("a/b")
    expect(read("a.b/..c")).toMatch(/settings or keys/)
  })

  it.each([
    ["fixtures", { mask: ["fixtures/customers/**"] }],
    ["fixtures/customers", { mask: ["fixtures/customers/**"] }],
    ["fixtures/customers/eu", { mask: ["fixtures/customers"] }],
    ["Fixtures", { mask: ["/fixtures/*.csv"] }],
    ["a/secret", { mask: ["secret"] }],
    ["a/secret", { mask: ["**/secret/*.csv"] }],
    ["scripts", { protect: ["scripts/release.sh"] }],
    ["scripts", { protect: ["./*/release.sh"] }],
  ])("%s is refused where the policy says something of it by its path: %o", (directory, sandbox) => {
    expect(read(directory, sandbox)).toMatch(
      /^the policy says sandbox\.(mask|protect): .*, which is in the directory of a;/,
    )
  })

  it.each([
    ["src", { mask: ["fixtures/customers/**"], protect: ["scripts/release.sh"] }],
    ["a/b", { mask: ["secret", "*.csv", "**/secret", "**/x/*.csv"] }],
  ])("%s is fine where the policy says the same from there: %o", (directory, sandbox) => {
    expect(read(directory, sandbox)).toBe(directory)
  })

  it("hides at least as much seen from itself as seen from the project, where the policy does not speak against it", () => {
    const root = temporaryDirectory()
    const names = ["a", "b", "c"]
    for (const x of names)
      for (const y of names)
        for (const z of names) {
          mkdirSync(join(root, x, y, z), { recursive: true })
          for (const name of names) writeFileSync(join(root, x, y, z, name), "")
        }
    const part = fc.constantFrom("a", "b", "c", "*", "**")
    const pattern = fc.tuple(fc.constantFrom("", "/", "./"), fc.array(part, { minLength: 1, maxLength: 5 }))
    let allowed = 0
    fc.assert(
      fc.property(
        pattern,
        fc.array(fc.constantFrom(...names), { minLength: 1, maxLength: 2 }),
        ([begin, parts], way) => {
          const [text, directory] = [begin + parts.join("/"), way.join("/")]
          if (reachesInto(text, directory)) return
          allowed++
          const masked = (at: string) => walkWorkspace(at, [text], []).masked.map(({ path }) => path)
          const below = masked(root).filter((path) => path === directory || directory.startsWith(`${path}/`))
          expect(below).toEqual([])
          const seen = masked(join(root, directory))
          for (const path of masked(root))
            if (path.startsWith(`${directory}/`)) expect(seen).toContain(path.slice(directory.length + 1))
        },
      ),
      { numRuns: 300 },
    )
    expect(allowed).toBeGreaterThan(20)
  })
})

describe("where it is", () => {
  const find = (root: string, directory: string, workspace: "direct" | "copy") =>
    findDirectory(testContext(root), root, { directory, workspace })

  it("is refused behind a link", async () => {
    const root = temporaryDirectory({ "there/x": "" })
    symlinkSync(join(root, "there"), join(root, "link"))
    await expect(find(root, "link", "copy")).rejects.toThrow("a link leads to it")
    expect(await find(root, "there", "copy")).toBe(join(root, "there"))
  })

  it("is not what git on the host runs, where an agent writes there", async () => {
    const root = temporaryDirectory({ "tools/hooks/pre-commit": "", "src/x": "", "toolshed/x": "" })
    git(root, "init", "-q")
    git(root, "config", "core.hooksPath", "tools/hooks")
    for (const directory of ["tools/hooks", "tools"])
      await expect(find(root, directory, "direct")).rejects.toThrow("a setting of the repository names tools/hooks")
    expect(await find(root, "tools", "copy")).toBe(join(root, "tools"))
    for (const directory of ["src", "toolshed", ""])
      expect(await find(root, directory, "direct")).toBe(join(root, directory))
  })

  it("is still there once it is opened: a link that was put in its place meanwhile led to another", () => {
    expect(() => requireFound("/project/a", { root: "/other" })).toThrow(
      "something else is where an agent's directory was",
    )
    requireFound("/project/a", { root: "/project/a" })
  })
})
