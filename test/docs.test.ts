// Keeps the documents honest: their links lead somewhere, their commands exist, and no file names a place it should not.
import { execFileSync } from "node:child_process"
import { existsSync, readFileSync } from "node:fs"
import { dirname, join } from "node:path"
import type { Command } from "commander"
import { describe, expect, it } from "vitest"
import { program } from "../src/program.ts"
import { testContext } from "./context.ts"

const root = join(import.meta.dirname, "..")
const tracked = execFileSync("git", ["ls-files", "-z"], { cwd: root, encoding: "utf8" }).split("\0").filter(Boolean)
const read = (file: string) => readFileSync(join(root, file), "utf8")
const documents = tracked.filter((file) => file.endsWith(".md") && existsSync(join(root, file)))

const FENCE = /^```.*\n([\s\S]*?)^```/gm

/** The id that a heading gets on the pages of a forge: lower case, punctuation dropped, blanks to hyphens. */
function anchorsOf(text: string): Set<string> {
  const headings = text.replace(FENCE, "").matchAll(/^#+ +(.+)$/gm)
  return new Set(
    [...headings].map(([, title = ""]) =>
      title
        .toLowerCase()
        .replace(/[^\p{L}\p{N} _-]/gu, "")
        .replaceAll(" ", "-"),
    ),
  )
}

/** Every relative link of a document that leads nowhere. */
function deadLinks(file: string): string[] {
  const text = read(file)
  const targets = [...text.replace(FENCE, "").matchAll(/\]\(([^)\s]+)\)/g)].map(([, target = ""]) => target)
  return targets.filter((target) => {
    if (/^[a-z]+:/.test(target)) return false
    const [path = "", anchor] = target.split("#")
    const place = path === "" ? file : join(dirname(file), path)
    if (!existsSync(join(root, place))) return true
    return anchor !== undefined && !anchorsOf(read(place)).has(anchor)
  })
}

/** The command lines of nanoguard in the code blocks of a document, as words; what stands behind a gap is said about them. */
function commandLines(text: string): string[][] {
  const blocks = [...text.matchAll(FENCE)].map(([, block = ""]) => block)
  return blocks
    .flatMap((block) => block.split("\n"))
    .map((line) => /^\s*(?:\$ |- run: )?(?:npx )?nanoguard( .*)?$/.exec(line.replace(/\s#.*$|(?<=\S)\s{2,}.*$/, "")))
    .flatMap((match) => (match ? [(match[1] ?? "").trim().split(/\s+/)] : []))
}

/** What of a command line is not declared: a subcommand, or an option. */
function undeclared(words: readonly string[], cli: Command): string[] {
  let command = cli
  const unknown: string[] = []
  for (const word of words) {
    // What follows is another program's.
    if (word === "--") break
    const [name = ""] = word.split("=")
    if (name.startsWith("--")) {
      const known = [command, cli].some(({ options }) => options.some((option) => option.long === name))
      if (!known && name !== "--help") unknown.push(name)
    } else if (command.commands.length > 0) {
      const next = command.commands.find((candidate) => candidate.name() === word)
      if (next) command = next
      else unknown.push(word)
    }
  }
  return unknown
}

describe("the documents", () => {
  it("have no link that leads nowhere", () => {
    expect(documents.length).toBeGreaterThan(20)
    expect(documents.flatMap((file) => deadLinks(file).map((link) => `${file}: ${link}`))).toEqual([])
  })

  it("show only commands and options that exist", () => {
    const cli = program(testContext(root), () => {})
    const shown = documents.flatMap((file) => commandLines(read(file)).map((words) => ({ file, words })))
    expect(shown.filter(({ file }) => file === "README.md").length).toBeGreaterThan(8)
    expect(
      shown.flatMap(({ file, words }) => undeclared(words, cli).map((word) => `${file}: ${words.join(" ")}: ${word}`)),
    ).toEqual([])
    expect(undeclared(["vet", "--ofline"], cli)).toEqual(["--ofline"])
    expect(undeclared(["policy", "chek"], cli)).toEqual(["chek"])
  })

  it("show only scripts of npm that package.json has", () => {
    const { scripts } = JSON.parse(read("package.json")) as { scripts: Record<string, string> }
    const named = ["README.md", "CONTRIBUTING.md"].flatMap((file) => [
      ...[...read(file).matchAll(/npm run ([\w:]+)/g)].map(([, name = ""]) => name),
      ...(read(file).includes("npm test") ? ["test"] : []),
    ])
    expect(named).toContain("test")
    expect(named.filter((name) => scripts[name] === undefined)).toEqual([])
  })
})

// Written in pieces: this file is searched, too.
const HOSTS = [
  ["registry", "npmjs", "org"],
  ["registry", "yarnpkg", "com"],
  ["npm", "jsr", "io"],
  ["pypi", "org"],
  ["files", "pythonhosted", "org"],
  ["index", "crates", "io"],
  ["static", "crates", "io"],
  ["proxy", "golang", "org"],
  ["sum", "golang", "org"],
].map((labels) => labels.join("."))
const PLACES = [["", "work", "main"], ["", "work", "shared"], ["", "tmp", "ng", ""], root.split("/")].map((steps) =>
  steps.join("/"),
)

/** The files that hold one of the words, with the word. */
function holding(words: readonly string[]): string[] {
  return tracked.flatMap((file) => {
    if (!existsSync(join(root, file))) return []
    const text = readFileSync(join(root, file), "latin1")
    return words.filter((word) => text.includes(word)).map((word) => `${file}: ${word}`)
  })
}

describe("every file in the repository", () => {
  it("names no host of a public package registry", () => {
    expect(holding(HOSTS)).toEqual([])
  })

  it("names no place on the machine that it was written on", () => {
    expect(holding(PLACES)).toEqual([])
  })

  it("is searched", () => {
    expect(holding(["# nanoguard\n\nGuardrails"])).toEqual(["README.md: # nanoguard\n\nGuardrails"])
  })
})
