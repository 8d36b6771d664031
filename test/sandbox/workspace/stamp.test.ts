import { chmodSync, mkdirSync, renameSync, rmSync, statSync, symlinkSync, utimesSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { beforeEach, expect, test } from "vitest"
import { stampOf } from "../../../src/sandbox/workspace/stamp.ts"
import { temporaryDirectory } from "../../context.ts"

let directory = ""
beforeEach(() => {
  directory = temporaryDirectory()
  mkdirSync(join(directory, "refs", "heads"), { recursive: true })
  writeFileSync(join(directory, "HEAD"), "ref: refs/heads/main\n")
})

/** The clock of the file system moves in steps of milliseconds. */
const step = () => new Promise((resolve) => setTimeout(resolve, 15))

test("stays as it is where nothing was touched, whoever read it", async () => {
  const before = stampOf(directory)
  await step()
  expect(before).toMatch(/^[0-9a-f]{64}$/)
  expect(stampOf(directory)).toBe(before)
})

test.each<[string, () => void]>([
  ["the same bytes written again", () => writeFileSync(join(directory, "HEAD"), "ref: refs/heads/main\n")],
  ["a new file", () => writeFileSync(join(directory, "refs", "heads", "main"), "0".repeat(40))],
  ["a new link", () => symlinkSync("HEAD", join(directory, "refs", "link"))],
  ["a removed directory", () => rmSync(join(directory, "refs", "heads"), { recursive: true })],
  ["a renamed file", () => renameSync(join(directory, "HEAD"), join(directory, "head"))],
  ["other permissions", () => chmodSync(join(directory, "HEAD"), 0o755)],
])("is another after %s", async (_, act) => {
  const before = stampOf(directory)
  await step()
  act()
  expect(stampOf(directory)).not.toBe(before)
})

test("is another where bytes were exchanged and the times set back", async () => {
  const file = join(directory, "HEAD")
  const { atime, mtime } = statSync(file)
  const before = stampOf(directory)
  await step()
  writeFileSync(file, "ref: refs/heads/evil\n")
  utimesSync(file, atime, mtime)
  expect(stampOf(directory)).not.toBe(before)
})

test("there is none of a directory with too much in it, or that is gone", () => {
  for (let n = 0; n < 2001; n++) writeFileSync(join(directory, `${n}`), "")
  expect(stampOf(directory)).toBeUndefined()
  expect(stampOf(join(directory, "gone"))).toBeUndefined()
})
