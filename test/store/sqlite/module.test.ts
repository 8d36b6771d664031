import { describe, expect, it } from "vitest"
import { runScript, source } from "../directory.ts"

describe("loadSqlite", () => {
  // Node 22 emits this while the module loads; a newer Node does not, so the child does it in its place.
  const asNode22 = `
    const builtin = process.getBuiltinModule
    process.getBuiltinModule = (id) => {
      if (id === "node:sqlite") {
        process.emitWarning("SQLite is an experimental feature and might change at any time", "ExperimentalWarning")
        process.emitWarning("another one that loads", "ExperimentalWarning")
      }
      return builtin(id)
    }`

  it("keeps the warning about SQLite to itself and passes on every other", () => {
    const { stderr, stdout, status } = runScript(`${asNode22}
      const { loadSqlite } = await import(${source("store/sqlite/module.ts")})
      const { DatabaseSync } = loadSqlite()
      console.log(new DatabaseSync(":memory:").prepare("select 6 * 7 as n").get().n)
      process.emitWarning("SQLite is what this later one is about", "ExperimentalWarning")`)
    expect(status).toBe(0)
    expect(stdout).toBe("42\n")
    expect(stderr).not.toContain("SQLite is an experimental")
    expect(stderr).toContain("another one that loads")
    expect(stderr).toContain("SQLite is what this later one is about")
  })

  it("is the only way in: no source file imports node:sqlite for its values", async () => {
    const { readFileSync, globSync } = await import("node:fs")
    const direct = globSync("src/**/*.ts").filter((file) =>
      /^import (?!type )[^\n]*"node:sqlite"|import\("node:sqlite"\)(?!\.)/m.test(
        readFileSync(file, "utf8").replace(/typeof import\("node:sqlite"\)/g, ""),
      ),
    )
    expect(direct).toEqual([])
  })
})
