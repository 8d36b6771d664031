import { mkdirSync, statSync, symlinkSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { describe, expect, it } from "vitest"
import { makeDirectory } from "../../../src/store/sqlite/files.ts"
import { temporaryDirectory } from "../../context.ts"

describe("makeDirectory", () => {
  it("makes what is missing, for this user alone, and leaves what is there", () => {
    const base = temporaryDirectory()
    mkdirSync(join(base, "open"), { mode: 0o755 })
    makeDirectory(join(base, "open", "a", "b"))
    const modes = ["open", "open/a", "open/a/b"].map((path) => statSync(join(base, path)).mode & 0o777)
    expect(modes).toEqual([0o755, 0o700, 0o700])
    makeDirectory(join(base, "open", "a", "b"))
  })

  it.runIf(process.platform === "linux")("says so at once where none can be made", () => {
    expect(() => makeDirectory("/proc/nanoguard/state")).toThrow(/ENOENT|EACCES|EPERM/)
  })

  it("throws where a file or a link to nowhere is in the way", () => {
    const base = temporaryDirectory()
    writeFileSync(join(base, "file"), "")
    symlinkSync(join(base, "nowhere"), join(base, "link"))
    expect(() => makeDirectory(join(base, "file", "state"))).toThrow("ENOTDIR")
    expect(() => makeDirectory(join(base, "link", "state"))).toThrow("ENOENT")
  })
})
