// What root gives away with a workspace of its own making: what lies in it, and nothing that a link leads to.
import { execFileSync, spawn } from "node:child_process"
import { once } from "node:events"
import { chmodSync, chownSync, existsSync, lstatSync, readdirSync, symlinkSync } from "node:fs"
import { join } from "node:path"
import { expect, test } from "vitest"
import { eachBelow, removeTree } from "../../../src/sandbox/workspace/below.ts"
import { temporaryDirectory } from "../../context.ts"
import { makeRepository, open } from "./make.ts"

test("a link to a directory is an entry, and nothing behind it is", () => {
  const elsewhere = temporaryDirectory({ "sub/file": "" })
  const directory = temporaryDirectory({ "own/file": "" })
  symlinkSync(elsewhere, join(directory, "link"))
  const seen: string[] = []
  eachBelow(directory, (path) => void seen.push(path.slice(directory.length)))
  expect(seen.sort()).toEqual(["/link", "/own", "/own/file"])
})

test("root gives a copy to its box's user, and nothing that a link in it leads to", async (it) => {
  if (process.getuid?.() !== 0) it.skip("only root gives anything away")
  const elsewhere = temporaryDirectory({ "sub/file": "" })
  const root = makeRepository({ "a.txt": "one\n" })
  symlinkSync(elsewhere, join(root, "link"))
  const { directory } = await open(root, { mode: "copy" })
  expect(lstatSync(join(directory, "tree/a.txt")).uid).toBe(1000)
  const paths = readdirSync(elsewhere, { recursive: true, encoding: "utf8" })
  expect(paths.map((path) => lstatSync(join(elsewhere, path)).uid)).toEqual([0, 0])
})

test("what a box left is removed by a person without root's rights, directories without rights among it", (it) => {
  if (process.getuid?.() !== 0) it.skip("root makes the tree, and another user removes it")
  const parent = temporaryDirectory({ "left/git/objects/file": "", "left/none/file": "" })
  const NOBODY = 65_534
  for (const path of ["", "left", "left/git", "left/git/objects", "left/none"])
    chownSync(join(parent, path), NOBODY, NOBODY)
  for (const path of ["git/objects", "none"]) chmodSync(join(parent, "left", path), path === "none" ? 0 : 0o500)
  chmodSync(parent, 0o755)
  const source = `const { removeTree } = await import(${JSON.stringify(join(import.meta.dirname, "../../../src/sandbox/workspace/below.ts"))})
process.setgid(${NOBODY}); process.setuid(${NOBODY}); removeTree(process.argv[1])`
  execFileSync(process.execPath, ["--input-type=module", "-e", source, join(parent, "left")])
  expect(existsSync(join(parent, "left"))).toBe(false)
})

test("a directory in which another process asks something while it is removed goes all the same", async () => {
  const still = (directory: string) => join(directory, "still")
  const maker = `const { mkdirSync } = require("node:fs"); process.stdout.write("ready")
const end = Date.now() + 500
for (let made = 0; made < 4 && Date.now() < end; ) try { mkdirSync(process.argv[1]); made++ } catch {}`
  for (let round = 0; round < 5; round++) {
    const directory = join(temporaryDirectory({ "left/tree/file": "" }), "left")
    const child = spawn(process.execPath, ["-e", maker, still(directory)], { stdio: ["ignore", "pipe", "inherit"] })
    const gone = once(child, "exit")
    await once(child.stdout, "data")
    removeTree(directory)
    await gone
    expect(existsSync(directory)).toBe(false)
  }
})
