import { chmodSync, chownSync, lstatSync, mkdirSync, statSync, symlinkSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { describe, expect, it } from "vitest"
import { EXIT } from "../../../src/errors.ts"
import { prepareDirectory, prepareFile } from "../../../src/store/sqlite/files.ts"
import { makeDirectory, runScript, source } from "../directory.ts"

const modeOf = (path: string) => statSync(path).mode & 0o777

describe("prepareDirectory", () => {
  it.each(["0o000", "0o777"])("makes a directory and a file for this user alone under umask %s", (umask) => {
    const directory = join(makeDirectory(), "state")
    const { status, stderr } = runScript(`
      process.umask(${umask})
      const { prepareDirectory, prepareFile } = await import(${source("store/sqlite/files.ts")})
      prepareDirectory(${JSON.stringify(directory)})
      prepareFile(${JSON.stringify(join(directory, "record.db"))})`)
    expect([status, stderr]).toEqual([0, ""])
    expect([modeOf(directory), modeOf(join(directory, "record.db"))]).toEqual([0o700, 0o600])
  })

  it("closes what is open to others", () => {
    const directory = makeDirectory()
    const file = join(directory, "record.db")
    writeFileSync(file, "")
    chmodSync(directory, 0o755)
    chmodSync(file, 0o664)
    prepareDirectory(directory)
    prepareFile(file)
    expect([modeOf(directory), modeOf(file)]).toEqual([0o700, 0o600])
  })

  it("gives back to nobody what was taken from the owner", () => {
    const directory = makeDirectory()
    chmodSync(directory, 0o500)
    prepareDirectory(directory)
    expect(modeOf(directory)).toBe(0o500)
    chmodSync(directory, 0o700)
  })

  it("refuses symbolic links, and changes nothing where they lead", () => {
    const base = makeDirectory()
    const [real, link] = [join(base, "real"), join(base, "link")]
    mkdirSync(real, { mode: 0o755 })
    writeFileSync(join(real, "target"), "", { mode: 0o644 })
    symlinkSync(real, link)
    symlinkSync(join(real, "target"), join(real, "record.db"))
    expect(() => prepareDirectory(link)).toThrow("is a symbolic link")
    expect(() => prepareFile(join(real, "record.db"))).toThrow("is a symbolic link")
    expect([modeOf(real), modeOf(join(real, "target"))]).toEqual([0o755, 0o644])
    symlinkSync(join(base, "nowhere"), join(base, "dangling"))
    expect(() => prepareDirectory(join(base, "dangling"))).toThrow("is a symbolic link")
    expect(() => prepareFile(join(base, "dangling"))).toThrow("is a symbolic link")
    expect(lstatSync(join(base, "nowhere"), { throwIfNoEntry: false })).toBeUndefined()
  })

  it("refuses a file as directory, a directory as file, and a place below a file", () => {
    const base = makeDirectory()
    writeFileSync(join(base, "file"), "")
    expect(() => prepareDirectory(join(base, "file"))).toThrow("is not a directory")
    expect(() => prepareFile(base)).toThrow("is not a file")
    expect(() => prepareDirectory(join(base, "file", "state"))).toThrow(
      expect.objectContaining({ exit: EXIT.environment, where: { file: join(base, "file", "state") } }),
    )
  })

  it("refuses what belongs to another user", (ctx) => {
    if (process.getuid?.() !== 0) ctx.skip("a directory of another user is missing: run the tests as root")
    const directory = makeDirectory()
    chownSync(directory, 12345, 12345)
    expect(() => prepareDirectory(directory)).toThrow("belongs to another user")
  })
})
