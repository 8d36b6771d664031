// What `npm ci` on somebody else's machine depends on.
import { readFileSync } from "node:fs"
import { join } from "node:path"
import { describe, expect, it } from "vitest"

interface Entry {
  version?: string
  optionalDependencies?: Record<string, string>
}

const { packages } = JSON.parse(readFileSync(join(import.meta.dirname, "../package-lock.json"), "utf8")) as {
  packages: Record<string, Entry>
}

/** What Node would find from one place of the tree, as npm looks it up: in its own node_modules, then in those above. */
function resolve(from: string, name: string): Entry | undefined {
  for (let place = from; ; place = place.slice(0, Math.max(0, place.lastIndexOf("node_modules/") - 1))) {
    const found = packages[`${place === "" ? "" : `${place}/`}node_modules/${name}`]
    if (found || place === "") return found
  }
}

describe("package-lock.json", () => {
  // npm leaves out what it could not fetch while it locked, and `npm ci` of npm 11 then fails for everybody.
  it("has the packages of every platform", () => {
    const wanted = Object.entries(packages).flatMap(([from, { optionalDependencies = {} }]) =>
      Object.entries(optionalDependencies).map(([name, range]) => ({ from, name, range })),
    )
    expect(wanted.length).toBeGreaterThan(20)
    expect(wanted.filter(({ from, name }) => resolve(from, name)?.version === undefined)).toEqual([])
    const exact = wanted.filter(({ range }) => /^\d/.test(range))
    expect(exact.filter(({ from, name, range }) => resolve(from, name)?.version !== range)).toEqual([])
  })
})
