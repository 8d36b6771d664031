import { execFileSync } from "node:child_process"
import { describe, expect, it } from "vitest"

const nanoguard = (...args: string[]) =>
  execFileSync(process.execPath, ["bin/nanoguard.js", ...args], { encoding: "utf8" })

describe("shell completion", () => {
  it.each(["bash", "zsh", "fish", "powershell"])("prints a script for %s that asks nanoguard", (shell) => {
    expect(nanoguard("completion", shell)).toMatch(/nanoguard complete|complete --/)
  })

  it("answers with the commands, and with the options of one", () => {
    expect(
      nanoguard("complete", "--", "")
        .split("\n")
        .map((line) => line.split("\t")[0]),
    ).toEqual(expect.arrayContaining(["vet", "init", "policy", "advisories"]))
    expect(nanoguard("complete", "--", "vet", "--off")).toMatch(/^--offline/m)
  })

  it("gives a script that bash accepts", () => {
    expect(execFileSync("bash", ["-n"], { input: nanoguard("completion", "bash"), encoding: "utf8" })).toBe("")
  })
})
