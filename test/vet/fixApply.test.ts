// Writing all or nothing: failures and kills at every rename, and what the next run makes of them.
import { execFileSync } from "node:child_process"
import { chmodSync, existsSync, readdirSync, renameSync, statSync, symlinkSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { pathToFileURL } from "node:url"
import { describe, expect, it } from "vitest"
import { applyChanges, isUnfinished, recover } from "../../src/vet/fix/apply.ts"
import type { Change } from "../../src/vet/fix/copy.ts"
import { temporaryDirectory, writeFiles } from "../context.ts"
import { listFiles } from "./fixSupport.ts"

const BEFORE = { "package.json": "old manifest", "package-lock.json": "old lock", "packages/a/package.json": "old a" }
const AFTER = {
  "package.json": "new manifest",
  "package-lock.json": "new lock",
  "packages/a/package.json": "new a",
  "go.sum": "a new file",
}
const CHANGES: Change[] = Object.entries(AFTER).map(([path, after]) => {
  const before = path in BEFORE ? BEFORE[path as keyof typeof BEFORE] : null
  return { path, before: before === null ? null : Buffer.from(before), after: Buffer.from(after) }
})

function project() {
  const root = temporaryDirectory(BEFORE)
  const state = join(temporaryDirectory(), "fix", "journal")
  return { root, state }
}

it("writes every file whole, keeps its mode, and leaves nothing else", () => {
  const { root, state } = project()
  chmodSync(join(root, "package.json"), 0o600)
  applyChanges(root, CHANGES, state)
  expect(listFiles(root)).toEqual(AFTER)
  expect(statSync(join(root, "package.json")).mode & 0o777).toBe(0o600)
  expect(existsSync(state)).toBe(false)
})

it.each([0, 1, 2, 3])("takes everything back where rename %i fails", (failing) => {
  const { root, state } = project()
  let count = 0
  const rename = (from: string, to: string) => {
    if (count++ === failing) throw Object.assign(new Error("no space"), { code: "ENOSPC" })
    renameSync(from, to)
  }
  expect(() => applyChanges(root, CHANGES, state, { rename })).toThrow("the files could not be written (ENOSPC)")
  expect(listFiles(root)).toEqual(BEFORE)
  expect(existsSync(state)).toBe(false)
})

describe("killed", () => {
  /** Runs applyChanges in a process that kills itself before the given rename. */
  function applyAndDie(root: string, state: string, at: number): void {
    const module = pathToFileURL(join(import.meta.dirname, "../../src/vet/fix/apply.ts")).href
    const changes = CHANGES.map(({ path, before, after }) => ({
      path,
      before: before?.toString(),
      after: after.toString(),
    }))
    const script = `
      import { renameSync } from "node:fs"
      const { applyChanges } = await import(${JSON.stringify(module)})
      const changes = ${JSON.stringify(changes)}.map(({ path, before, after }) =>
        ({ path, before: before === undefined ? null : Buffer.from(before), after: Buffer.from(after) }))
      let count = 0
      const die = () => process.kill(process.pid, "SIGKILL")
      const rename = (from, to) => { if (count++ === ${at}) die(); renameSync(from, to); if (count === changes.length && ${at} === count) die() }
      applyChanges(${JSON.stringify(root)}, changes, ${JSON.stringify(state)}, { rename })
    `
    expect(() => execFileSync(process.execPath, ["--input-type=module", "-e", script], { stdio: "pipe" })).toThrow()
  }

  it.each([0, 1, 2, 3, 4])("before rename %i: the next run restores what there was", (at) => {
    const { root, state } = project()
    applyAndDie(root, state, at)
    expect(isUnfinished(state)).toBe(true)
    expect(recover(root, state)).toEqual(Object.keys(AFTER).slice(0, at))
    expect(listFiles(root)).toEqual(BEFORE)
    expect(existsSync(state)).toBe(false)
  })

  it("in between, and somebody went on working: their file is left alone, and said", () => {
    const { root, state } = project()
    applyAndDie(root, state, 2)
    writeFileSync(join(root, "package.json"), "edited since")
    expect(() => recover(root, state)).toThrow("cannot be taken back: package.json was changed since")
    expect(listFiles(root)).toMatchObject({ "package.json": "edited since", "package-lock.json": "old lock" })
    expect(isUnfinished(state)).toBe(true)
    writeFileSync(join(root, "package.json"), "old manifest")
    expect(recover(root, state)).toEqual([])
    expect(listFiles(root)).toEqual(BEFORE)
  })

  it("while the journal was written: nothing was touched, and nothing is restored", () => {
    const { root, state } = project()
    writeFiles(state, { "0.before": "old manifest", "journal.tmp": '{"version":1,"pid"' })
    expect(recover(root, state)).toEqual([])
    expect(listFiles(root)).toEqual(BEFORE)
    expect(existsSync(state)).toBe(false)
  })
})

it("writes nothing where a file changed after it was copied", () => {
  const { root, state } = project()
  writeFileSync(join(root, "packages/a/package.json"), "edited")
  expect(() => applyChanges(root, CHANGES, state)).toThrow(
    "packages/a/package.json was changed while it was being fixed",
  )
  expect(listFiles(root)).toEqual({ ...BEFORE, "packages/a/package.json": "edited" })
})

it("writes nothing where a file that should be new is there", () => {
  const { root, state } = project()
  writeFileSync(join(root, "go.sum"), "")
  expect(() => applyChanges(root, CHANGES, state)).toThrow("go.sum was changed")
  expect(listFiles(root)).toEqual({ ...BEFORE, "go.sum": "" })
})

it("never writes through a link", () => {
  const { root, state } = project()
  const outside = temporaryDirectory({ "package.json": "old a" })
  renameSync(join(root, "packages/a"), join(root, "packages/b"))
  symlinkSync(outside, join(root, "packages/a"))
  expect(() => applyChanges(root, CHANGES, state)).toThrow("packages/a is a symbolic link")
  expect(readdirSync(outside)).toEqual(["package.json"])
  expect(listFiles(outside)).toEqual({ "package.json": "old a" })
})

it("does not run beside another one", () => {
  const { root, state } = project()
  const rename = (from: string, to: string) => {
    expect(() => applyChanges(root, CHANGES, state)).toThrow(/another nanoguard vet --fix is writing/)
    renameSync(from, to)
  }
  applyChanges(root, CHANGES.slice(0, 1), state, { rename })
  expect(listFiles(root)["package.json"]).toBe("new manifest")
})
