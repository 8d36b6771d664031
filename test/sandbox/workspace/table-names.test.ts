// Files and directories whose names every object of JavaScript has, in what is remembered by path.
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { expect, test } from "vitest"
import { temporaryDirectory } from "../../context.ts"
import { open } from "./make.ts"

const NAMES = ["__proto__", "constructor", "hasOwnProperty", "toString"]

test("files of such names in a copy are new, and applied as every other one", async () => {
  const root = temporaryDirectory({ "a.txt": "one\n" })
  const { workspace, directory } = await open(root, { mode: "copy" })
  for (const name of NAMES) writeFileSync(join(directory, "tree", name), "the agent's\n")
  const report = await workspace.finish()
  expect(report.counts).toEqual({ added: 4, changed: 0, removed: 0 })
  expect(await workspace.apply(report)).toMatchObject({ conflicts: [], refused: [] })
  for (const name of NAMES) expect(readFileSync(join(root, name), "utf8")).toBe("the agent's\n")
})

test("directories of such names in a direct workspace are no repositories, and keep their names", async () => {
  const root = temporaryDirectory({ "constructor/mine.txt": "the host's\n" })
  const { workspace } = await open(root, { mode: "direct" })
  for (const name of NAMES) mkdirSync(join(root, name), { recursive: true })
  const { changes } = await workspace.finish()
  expect(changes.filter(({ runs }) => runs !== undefined)).toEqual([])
  expect(readdirSync(root).sort()).toEqual(NAMES)
})
