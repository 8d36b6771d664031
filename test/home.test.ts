import { describe, expect, it } from "vitest"
import { EXIT } from "../src/errors.ts"
import { dataHome, homeDirectory } from "../src/home.ts"
import { cacheDirectory } from "../src/packages/registries/cache.ts"

describe("the person's home directory", () => {
  it("is HOME, and USERPROFILE where that is not set", () => {
    expect(homeDirectory({ HOME: "/home/ana", USERPROFILE: "/else" })).toBe("/home/ana")
    expect(homeDirectory({ USERPROFILE: "/else" })).toBe("/else")
  })

  it.each(["relative", ".", "./home"])("is never %j: that would be a directory of the repository", (HOME) => {
    const refused = expect.objectContaining({ exit: EXIT.environment, message: expect.stringContaining("HOME") })
    for (const ask of [
      () => homeDirectory({ HOME }),
      () => dataHome({ env: { HOME } }),
      () => cacheDirectory({ cwd: "/work", env: { HOME } }),
    ])
      expect(ask).toThrow(refused)
  })

  it("is not asked for where another variable says where data goes", () => {
    expect(dataHome({ env: { HOME: "", NANOGUARD_HOME: "/var/n" } })).toBe("/var/n")
    expect(dataHome({ env: { HOME: "", XDG_DATA_HOME: "/var/x" } })).toBe("/var/x/nanoguard")
  })
})
