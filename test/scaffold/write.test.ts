// A hostile repository: links, pipes, directories where files should be, files that change under our hands.
import { execFileSync } from "node:child_process"
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterEach, beforeEach, describe, expect, it } from "vitest"
import { EXIT } from "../../src/errors.ts"
import { instructionsFile, readInside } from "../../src/scaffold/paths.ts"
import type { PlannedFile } from "../../src/scaffold/types.ts"
import { writeFiles } from "../../src/scaffold/write.ts"

let base: string
let root: string
let outside: string

beforeEach(() => {
  base = mkdtempSync(join(tmpdir(), "nanoguard-write-"))
  root = join(base, "repository")
  outside = join(base, "outside")
  mkdirSync(root)
  mkdirSync(outside)
  writeFileSync(join(outside, "secret"), "untouched")
})

afterEach(() => rmSync(base, { recursive: true, force: true }))

const created = (path: string, after = "new\n"): PlannedFile => ({
  path,
  action: "create",
  reason: "",
  before: null,
  after,
})
const refusal = (message: RegExp) =>
  expect.objectContaining({ exit: EXIT.configuration, message: expect.stringMatching(message) })

describe("readInside", () => {
  it("reads a plain file, and null where there is none", () => {
    writeFileSync(join(root, "a"), "text")
    expect(readInside(root, "a")).toBe("text")
    expect(readInside(root, "b")).toBeNull()
    expect(readInside(root, "no/such/place")).toBeNull()
  })

  it.each([
    ["a link out", () => symlinkSync(join(outside, "secret"), join(root, "f")), "f", /symbolic link/],
    ["a link inside", () => symlinkSync("g", join(root, "f")), "f", /symbolic link/],
    ["a dangling link", () => symlinkSync("/nowhere", join(root, "f")), "f", /symbolic link/],
    [
      "a linked directory",
      () => symlinkSync(outside, join(root, ".claude")),
      ".claude/settings.json",
      /^\.claude is a symbolic/,
    ],
    ["a directory", () => mkdirSync(join(root, "f")), "f", /not a regular file/],
    [
      "a file as a directory",
      () => writeFileSync(join(root, ".claude"), ""),
      ".claude/settings.json",
      /not a directory/,
    ],
    ["a pipe", () => execFileSync("mkfifo", [join(root, "f")]), "f", /not a regular file/],
    ["bytes that are no UTF-8", () => writeFileSync(join(root, "f"), Buffer.from([0xff, 0xfe])), "f", /UTF-8/],
    ["a huge file", () => writeFileSync(join(root, "f"), Buffer.alloc(4 * 1024 * 1024 + 1, 32)), "f", /4 MB/],
  ])("refuses %s", (_, prepare, path, message) => {
    prepare()
    expect(() => readInside(root, path)).toThrow(refusal(message))
  })
})

describe("instructionsFile", () => {
  it("follows CLAUDE.md to AGENTS.md beside it, and nothing else", () => {
    writeFileSync(join(root, "AGENTS.md"), "")
    symlinkSync("AGENTS.md", join(root, "CLAUDE.md"))
    expect(instructionsFile(root, "CLAUDE.md")).toBe("AGENTS.md")
    expect(instructionsFile(root, "AGENTS.md")).toBe("AGENTS.md")
    expect(instructionsFile(root, "GEMINI.md")).toBe("GEMINI.md")
  })

  it.each(["../outside/secret", "package.json", ".git/hooks/pre-commit", "docs/x.md", "/nowhere/AGENTS.md"])(
    "refuses a link to %s",
    (target) => {
      for (const directory of [".git/hooks", "docs"]) mkdirSync(join(root, directory), { recursive: true })
      for (const path of ["package.json", ".git/hooks/pre-commit", "docs/x.md"]) writeFileSync(join(root, path), "")
      symlinkSync(target, join(root, "CLAUDE.md"))
      expect(() => instructionsFile(root, "CLAUDE.md")).toThrow(refusal(/symbolic link/))
    },
  )
})

describe("writeFiles", () => {
  it("writes new files with their directories, keeps modes, and leaves nothing behind", () => {
    writeFileSync(join(root, "merged"), "old\n")
    chmodSync(join(root, "merged"), 0o600)
    const merged: PlannedFile = { path: "merged", action: "merge", reason: "", before: "old\n", after: "old\nnew\n" }
    const kept: PlannedFile = { ...created("kept"), action: "keep" }
    expect(writeFiles(root, [created("a/b/c"), merged, kept])).toEqual(["a/b/c", "merged"])
    expect(readFileSync(join(root, "a/b/c"), "utf8")).toBe("new\n")
    expect(readFileSync(join(root, "merged"), "utf8")).toBe("old\nnew\n")
    expect(statSync(join(root, "merged")).mode & 0o777).toBe(0o600)
    expect(readdirSync(root).sort()).toEqual(["a", "merged"])
    expect(readdirSync(join(root, "a/b"))).toEqual(["c"])
  })

  it.each([
    ["has changed", () => writeFileSync(join(root, "z"), "mine"), /z has changed since it was shown/],
    ["has become a link", () => symlinkSync(join(outside, "secret"), join(root, "z")), /symbolic link/],
    ["lies behind a link", () => symlinkSync(outside, join(root, "d")), /symbolic link/],
  ])("writes nothing at all where one file %s", (_, prepare, message) => {
    prepare()
    expect(() => writeFiles(root, [created("a/first"), created("z"), created("d/last")])).toThrow(refusal(message))
    expect(existsSync(join(root, "a"))).toBe(false)
    expect(readFileSync(join(outside, "secret"), "utf8")).toBe("untouched")
    expect(readdirSync(outside)).toEqual(["secret"])
  })

  it("takes everything back where a file cannot be renamed into place", () => {
    writeFileSync(join(root, "mine"), "old")
    const mine: PlannedFile = { path: "mine", action: "merge", reason: "", before: "old", after: "new" }
    // a/first cannot be renamed to where the third file needs a directory, and `mine` is in place by then.
    const files = [mine, created("a/first"), created("a/first/below")]
    expect(() => writeFiles(root, files)).toThrow()
    expect(readdirSync(root)).toEqual(["mine"])
    expect(readFileSync(join(root, "mine"), "utf8")).toBe("old")
  })

  it("takes everything back where a file cannot be staged", () => {
    // A name that no file system takes fails after the first file is staged.
    const files = [created("a/first"), created(`b/${"x".repeat(300)}`)]
    expect(() => writeFiles(root, files)).toThrow()
    expect(readdirSync(root)).toEqual([])
  })
})
