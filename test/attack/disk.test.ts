// Files that lead elsewhere: what is written, and what is read.
import { existsSync, mkdirSync, readdirSync, readFileSync, symlinkSync } from "node:fs"
import { join } from "node:path"
import { describe, expect, it } from "vitest"
import { init } from "../../src/commands/init.ts"
import { vetCommand } from "../../src/commands/vet.ts"
import { temporaryDirectory, testContext } from "../context.ts"
import { lockOf, outcomeOf, POLICY } from "./support.ts"

const FINE = lockOf({ "node_modules/fine": { version: "1.0.0" } })

describe("--output", () => {
  it.each(["vet.sarif", "reports/vet.sarif"])("%s through a link of the repository writes nothing", async (output) => {
    const outside = temporaryDirectory({ "vet.sarif": "mine" })
    const cwd = temporaryDirectory({ "nanoguard.yaml": POLICY, "package-lock.json": FINE })
    if (output.includes("/")) symlinkSync(outside, join(cwd, "reports"))
    else symlinkSync(join(outside, "vet.sarif"), join(cwd, output))
    const run = vetCommand(testContext(cwd), [], { offline: true, format: "sarif", output })
    await expect(run).rejects.toThrow("the report would be written through a link of the repository")
    expect(readFileSync(join(outside, "vet.sarif"), "utf8")).toBe("mine")
  })

  it("through a link to nothing creates nothing", async () => {
    const outside = temporaryDirectory()
    const cwd = temporaryDirectory({ "nanoguard.yaml": POLICY, "package-lock.json": FINE })
    symlinkSync(join(outside, "new"), join(cwd, "vet.json"))
    const run = vetCommand(testContext(cwd), [], { offline: true, format: "json", output: "vet.json" })
    await expect(run).rejects.toThrow("through a link")
    expect(existsSync(join(outside, "new"))).toBe(false)
  })
})

describe("init", () => {
  it.each(["nanoguard.yaml", ".github", ".github/workflows", ".claude"])(
    "%s, a link that leads out, is not written through",
    async (path) => {
      const outside = temporaryDirectory()
      const cwd = temporaryDirectory({ "package-lock.json": FINE, "CLAUDE.md": "x" })
      if (path.includes("/")) mkdirSync(join(cwd, ".github"))
      symlinkSync(path === "nanoguard.yaml" ? join(outside, "x") : outside, join(cwd, path))
      const ctx = testContext(cwd)
      await init(ctx, { yes: true, preset: "solo", ci: "github", agents: "claude" }).catch((error: unknown) => error)
      expect(readdirSync(outside)).toEqual([])
    },
  )
})

it("what a lockfile refers to is not read where it lies outside", async () => {
  const outside = temporaryDirectory({ "secret.txt": "evil-lib==1.0\n" })
  const files = { "requirements.txt": "-r linked.txt\n" }
  expect(await outcomeOf({ files, links: { "linked.txt": join(outside, "secret.txt") } })).toBe(
    'refused: it refers to "linked.txt", which is not in the repository',
  )
})
