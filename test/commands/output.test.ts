import { execFileSync } from "node:child_process"
import { mkdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { describe, expect, it } from "vitest"
import { writeOutput } from "../../src/commands/output.ts"
import { EXIT } from "../../src/errors.ts"
import { temporaryDirectory } from "../context.ts"

const refusal = (what: string) =>
  expect.objectContaining({ exit: EXIT.usage, message: expect.stringContaining(what), where: { file: "out/report" } })

describe("--output in somebody else's directory", () => {
  it("replaces a report whole", () => {
    const cwd = temporaryDirectory({ report: "an older and longer report" })
    writeOutput(cwd, "report", "new")
    expect(readFileSync(join(cwd, "report"), "utf8")).toBe("new")
  })

  it("goes through no link, neither to a file nor to a directory", () => {
    const [cwd, outside] = [temporaryDirectory(), temporaryDirectory({ report: "mine" })]
    symlinkSync(outside, join(cwd, "out"))
    expect(() => writeOutput(cwd, "out/report", "x")).toThrow(refusal("through a link"))
    const other = temporaryDirectory()
    mkdirSync(join(other, "out"))
    symlinkSync(join(outside, "report"), join(other, "out/report"))
    expect(() => writeOutput(other, "out/report", "x")).toThrow(refusal("through a link"))
    expect(readFileSync(join(outside, "report"), "utf8")).toBe("mine")
  })

  it("waits for nobody to read a named pipe", (ctx) => {
    if (process.platform === "win32") return ctx.skip("mkfifo is missing: Windows has none")
    const cwd = temporaryDirectory()
    mkdirSync(join(cwd, "out"))
    execFileSync("mkfifo", [join(cwd, "out/report")])
    expect(() => writeOutput(cwd, "out/report", "x")).toThrow(refusal("not be written to a regular file"))
  })

  it("follows the person's own links outside", () => {
    const [cwd, outside] = [temporaryDirectory(), temporaryDirectory()]
    writeFileSync(join(outside, "real"), "")
    symlinkSync(join(outside, "real"), join(outside, "report"))
    writeOutput(cwd, join(outside, "report"), "x")
    expect(readFileSync(join(outside, "real"), "utf8")).toBe("x")
  })
})
