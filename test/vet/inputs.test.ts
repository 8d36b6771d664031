// Which lockfiles a run reads: paths of every kind, several at once, and what is said of those that were left out.
import { symlinkSync } from "node:fs"
import { join } from "node:path"
import { describe, expect, it } from "vitest"
import { EXIT, type NanoguardError } from "../../src/errors.ts"
import { renderText } from "../../src/render/text.ts"
import { readInputs } from "../../src/vet/inputs.ts"
import { runVet } from "../../src/vet/run.ts"
import { temporaryDirectory, testContext } from "../context.ts"
import { npmLock } from "../trees.ts"
import { OFFLINE, vetTree } from "./support.ts"

const LOCK = npmLock({ a: "1.0.0" })
const pathsOf = async (cwd: string, ...paths: string[]) =>
  (await readInputs(cwd, paths)).inputs.map(({ lockfile }) => lockfile.path)
const failure = (work: Promise<unknown>) =>
  work.then(
    () => undefined,
    ({ exit, message, hint, where }: NanoguardError) => ({ exit, message, hint, file: where?.file }),
  )

describe("readInputs", () => {
  it("finds every lockfile of a monorepo and reads each once, however it is named", async () => {
    const cwd = temporaryDirectory({
      "package-lock.json": LOCK,
      "api/package-lock.json": LOCK,
      "web/package-lock.json": LOCK,
    })
    expect(await pathsOf(cwd)).toEqual(["api/package-lock.json", "package-lock.json", "web/package-lock.json"])
    expect(await pathsOf(cwd, "api", "./api/package-lock.json", join(cwd, "api"), ".")).toEqual([
      "api/package-lock.json",
      "package-lock.json",
      "web/package-lock.json",
    ])
  })

  it("reads a path outside of the current directory, shown as one would type it", async () => {
    const root = temporaryDirectory({ "here/x.txt": "", "there/package-lock.json": LOCK })
    expect(await pathsOf(join(root, "here"), "../there")).toEqual(["../there/package-lock.json"])
    expect(await pathsOf(join(root, "here"), join(root, "there/package-lock.json"))).toEqual([
      "../there/package-lock.json",
    ])
  })

  it("does not follow a lockfile out of the directory that is vetted", async () => {
    const root = temporaryDirectory({ "repo/x.txt": "", "secret/package-lock.json": LOCK })
    symlinkSync("../secret/package-lock.json", join(root, "repo/package-lock.json"))
    expect(await failure(readInputs(join(root, "repo"), []))).toMatchObject({
      exit: EXIT.nothingChecked,
      message: "the file leads outside the repository",
      file: "package-lock.json",
    })
  })

  it("says what is wrong: usage for a path that is not there, 3 where nothing can be checked", async () => {
    const cwd = temporaryDirectory({ "empty/x.txt": "", "bad/package-lock.json": "{" })
    expect(await failure(readInputs(cwd, ["nowhere"]))).toMatchObject({ exit: EXIT.usage, file: "nowhere" })
    expect(await failure(readInputs(cwd, ["empty"]))).toMatchObject({
      exit: EXIT.nothingChecked,
      message: "no lockfile found in empty",
    })
    expect(await failure(readInputs(cwd, ["bad"]))).toMatchObject({
      exit: EXIT.nothingChecked,
      file: "bad/package-lock.json",
    })
    expect(await failure(readInputs(cwd, ["empty/x.txt"]))).toMatchObject({
      exit: EXIT.nothingChecked,
      file: "empty/x.txt",
    })
  })

  it("a file that cannot be read ends the run, even where the others are fine", async () => {
    const cwd = temporaryDirectory({ "package-lock.json": LOCK, "bad/package-lock.json": "{" })
    expect(await failure(runVet(testContext(cwd), OFFLINE))).toMatchObject({ exit: EXIT.nothingChecked })
  })
})

describe("a folder that is called like a copy of packages", () => {
  const files = {
    "package-lock.json": LOCK,
    "vendor/tool/package-lock.json": LOCK,
    "a/.yarn/b/yarn.lock": "",
    "node_modules/x/package-lock.json": LOCK,
  }

  it("is left out, and the report says which lockfiles are in it", async () => {
    const { report } = await vetTree({ policy: "version: 1\n", files, options: { offline: true } })
    expect(report.files.map(({ path }) => path)).toEqual(["package-lock.json"])
    expect(report.leftOut).toEqual(["a/.yarn/b/yarn.lock", "vendor/tool/package-lock.json"])
    expect(renderText(report)).toContain("left out:  a/.yarn/b/yarn.lock, vendor/tool/package-lock.json: among copies")
  })

  it("is vetted where it is named", async () => {
    const { report } = await vetTree({
      policy: "version: 1\n",
      files,
      options: { offline: true, paths: [".", "vendor"] },
    })
    expect(report.files.map(({ path }) => path)).toEqual(["package-lock.json", "vendor/tool/package-lock.json"])
    expect(report.leftOut).toEqual(["a/.yarn/b/yarn.lock"])
  })

  it("is named where it has the only lockfile", async () => {
    const cwd = temporaryDirectory({ "vendor/package-lock.json": LOCK })
    expect(await failure(readInputs(cwd, []))).toMatchObject({
      exit: EXIT.nothingChecked,
      hint: "not searched, because it is a copy of packages or linked from outside: nanoguard vet vendor/package-lock.json",
    })
  })
})

describe("what of a lockfile counts", () => {
  const tool = { version: "1.0.0", dev: true }
  const lock = npmLock({ a: "1.0.0", tool, maybe: { version: "1.0.0", optional: true } }, undefined, ["a", "maybe"])

  it("--prod leaves out what only development brings in, in every count", async () => {
    const policy = "version: 1\ndefault: deny\n"
    const all = await vetTree({ policy, files: { "package-lock.json": lock }, options: { offline: true } })
    expect(all.report.counts).toMatchObject({ packages: 3, deny: 3 })
    const prod = await vetTree({ policy, files: { "package-lock.json": lock }, options: { offline: true, prod: true } })
    expect(prod.report.counts).toMatchObject({ packages: 2, deny: 2 })
    expect(prod.report.files).toMatchObject([{ packages: 2 }])
    expect(Object.keys(prod.found)).toEqual(["a@1.0.0", "maybe@1.0.0"])
  })

  it.each([
    ["an empty lockfile", npmLock({}), {}],
    ["development only, with --prod", npmLock({ tool }, undefined, []), { prod: true }],
  ])("%s is nothing to check", async (_, text, options) => {
    const cwd = temporaryDirectory({ "package-lock.json": text })
    expect(await failure(runVet(testContext(cwd), { ...OFFLINE, ...options }))).toMatchObject({
      exit: EXIT.nothingChecked,
      message: "the lockfiles that were found name no package to vet",
      file: "package-lock.json",
    })
  })
})
