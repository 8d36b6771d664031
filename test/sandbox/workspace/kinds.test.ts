// A file in a directory's place, or the other way round: applied as every other change, and never over what the host alone has.
import {
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs"
import { join } from "node:path"
import { expect, test } from "vitest"
import { temporaryDirectory } from "../../context.ts"
import { makeRepository, open } from "./make.ts"

const FILES = {
  file: "f\n",
  other: "o\n",
  "dir/a.txt": "a\n",
  "dir/deep/b.txt": "b\n",
  "second/c.txt": "c\n",
  "plain.txt": "p\n",
}

/** A copy in which every kind became each other one. */
async function changeKinds() {
  const root = makeRepository(FILES)
  symlinkSync("plain.txt", join(root, "link"))
  symlinkSync("plain.txt", join(root, "chain"))
  const { workspace, directory } = await open(root, { mode: "copy" })
  const at = (name: string) => join(directory, "tree", name)
  for (const name of ["file", "other", "dir", "second", "link", "chain"]) rmSync(at(name), { recursive: true })
  for (const name of ["file", "link"]) {
    mkdirSync(at(`${name}/in`), { recursive: true })
    writeFileSync(at(`${name}/in/new.txt`), "new\n")
  }
  writeFileSync(at("dir"), "now a file\n")
  writeFileSync(at("chain"), "now a file\n")
  symlinkSync("plain.txt", at("second"))
  symlinkSync("plain.txt", at("other"))
  return { root, workspace }
}

test("every change of kind is applied", async () => {
  const { root, workspace } = await changeKinds()
  const report = await workspace.finish()
  expect(await workspace.apply(report)).toMatchObject({ conflicts: [], refused: [] })
  for (const name of ["file", "link"]) expect(readFileSync(join(root, name, "in/new.txt"), "utf8")).toBe("new\n")
  for (const name of ["dir", "chain"]) expect(readFileSync(join(root, name), "utf8")).toBe("now a file\n")
  for (const name of ["second", "other"]) expect(readlinkSync(join(root, name))).toBe("plain.txt")
  expect(lstatSync(join(root, "chain")).isFile()).toBe(true)
  expect(readFileSync(join(root, "plain.txt"), "utf8")).toBe("p\n")
  // Nothing is left beside, and a second time finds it done.
  expect(readdirSync(root).sort()).toEqual([".git", "chain", "dir", "file", "link", "other", "plain.txt", "second"])
  expect(await workspace.apply(report)).toMatchObject({ conflicts: [], refused: [] })
})

test("what the host changed, or alone has, stays; so does what a link that came meanwhile leads to", async () => {
  const { root, workspace } = await changeKinds()
  const elsewhere = temporaryDirectory({ "keep.txt": "host\n" })
  const report = await workspace.finish()
  writeFileSync(join(root, "file"), "host\n")
  writeFileSync(join(root, "dir/mine.txt"), "host\n")
  rmSync(join(root, "second"), { recursive: true })
  symlinkSync(elsewhere, join(root, "second"))
  const { conflicts } = await workspace.apply(report)
  expect(Object.fromEntries(conflicts.map(({ path, why }) => [path, why]))).toMatchObject({
    dir: expect.stringContaining("with more in it than the box saw"),
    file: expect.stringContaining("the host has changed it"),
    second: expect.stringContaining("the host has changed it"),
  })
  expect(readFileSync(join(root, "file"), "utf8")).toBe("host\n")
  expect(readFileSync(join(root, "dir/mine.txt"), "utf8")).toBe("host\n")
  expect(existsSync(join(elsewhere, "keep.txt"))).toBe(true)
  // Once it is out of the way the rest is applied.
  rmSync(join(root, "dir/mine.txt"))
  await workspace.apply(report)
  expect(readFileSync(join(root, "dir"), "utf8")).toBe("now a file\n")
})
