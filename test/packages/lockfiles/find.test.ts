import { execFileSync } from "node:child_process"
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, truncateSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { dirname, join } from "node:path"
import { afterEach, beforeEach, describe, expect, it } from "vitest"
import { findLockfiles, readLockfile } from "../../../src/packages/lockfiles/index.ts"
import { siblingReader } from "../../../src/packages/lockfiles/read.ts"
import { SAMPLES } from "./samples.ts"

let scratch: string
let root: string

beforeEach(() => {
  scratch = mkdtempSync(join(tmpdir(), "nanoguard-find-"))
  root = join(scratch, "repository")
  mkdirSync(root)
})
afterEach(() => rmSync(scratch, { recursive: true, force: true }))

function write(path: string, content: string | Uint8Array = "{}"): string {
  const whole = join(root, path)
  mkdirSync(dirname(whole), { recursive: true })
  writeFileSync(whole, content)
  return whole
}

const failure = async (path: string) =>
  (await readLockfile(root, path).catch((error: unknown) => error)) as { message: string; hint?: string }

describe("findLockfiles", () => {
  it("finds every lockfile, in order, and none of what is installed", async () => {
    const own = [
      "a/b/pnpm-lock.yaml",
      "a/yarn.lock",
      "package-lock.json",
      "py/requirements-dev.txt",
      "z/Cargo.lock",
      "z/target/go.mod",
    ]
    for (const path of own) write(path)
    for (const directory of [
      "node_modules/x",
      "a/node_modules",
      ".git",
      "vendor/m",
      ".venv/lib",
      ".pnpm-store",
      "z/.yarn/cache",
    ]) {
      write(`${directory}/package-lock.json`)
    }
    write("env/pyvenv.cfg")
    write("env/share/requirements.txt")
    write("z/build/target/CACHEDIR.TAG")
    write("z/build/target/package/x/Cargo.lock")
    expect(await findLockfiles(root)).toEqual(own)
  })

  it("leaves out what a package manager leaves out", async () => {
    for (const path of ["s/npm-shrinkwrap.json", "s/package-lock.json", "b/bun.lock", "b/bun.lockb", "c/bun.lockb"])
      write(path)
    expect(await findLockfiles(root)).toEqual(["b/bun.lock", "c/bun.lockb", "s/npm-shrinkwrap.json"])
  })

  it("names linked directories that lead out, and does not follow them or those to what is searched anyway, and lists a linked lockfile unless its target is listed", async () => {
    write("a/Package-lock.json")
    write("locks/app.json")
    mkdirSync(join(scratch, "outside"))
    writeFileSync(join(scratch, "outside", "yarn.lock"), "")
    symlinkSync(join(scratch, "outside"), join(root, "linked"))
    symlinkSync("Package-lock.json", join(root, "a", "package-lock.json"))
    symlinkSync("locks/app.json", join(root, "package-lock.json"))
    symlinkSync(join(scratch, "outside", "yarn.lock"), join(root, "yarn.lock"))
    symlinkSync(".", join(root, "loop"))
    const leftOut: string[] = []
    const found = await findLockfiles(root, { leftOut: (path) => leftOut.push(path) })
    expect(found).toEqual(["a/Package-lock.json", "package-lock.json", "yarn.lock"])
    expect(leftOut).toEqual(["linked/"])
    expect((await failure("yarn.lock")).message).toBe("the file leads outside the repository")
  })

  it("lists a link of another format or directory than its target: it is read as something else", async () => {
    write("app.cdx.json")
    write("sub/requirements.txt", "-r more.txt\n")
    symlinkSync("app.cdx.json", join(root, "package-lock.json"))
    symlinkSync("sub/requirements.txt", join(root, "requirements.txt"))
    expect(await findLockfiles(root)).toEqual([
      "app.cdx.json",
      "package-lock.json",
      "requirements.txt",
      "sub/requirements.txt",
    ])
  })

  it("searches a linked directory that leads to what is not searched under its own name", async () => {
    for (const path of ["node_modules/app/yarn.lock", "node_modules/app/node_modules/x/yarn.lock", "deps/prod.txt"])
      write(path)
    write(".venv/lib/go.mod")
    symlinkSync("node_modules/app", join(root, "frontend"))
    symlinkSync("node_modules/app", join(root, "again"))
    symlinkSync("../..", join(root, "node_modules", "app", "up"))
    symlinkSync("deps", join(root, "requirements"))
    symlinkSync(".venv", join(root, "vendor"))
    const leftOut: string[] = []
    const found = await findLockfiles(root, { leftOut: (path) => leftOut.push(path) })
    expect(found).toEqual([expect.stringMatching(/^(frontend|again)\/yarn\.lock$/), "requirements/prod.txt"])
    expect(leftOut).toEqual([".venv/lib/go.mod", "vendor/lib/go.mod"])
  })

  it("names directories that are linked from outside whatever they are called, and looks into none of them", async () => {
    const outside = join(scratch, "outside")
    mkdirSync(join(outside, "sub"), { recursive: true })
    for (const name of ["CACHEDIR.TAG", "pyvenv.cfg", "yarn.lock", "sub/go.mod"]) writeFileSync(join(outside, name), "")
    mkdirSync(join(root, "a"))
    const names = ["vendor", ".venv", "target", "a/.tox", "env"]
    for (const name of names) symlinkSync(outside, join(root, name))
    symlinkSync(outside, join(root, "node_modules"))
    const leftOut: string[] = []
    expect(await findLockfiles(root, { leftOut: (path) => leftOut.push(path) })).toEqual([])
    expect(leftOut).toEqual(names.map((name) => `${name}/`).sort())
  })

  it("names no lockfile as left out that is found under another name", async () => {
    for (const path of ["src/go.mod", ".venv/lib/go.mod", "vendor/app/yarn.lock", "vendor/other/yarn.lock"]) write(path)
    symlinkSync("../src", join(root, ".venv", "src"))
    symlinkSync("src", join(root, "venv"))
    symlinkSync("vendor/app", join(root, "app"))
    // Found, but under a name that says nothing of what it holds.
    write("vendor/requirements/prod.txt")
    symlinkSync("vendor/requirements", join(root, "deps"))
    write("env/pyvenv.cfg")
    write("env/lib/requirements.txt")
    const leftOut: string[] = []
    const found = await findLockfiles(root, { leftOut: (path) => leftOut.push(path) })
    expect(found).toEqual(["app/yarn.lock", "src/go.mod"])
    expect(leftOut).toEqual([
      ".venv/lib/go.mod",
      "env/lib/requirements.txt",
      "vendor/other/yarn.lock",
      "vendor/requirements/prod.txt",
    ])
  })

  it("says so where it has to stop early", async () => {
    for (let index = 0; index < 20; index++) write(`d${index}/f`)
    await expect(findLockfiles(root, { entries: 10 })).rejects.toThrow("more than 10 files and directories")
    write("deep/1/2/3/4/5/package-lock.json")
    await expect(findLockfiles(root, { depth: 3 })).rejects.toThrow("more than 3 levels deep")
  })
})

describe("readLockfile", () => {
  it("reads the file under its path, with a byte order mark too", async () => {
    write("app/package-lock.json", `\ufeff${SAMPLES["npm 3"]![1]}`)
    const lockfile = await readLockfile(root, "app/package-lock.json")
    expect(lockfile).toMatchObject({ path: "app/package-lock.json", format: "package-lock.json", formatVersion: "3" })
    expect(lockfile.dependencies).toHaveLength(7)
  })

  it("notes that npm ignores a package-lock.json beside a shrinkwrap", async () => {
    write("npm-shrinkwrap.json", SAMPLES["npm 3"]![1])
    write("package-lock.json", "{")
    const { format, warnings } = await readLockfile(root, "npm-shrinkwrap.json")
    expect(format).toBe("npm-shrinkwrap.json")
    expect(warnings).toEqual(["package-lock.json beside it was not read: npm ignores it where there is a shrinkwrap"])
  })

  it.each([
    ["bun.lockb", "binary lockfile", "bun install --save-text-lockfile"],
    ["composer.lock", "no lockfile that nanoguard can read", "package-lock.json, pnpm-lock.yaml"],
  ])("says what to do about %s", async (path, message, hint) => {
    write(path, "x")
    const error = await failure(path)
    expect(error.message).toContain(message)
    expect(error.hint).toContain(hint)
  })

  it.each([
    ["package-lock.json", Buffer.from('{"a":\n"\xff"}', "latin1"), "not valid UTF-8"],
    ["yarn.lock", Buffer.from("\ufeffa", "utf16le"), "UTF-16"],
  ])("refuses %s that is no UTF-8", async (path, content, message) => {
    write(path, content)
    expect((await failure(path)).message).toContain(message)
  })

  it("names the line of the first byte that is no UTF-8", async () => {
    write("package-lock.json", Buffer.from('{"a":\n\n"\xc3"}', "latin1"))
    expect(await failure("package-lock.json")).toMatchObject({ where: { file: "package-lock.json", line: 3 } })
  })

  it("refuses 100 MB without reading them", async () => {
    truncateSync(write("package-lock.json"), 100_000_000)
    const before = process.memoryUsage().rss
    expect((await failure("package-lock.json")).message).toBe("the file has 96 MiB; lockfiles are read up to 64 MiB")
    expect(process.memoryUsage().rss - before).toBeLessThan(50_000_000)
  })

  it("refuses what is missing, a directory, a pipe, and what lies outside", async () => {
    mkdirSync(join(root, "yarn.lock"))
    execFileSync("sh", ["-c", 'mkfifo "$0"', join(root, "bun.lock")])
    writeFileSync(join(scratch, "package-lock.json"), "{}")
    expect((await failure("package-lock.json")).message).toBe("there is no such file")
    expect((await failure("yarn.lock")).message).toMatch(/not a regular file|EISDIR/)
    expect((await failure("bun.lock")).message).toBe("not a regular file")
    expect((await failure("../package-lock.json")).message).toBe("the file leads outside the repository")
    expect((await failure("a\0/package-lock.json")).message).toContain("cannot be read")
  })
})

describe("siblingReader", () => {
  it("reads beside the lockfile, and nothing outside the repository", () => {
    write("app/package.json", "own")
    write("package.json", "root")
    writeFileSync(join(scratch, "secret"), "secret")
    symlinkSync(join(scratch, "secret"), join(root, "app", "link"))
    const read = siblingReader(root, "app/yarn.lock")
    expect(["package.json", "./package.json", "../package.json"].map((path) => read(path))).toEqual([
      "own",
      "own",
      "root",
    ])
    for (const path of ["missing", "link", "../../secret", join(scratch, "secret"), "a\0b", ""]) {
      expect(() => read(path)).not.toThrow(/secret/)
    }
    expect(["missing", "link", "../../secret", join(scratch, "secret"), "a\0b"].map((path) => read(path))).toEqual(
      Array(5).fill(undefined),
    )
  })

  it("opens a path that goes back through a link as a system does, where it is asked to", () => {
    write("x.txt", "beside the link")
    write("real/x.txt", "beside the directory")
    write("real/deps/dev.txt", "")
    symlinkSync("real/deps", join(root, "d"))
    const read = siblingReader(root, "requirements.txt")
    expect(read("d/../x.txt")).toBe("beside the link")
    expect(read("d/../x.txt", "as-opened")).toBe("beside the directory")
    expect(siblingReader(root, "d/dev.txt")("../x.txt", "as-opened")).toBe("beside the directory")
    expect(read("real/../x.txt", "as-opened")).toBe("beside the link")
    for (const path of ["none/../x.txt", "x.txt/../x.txt/y", "d/../../../x.txt"])
      expect(read(path, "as-opened")).toBe(undefined)
  })

  it("stops a lockfile that refers to thousands of files", () => {
    const read = siblingReader(root, "requirements.txt")
    expect(() => {
      for (let index = 0; index < 2000; index++) read(`r${index}.txt`)
    }).toThrow("more than 1000 other files")
  })
})
